"""The numbers of the engine for Prometheus.
May import modules directly in pages, and what pages may."""
