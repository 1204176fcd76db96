"""What every invariant is given: how deep to look, and where to count what it looked at."""

from __future__ import annotations

CHUNK = 2000  # rows read at a time


class Tally:
    """How many things one invariant has looked at, and what it found that breaks no promise of ours
    but that somebody should know."""

    def __init__(self, deep: bool = False) -> None:
        self.seen = 0
        self.deep = deep
        self.notes: list[str] = []
