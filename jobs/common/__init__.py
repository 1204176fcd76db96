"""What every wing may need: states of a job, errors, dates, wakeups through Redis, call counters.
May import nothing of `jobs`."""
