"""Every kind of file that a phone, a recorder or a voice service makes, on its way in."""
