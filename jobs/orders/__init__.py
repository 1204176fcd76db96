"""A wish becomes a job, or several, with their holds: all or nothing, and the same click once.
May import engine and what is below it, nothing of the pages."""
