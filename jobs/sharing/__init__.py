"""Links under which people without an account watch videos of a team: making, changing and revoking
them, and the one guard of everything behind them. May import engine and what is below it."""
