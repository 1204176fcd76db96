"""One module per command of `manage.py`; docs/operations.md has the list.
May import what `studio.management` may."""
