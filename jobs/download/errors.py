"""Why a file did not come, named by what happens next."""

from __future__ import annotations

import errno

from studio.common.sentence_error import SentenceError
from studio.common.translatable import Sentence, phrase

DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


class FetchError(SentenceError):
    """The file did not come. Its sentence is without the query of any address."""


class ForbiddenAddress(FetchError):
    """The address is none that may be asked: another scheme, a password in it, a host inside a
    private network."""


class TooLarge(FetchError):
    """The file has, or says that it has, more bytes than may be taken."""


class UnexpectedAnswer(FetchError):
    """The host answered with something else than the file. `retry_after` in seconds, None when it
    did not say."""

    def __init__(self, sentence: Sentence, status: int, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.retry_after = status, retry_after


class Unreachable(FetchError):
    """No connection, or no answer on it."""


class Interrupted(FetchError):
    """The answer began and did not come to its end. What came is kept, and the next try goes on
    from there."""


class DiskFull(FetchError):
    """Our own disk has no room for it. What came is kept."""


class AlreadyFetching(FetchError):
    """Another process of this machine is fetching into the same file."""


class Stopped(FetchError):
    """We were told to stop. What came is kept."""


def disk_error(error: OSError) -> Exception:
    return (
        DiskFull(phrase("The studio’s disk is full.")) if error.errno in DISK_FULL_ERRNOS else error
    )
