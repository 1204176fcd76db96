"""The list of jobs, a job with its video, sets, templates, and adopting a task.
May import create, modules directly in pages, and what pages may."""
