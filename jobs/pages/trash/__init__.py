"""Deleting videos and files, with what goes and what stays said before; and the trash.
May import the modules directly in `jobs/pages`."""
