"""Fetch a file from an address that somebody else named: nothing inside our network, within limits
of time and size, resuming where the last try was cut. No Django.

The name of the host is resolved once per connection, every address it has is checked, and the
socket goes to an address that was checked: a name that answers differently a moment later changes
nothing. Redirects are followed one by one and checked anew. No proxy, cookie, password or key is
ever used, and the bytes are taken as they come (a Content-Encoding that nobody asked for is not
undone).

May import modelstudio, catalogue and common.
"""

from jobs.download.errors import (
    DISK_FULL_ERRNOS,
    AlreadyFetching,
    DiskFull,
    FetchError,
    ForbiddenAddress,
    Interrupted,
    Stopped,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
)
from jobs.download.http_fetch import MAX_BYTES, Fetched, fetch
from jobs.download.partial_file import PartialFile, ResumeNote
from jobs.download.result_url import is_private_host

__all__ = [
    "DISK_FULL_ERRNOS",
    "MAX_BYTES",
    "AlreadyFetching",
    "DiskFull",
    "FetchError",
    "Fetched",
    "ForbiddenAddress",
    "Interrupted",
    "PartialFile",
    "ResumeNote",
    "Stopped",
    "TooLarge",
    "UnexpectedAnswer",
    "Unreachable",
    "fetch",
    "is_private_host",
]
