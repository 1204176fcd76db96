"""How long the network may keep the web process waiting, how much anybody may send and hold of it,
and how often somebody was refused.

Times are seconds. What an operator may want to change is a setting (`CONNECTIONS`,
`CONNECTIONS_PER_ADDRESS`, `STREAMS_PER_PERSON`, `UPLOADS_PER_PERSON`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

HEADER_SECONDS = 15.0  # from a connection, or a request's first byte, to the end of its headers
BODY_SECONDS = 20.0  # waited for a body besides the time that LEAST_RATE gives for what came of it
LEAST_RATE = 4096  # bytes a second
SEND_SECONDS = 60.0  # an answer that waits for its reader this long is cut; it goes 48 KB at a time
KEEP_ALIVE = 15  # between two requests of a connection
PROXY_KEEP_ALIVE = 150  # the same for a trusted proxy: longer than nginx and Caddy keep theirs

ANYBODY_BYTES = 64 * 1024  # of a body that is taken from anybody, in memory
SIGNED_IN_BYTES = 1024 * 1024  # of a body without files, from who is signed in
FORM_BYTES = 1024 * 1024  # of a form with files, beside the largest file
ASKING = 8  # of one address, of which the database is asked at once whether they may come
PLACE_SECONDS = 20.0  # that an upload waits for one of UPLOADS places
UPLOADS = 100  # bodies with files on their way at once, from all people together

refusals: Counter[str] = Counter()  # by reason, since the process began


class NoPlace(Exception):
    """All places are taken: `own` says whether the holder has as many as one may."""

    def __init__(self, own: bool) -> None:
        super().__init__("the holder's places are taken" if own else "all places are taken")
        self.own = own


class Places:
    """What is held right now, by whom. One process serves the site, so it is counted here."""

    def __init__(self) -> None:
        self.held: Counter[Hashable] = Counter()

    @property
    def total(self) -> int:
        return self.held.total()

    @contextmanager
    def one(self, holder: Hashable, most: int, altogether: int | None = None) -> Iterator[None]:
        """Hold a place; NoPlace when `holder` has `most` already, or all have `altogether`."""
        if self.held[holder] >= most:
            raise NoPlace(own=True)
        if altogether is not None and self.total >= altogether:
            raise NoPlace(own=False)
        self.held[holder] += 1
        try:
            yield
        finally:
            self.held[holder] -= 1
            if not self.held[holder]:
                del self.held[holder]


requests = Places()  # requests that are being answered, by the visitor's address
streams = Places()  # open live streams, by person
uploads = Places()  # bodies with files on their way, by person
unfinished = Places()  # the same and those that came and wait to be read and stored, by person
asking = Places()  # those of which the database is asked who sends them, by the visitor's address
