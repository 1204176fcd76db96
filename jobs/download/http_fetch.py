"""One file, from where the last try was cut to its end."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from jobs.download.connection import Watchdog, open_url
from jobs.download.errors import (
    DiskFull,
    ForbiddenAddress,
    Interrupted,
    Stopped,
    TooLarge,
    UnexpectedAnswer,
    disk_error,
)
from jobs.download.partial_file import PartialFile, ResumeNote
from jobs.modelstudio import without_query
from studio.common.translatable import Sentence, phrase

MAX_BYTES = 2 * 1024**3
BLOCK = 256 * 1024
MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)


class _StartOver(Exception):
    """What we have cannot be gone on with."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`size` bytes are there; those before `resumed_at` were there already."""

    size: int
    resumed_at: int


def fetch(
    url: str,
    part: PartialFile,
    *,
    private_ok: bool = False,
    largest: int = MAX_BYTES,
    seconds: float = 3600.0,
    leave: Callable[[int], int] = lambda size: 64 * 1024**2,
    stop: Callable[[], bool] = lambda: False,
) -> Fetched:
    """Bring the file at `url` into `part`, going on from what is there if the host says that it is
    still the same file.

    `private_ok` lets it be on this machine or in a private network. At most `largest` bytes and
    `seconds` of this try; `leave(size)` bytes of the disk stay free beside a file of `size`. `stop`
    is asked a few times a second. Raises a FetchError; with Interrupted, DiskFull and Stopped
    what came is kept. OSError when our own disk is broken.
    """
    if stop():
        raise Stopped(phrase("The download was put off."))
    download = _Download(url, part, private_ok, largest, time.monotonic() + seconds, leave, stop)
    try:
        return download.run(part.size)
    except _StartOver:
        return download.run(0)


@dataclass(frozen=True, slots=True)
class _Download:
    """One try at `url`."""

    url: str
    part: PartialFile
    private_ok: bool
    largest: int
    end: float
    leave: Callable[[int], int]
    stop: Callable[[], bool]

    def run(self, have: int) -> Fetched:
        """_StartOver when the `have` bytes on the disk cannot be gone on with."""
        note = self.part.resume_note
        known = note is not None and note.where == without_query(self.url)
        if note is not None and known and have and have == note.total:
            return Fetched(have, have)
        if (
            note is None
            or not known
            or not note.validator
            or (note.total >= 0 and have > note.total)
        ):
            have = 0
        ask = {
            "User-Agent": "Footlight",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if have and note is not None:
            ask |= {"Range": f"bytes={have}-", "If-Range": note.validator}
        url = self.url
        for _ in range(MAX_REDIRECTS + 1):
            with open_url(url, ask, self.private_ok, self.end, self.stop) as (answer, watchdog):
                if answer.status not in REDIRECTS:
                    return self._take(answer, watchdog, note if have else None, have)
                to = answer.headers.get("Location", "")
                if not to:
                    raise UnexpectedAnswer(
                        phrase(
                            "The video’s host answered %(status)s without saying where to go.",
                            status=answer.status,
                        ),
                        answer.status,
                    )
                try:
                    url = urljoin(url, to)
                except ValueError:
                    raise ForbiddenAddress(
                        phrase("The video’s host sends to something that is no address.")
                    ) from None
        raise UnexpectedAnswer(
            phrase(
                "The video’s host sends from one address to the next, more than %(hops)s times.",
                hops=MAX_REDIRECTS,
            ),
            answer.status,
        )

    def _take(
        self,
        answer: http.client.HTTPResponse,
        watchdog: Watchdog,
        note: ResumeNote | None,
        have: int,
    ) -> Fetched:
        if answer.status == 416 and have:
            raise _StartOver
        if answer.status == 206 and note is not None:
            note = self._piece(answer, note, have)
        elif answer.status == 200:
            have = 0
            note = ResumeNote(
                without_query(self.url),
                _validator(answer),
                -1 if answer.length is None else answer.length,
            )
        else:
            wait = answer.headers.get("Retry-After", "")
            raise UnexpectedAnswer(
                phrase("The video’s host answered %(status)s.", status=answer.status),
                answer.status,
                float(wait) if re.fullmatch(r"\d{1,6}", wait) else None,
            )
        if note.total > self.largest:
            raise TooLarge(_too_large(self.largest))
        if note.total >= 0:
            self._need_room(note.total - have, note.total)
        try:
            if not have:
                os.truncate(
                    self.part.path, 0
                )  # before the note, which must never speak of other bytes
            self.part.write(note)
            size = self._copy(answer, watchdog, have)
        except OSError as error:
            raise disk_error(error) from error
        if note.total >= 0 and size != note.total:
            raise Interrupted(
                phrase(
                    "The download was cut: %(size)s of %(total)s bytes came.",
                    size=size,
                    total=note.total,
                )
            )
        if not size:
            raise UnexpectedAnswer(phrase("The video’s address gave an empty file."), 200)
        return Fetched(size, have)

    def _piece(self, answer: http.client.HTTPResponse, note: ResumeNote, have: int) -> ResumeNote:
        """The note that the piece belongs to; _StartOver when it is not exactly the rest of the
        file that we have the beginning of."""
        said = re.fullmatch(
            r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})",
            answer.headers.get("Content-Range", "").strip(),
        )
        if said is None:
            raise _StartOver
        first, last, total = (int(number) for number in said.groups())
        other = _validator(answer) not in ("", note.validator) and bool(
            answer.headers.get("ETag")
        ) == note.validator.startswith('"')
        fits = (
            first == have
            and last == total - 1
            and note.total in (-1, total)
            and answer.length in (None, total - have)
        )
        if other or not fits:
            raise _StartOver
        return replace(note, total=total)

    def _need_room(self, missing: int, total: int) -> None:
        free = shutil.disk_usage(self.part.path.parent).free
        need = missing + self.leave(total)
        if free < need:
            raise DiskFull(
                phrase(
                    "The studio’s disk is full: %(free)s MB are free and the video needs %(need)s "
                    "MB.",
                    free=f"{free / 1e6:.0f}",
                    need=f"{need / 1e6:.0f}",
                )
            )

    def _copy(self, answer: http.client.HTTPResponse, watchdog: Watchdog, have: int) -> int:
        """Write the body behind the first `have` bytes; returns how many there are then. OSError is
        the disk's."""
        with self.part.path.open("r+b") as out:
            out.seek(have)
            out.truncate()
            size = have
            while True:
                try:
                    block = answer.read1(BLOCK)
                except (OSError, ValueError, http.client.HTTPException):
                    watchdog.raise_reason()
                    raise Interrupted(
                        phrase("The download was cut after %(size)s bytes.", size=size)
                    ) from None
                if not block:
                    break
                size += len(block)
                watchdog.count = size
                if size > self.largest:
                    raise TooLarge(_too_large(self.largest))
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        watchdog.raise_reason()
        return size


def _too_large(largest: int) -> Sentence:
    return phrase("The video is larger than %(largest)s GB.", largest=f"{largest / 1024**3:g}")


def _validator(answer: http.client.HTTPResponse) -> str:
    """What tells whether it is still the same file: a strong ETag, or when it was changed; "" when
    the host says neither."""
    tag = answer.headers.get("ETag", "").strip()
    if re.fullmatch(r'"[\x21\x23-\x7e]{1,200}"', tag):
        return tag
    changed = answer.headers.get("Last-Modified", "").strip()
    return changed if re.fullmatch(r"[A-Za-z0-9,: +-]{20,40}", changed) else ""
