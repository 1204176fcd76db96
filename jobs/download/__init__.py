"""Fetch a file from an address that somebody else named: nothing inside our network, no longer and
no larger than told, and going on where the last try was cut. Ground floor: no Django.

The name of the host is resolved once per connection, every address it has is judged, and the socket
goes to an address that was judged: a name that answers differently a moment later changes nothing.
Redirects are followed by hand and judged anew. No proxy, cookie, password or key is ever used, and
the bytes are taken as they come (a Content-Encoding that nobody asked for is not undone).
"""

from jobs.download.download import LARGEST, Fetched, fetch
from jobs.download.errors import (
    FULL,
    Answered,
    Busy,
    Cut,
    FetchError,
    Forbidden,
    NoRoom,
    Stopped,
    TooLarge,
    Unreached,
)
from jobs.download.hosts import at_home, kind_of
from jobs.download.part import Mark, Part

__all__ = [
    "FULL",
    "LARGEST",
    "Answered",
    "Busy",
    "Cut",
    "FetchError",
    "Fetched",
    "Forbidden",
    "Mark",
    "NoRoom",
    "Part",
    "Stopped",
    "TooLarge",
    "Unreached",
    "at_home",
    "fetch",
    "kind_of",
]
