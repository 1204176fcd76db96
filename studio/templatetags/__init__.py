"""Template tags and filters: icons, money, times, geometry, how a file was made.
May import files and what is below it."""
