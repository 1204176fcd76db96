"""Pages of the site itself: health for who watches it, parts for who builds pages.
May import files, teams, models and what is below them."""
