"""Pages of the site itself: health for who watches it, parts for who builds pages.
May import files and what is below it."""
