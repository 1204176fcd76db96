"""What people are told when they are not here. May import engine and what is below it."""
