"""What every wing may need: encrypted columns, leases, formats, sentences that are translated when
they are shown. May import nothing of `studio`."""
