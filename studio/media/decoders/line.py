"""Who decodes next: as many at once as there are seats, one at a time for each person, and people
in turn, so that two hundred files of one person do not keep the one file of another waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from itertools import count


class Ticket:
    """A place in line. `admitted` is done when its turn has come; `label` is for the person to
    know it by."""

    def __init__(self, line: Line, person: str, label: str, number: int) -> None:
        self.line, self.person, self.label, self.number = line, person, label, number
        self.admitted: Future[None] = Future()

    def leave(self) -> None:
        """Give the turn, or the place, to others. May be called twice."""
        self.line.leave(self)


class Line:
    """A line in front of `seats`. All of it is safe to call from any thread."""

    def __init__(self, seats: int) -> None:
        self.seats = seats
        self.lock = threading.Lock()
        self.waiting: list[Ticket] = []
        self.seated: list[Ticket] = []
        self.last: dict[str, int] = {}  # of each person who is here: when they were admitted last
        self.counter = count(1)

    def enter(self, person: str, label: str = "") -> Ticket:
        """A new ticket. Nobody's work ("") is not held back for being one person's."""
        with self.lock:
            number = next(self.counter)
            ticket = Ticket(self, person or f"#{number}", label, number)
            self.waiting.append(ticket)
            admitted = self._admit()
        _tell(admitted)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        with self.lock:
            for tickets in (self.waiting, self.seated):
                if ticket in tickets:
                    tickets.remove(ticket)
            here = {one.person for one in (*self.waiting, *self.seated)}
            self.last = {person: at for person, at in self.last.items() if person in here}
            admitted = self._admit()
        _tell(admitted)

    def places(self, person: str) -> list[tuple[str, int]]:
        """(label, how many go first) of what `person` has here, in order; 0 for what is at work or
        next."""
        with self.lock:
            order = self._order()
            return [(one.label, 0) for one in self.seated if one.person == person] + [
                (one.label, place) for place, one in enumerate(order) if one.person == person
            ]

    def _order(self) -> list[Ticket]:
        """Those who wait as they will be let in: everybody's first before anybody's second."""
        had: dict[str, int] = {}
        for one in self.seated:
            had[one.person] = had.get(one.person, 0) + 1
        keyed = []
        for one in self.waiting:
            nth = had.get(one.person, 0)
            had[one.person] = nth + 1
            keyed.append((nth, self.last.get(one.person, 0), one.number, one))
        return [key[-1] for key in sorted(keyed, key=lambda key: key[:3])]

    def _admit(self) -> list[Ticket]:
        admitted = []
        while len(self.seated) < self.seats:
            busy = {one.person for one in self.seated}
            ready = next((one for one in self._order() if one.person not in busy), None)
            if ready is None:
                break
            self.waiting.remove(ready)
            self.seated.append(ready)
            self.last[ready.person] = next(self.counter)
            admitted.append(ready)
        return admitted


def _tell(admitted: Iterable[Ticket]) -> None:
    """Outside of the lock, since whoever waits goes on at once."""
    for ticket in admitted:
        if ticket.admitted.set_running_or_notify_cancel():
            ticket.admitted.set_result(None)
        else:
            ticket.leave()
