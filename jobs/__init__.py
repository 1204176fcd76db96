"""What gets made: a wish becomes a job, the job a task of Model Studio, the task a video that is
stored here. May import `studio`. The wings and their order: docs/architecture.md."""
