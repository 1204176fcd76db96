"""The pages of accounts, keys, lanes and pauses.
May import modules directly in pages, and what pages may."""
