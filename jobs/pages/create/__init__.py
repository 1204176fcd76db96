"""The pages on which a job is put together and priced: draft, panels, confirmation, the batch.
May import modules directly in pages, and what pages may; nothing of board."""
