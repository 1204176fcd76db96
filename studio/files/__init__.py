"""Files of a team: stored once, uploaded, linked, served, edited, and the library.
May import teams, models and what is below them."""
