"""Every model as one declaration, and what a file must be for it. No Django, no I/O.
May import nothing of `jobs`."""
