"""Share links: making and changing them, their list, and what a visitor who has one sees.
May import the modules directly in jobs/pages, and the wings below."""
