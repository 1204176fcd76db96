"""Who is here and with which files: people, teams, assets, and what runs the site.
May import nothing of `jobs`; its wings and their order: docs/architecture.md."""
