"""Commands that start or keep up a site.
May import files and what is below it."""
