"""Stored files over HTTP: in blocks, with ranges, as RFC 9110 §14 has them. Django's FileResponse
knows no ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header, parse_etags

from studio.config import security_headers
from studio.files.file_store import blocks

RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
# An open-ended range is answered in pieces of this size: a player that pauses has its piece, and is
# not cut off as a reader that takes nothing.
PIECE = 4 * 1024 * 1024


class Unsatisfiable(Exception):
    """The range lies outside the file."""


class _Body:
    """An iterator that is closed even when nobody began to read it. Asks for the first block at
    once, so a missing file is a 404."""

    def __init__(self, name: str, start: int, stop: int) -> None:
        self.source = blocks(name, start, stop)
        first = next(self.source, b"")
        self.all: Iterator[bytes] = chain((first,), self.source)

    def __iter__(self) -> Iterator[bytes]:
        return self.all

    def close(self) -> None:
        self.source.close()  # type: ignore[attr-defined]


def serve(
    request: HttpRequest,
    name: str,
    *,
    size: int,
    mime: str,
    etag: str,
    caching: str,
    filename: str = "",
    attachment: bool = False,
    piece: int = 0,
) -> HttpResponseBase:
    """Answer GET or HEAD with the stored file `name` of `size` bytes: 200, 206, 304 or 416.

    `etag` without quotes; `filename` is what a browser saves it as; `piece` caps the answer to a
    range without an end. One range per request is honoured; several, and words that are no range,
    get the whole file, which the standard allows.
    """
    quoted = f'"{etag}"'
    response: HttpResponseBase
    if etag and _matches(request.headers.get("If-None-Match", ""), quoted):
        response = HttpResponseNotModified()
        response["Cache-Control"] = caching
        response["ETag"] = quoted
        return security_headers.add(response, security_headers.FILES)
    start, stop, status = 0, size, 200
    wanted = request.headers.get("Range", "")
    if wanted and request.method == "GET" and request.headers.get("If-Range", quoted) == quoted:
        try:
            found = byte_range(wanted, size, piece)
        except Unsatisfiable:
            response = HttpResponse(status=416, content_type=mime)
            response["Content-Range"] = f"bytes */{size}"
            response["Accept-Ranges"] = "bytes"
            return security_headers.add(response, security_headers.FILES)
        if found:
            (start, stop), status = found, 206
    if request.method == "HEAD":
        response = HttpResponse(status=200, content_type=mime)
    else:
        response = StreamingHttpResponse(_body(name, start, stop), status=status, content_type=mime)
    response["Content-Length"] = str(stop - start)
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response["ETag"] = quoted
    response["Cache-Control"] = caching
    _mark_as_file(response, filename, attachment)
    return response


def _mark_as_file(response: HttpResponseBase, filename: str, attachment: bool) -> None:
    response["Accept-Ranges"] = "bytes"
    security_headers.add(response, security_headers.FILES)
    if filename:
        response["Content-Disposition"] = (
            content_disposition_header(attachment, filename) or "attachment"
        )


def _body(name: str, start: int, stop: int) -> _Body:
    try:
        return _Body(name, start, stop)
    except FileNotFoundError:
        raise Http404("The stored file is missing.") from None


def _matches(header: str, quoted: str) -> bool:
    return header.strip() == "*" or quoted in [
        tag.removeprefix("W/") for tag in parse_etags(header)
    ]


def byte_range(header: str, size: int, piece: int = 0) -> tuple[int, int] | None:
    """(start, stop) of a Range header for a file of `size` bytes, stop not included; None when it
    is to be ignored.

    Raises Unsatisfiable for a range that begins behind the end, and for any range of an empty file.
    """
    match = RANGE.fullmatch(header.strip())
    if not match or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if len(first) > 18 or len(last) > 18:  # more digits than any file has bytes
        first, last = first[:18], last[:18]
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(size - int(last), 0), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    stop = min(int(last) + 1, size) if last else size
    if not last and piece:
        stop = min(stop, start + piece)
    return start, stop
