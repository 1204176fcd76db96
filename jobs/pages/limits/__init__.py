"""The page of a team's limits: money per day and month, waiting jobs and turns.
May import the modules directly in jobs/pages, and the wings below."""
