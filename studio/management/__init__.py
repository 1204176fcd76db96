"""Commands that start or keep up a site.
May import every wing of `studio`."""
