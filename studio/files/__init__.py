"""Files of a team: stored once, uploaded, linked, served, edited, and the library.
May import templatetags, teams, models, media and common."""
