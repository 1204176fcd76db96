"""The settings of a team and its end: what both need to know of jobs and money.
May import the modules directly in jobs/pages."""
