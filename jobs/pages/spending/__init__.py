"""The money of a month: page, drawing and CSV file.
May import modules directly in pages, and what pages may."""
