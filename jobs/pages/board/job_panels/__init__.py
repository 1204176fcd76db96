"""The panels of a job's page: small objects with exactly what their part of the page shows."""
