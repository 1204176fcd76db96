"""Bodies of requests, read by the event loop: no slower than a least rate, no larger than their
sender may send, and on the disk only for who may send so much."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from studio.common.formats import filesize_mb
from studio.web import limits
from studio.web.addresses import network_of
from studio.web.answers import Gone, Refused
from studio.web.asgi_types import Receive, Scope

BUFFER = 1024 * 1024  # bytes gathered before they are written
writing = ThreadPoolExecutor(max_workers=4, thread_name_prefix="body")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many bytes of a body its sender may send; `uploader` is the person when they may be
    files."""

    most: int
    uploader: int | None = None


class Spooled:
    """Bytes of bodies that are held now, in memory and on disk."""

    def __init__(self) -> None:
        self.bytes = 0


spooled = Spooled()


def declared_length(scope: Scope) -> int | None:
    """Content-Length; None when the body comes in chunks without one. Refused 400 when it is no
    number."""
    for key, value in scope["headers"]:
        if key.lower() == b"content-length":
            if not value.isdigit():
                raise Refused(400, _("The request does not say its length in digits."))
            return int(value)
    return None


async def parts(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Gone when the client leaves, Refused 408 when it lets us wait
    longer than BODY_SECONDS and what came takes at LEAST_RATE; our own time does not count."""
    loop, waited, received, more = asyncio.get_running_loop(), 0.0, 0, True
    while more:
        began = loop.time()
        try:
            async with asyncio.timeout(limits.BODY_SECONDS + received / limits.LEAST_RATE - waited):
                message = await receive()
        except TimeoutError:
            raise Refused(
                408,
                _("The request came too slowly, so it was given up. Try again on a faster line."),
                "slow-body",
            ) from None
        waited += loop.time() - began
        if message["type"] == "http.disconnect":
            raise Gone
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        received += len(body)
        if body:
            yield body


def too_much(most: int) -> Refused:
    """413 for a body above `most` bytes."""
    if not most:
        return Refused(413, _("Nothing may be sent along with this request."), "large-body")
    return Refused(
        413,
        _("More was sent than this page takes (%(size)s). Nothing of it was kept.")
        % {"size": filesize_mb(most)},
        "large-body",
    )


@contextmanager
def unfinished_upload(person: int) -> Iterator[None]:
    """Around an upload from its first byte until its files are stored or refused, since they lie on
    the disk for as long as they wait for a decoder. Refused 429 when `person` has as many as one
    may."""
    try:
        with limits.unfinished.one(person, settings.UPLOADS_PER_PERSON):
            yield
    except limits.NoPlace:
        raise Refused(
            429,
            _(
                "%(n)s of your uploads are on their way already, the most at once; wait until "
                "one is done."
            )
            % {"n": settings.UPLOADS_PER_PERSON},
            "uploads-of-a-person",
        ) from None


@contextmanager
def upload_place(person: int) -> Iterator[None]:
    """A place among the uploads on their way; Refused 503 when there is none."""
    try:
        with limits.uploads.one(person, limits.UPLOADS, limits.UPLOADS):
            yield
    except limits.NoPlace:
        raise _too_many() from None


def _too_many() -> Refused:
    return Refused(
        503, _("Too many files are on their way to this site; try again in a minute."), "uploads"
    )


@asynccontextmanager
async def asking_place(scope: Scope) -> AsyncIterator[None]:
    """Around the question to the database whose upload comes. While no upload has a place, or too
    many questions of this address are open, it waits, which costs nothing, as many who come back
    at once would; Refused 503 after PLACE_SECONDS."""
    loop, address = asyncio.get_running_loop(), network_of(scope["client"][0])
    end = loop.time() + limits.PLACE_SECONDS
    while (
        limits.uploads.total + limits.asking.total >= limits.UPLOADS
        or limits.asking.held[address] >= limits.ASKING
    ):
        if loop.time() >= end:
            raise _too_many()
        await asyncio.sleep(limits.PLACE_SECONDS / 20)
    with limits.asking.one(address, limits.ASKING):
        yield


class Spool:
    """A body that is gathered: in memory up to ANYBODY_BYTES, else in a file without a name, which
    goes with the process. What `held` holds ends with it."""

    def __init__(self) -> None:
        self.size = 0
        self.held = ExitStack()
        self.file: IO[bytes] = BytesIO()
        self._gathered = bytearray()
        self._on_disk = False

    async def add(self, part: bytes) -> None:
        self.size += len(part)
        spooled.bytes += len(part)
        if not self._on_disk and self.size <= limits.ANYBODY_BYTES:
            self.file.write(part)
            return
        self._gathered += part
        if len(self._gathered) >= BUFFER:
            await self._write()

    async def _write(self) -> None:
        data = bytes(self._gathered)
        self._gathered.clear()
        await asyncio.get_running_loop().run_in_executor(writing, self._put, data)

    def _put(self, data: bytes) -> None:
        if not self._on_disk:
            before = self.file
            self.file = tempfile.TemporaryFile(  # noqa: SIM115  (`close` closes it)
                dir=settings.FILE_UPLOAD_TEMP_DIR
            )
            self.file.write(before.getbuffer() if isinstance(before, BytesIO) else b"")
            self._on_disk = True
        self.file.write(data)

    async def finish(self) -> IO[bytes]:
        """The whole body, to be read from its beginning."""
        if self._gathered:
            await self._write()
        self.file.seek(0)
        return self.file

    def close(self) -> None:
        spooled.bytes -= self.size
        self.size = 0
        self.file.close()
        self.held.close()


async def read_into(
    spool: Spool, scope: Scope, receive: Receive, ask: Callable[[], Awaitable[Allowance]]
) -> None:
    """Read the body of a request for a page into `spool`.

    A body above ANYBODY_BYTES must say its length and be allowed by `ask`, which is asked before a
    byte of it is read. Raises Refused and Gone.
    """
    declared = declared_length(scope)
    allowed = Allowance(0 if scope["method"] in ("GET", "HEAD") else limits.ANYBODY_BYTES)
    if allowed.most and declared is not None and declared > allowed.most:
        files = declared > limits.SIGNED_IN_BYTES
        async with asking_place(scope) if files else nullcontext():
            allowed = await ask()
    if declared is not None and declared > allowed.most:
        raise too_much(allowed.most)
    if allowed.uploader is not None:
        spool.held.enter_context(unfinished_upload(allowed.uploader))
    with nullcontext() if allowed.uploader is None else upload_place(allowed.uploader):
        async for part in parts(receive):
            if spool.size + len(part) > allowed.most:
                raise (
                    _unannounced() if declared is None and allowed.most else too_much(allowed.most)
                )
            await spool.add(part)


def _unannounced() -> Refused:
    return Refused(
        411,
        _(
            "What is sent must say its length beforehand (Content-Length) when it is more than "
            "%(n)s."
        )
        % {"n": filesize_mb(limits.ANYBODY_BYTES)},
        "large-body",
    )
