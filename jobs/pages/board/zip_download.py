"""Films as one zip, written while it is sent: stored, not compressed, a block at a time, so neither
memory nor disk fills up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from django.utils.translation import gettext as _

from jobs.models import Job
from jobs.pages.board.player import file_name
from studio.files import file_store

LARGE = 2 << 30  # bytes from which an entry needs the larger form


class _Out:
    """What the archive writes, until it is taken; no seeking and no telling, so the archive never
    goes back."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        found, self.parts = b"".join(self.parts), []
        return found


def names(jobs: Iterable[Job]) -> dict[int, str]:
    """Job id → the name of its film, none twice, whatever the case of its letters."""
    taken: set[str] = set()
    found = {}
    for job in jobs:
        if job.result is None:
            continue
        name, number = file_name(job, job.result.extension), 1
        while name.casefold() in taken:
            number += 1
            name = file_name(job, job.result.extension, f"({number})")
        taken.add(name.casefold())
        found[job.pk] = name
    return found


def stream(jobs: list[Job]) -> Iterator[bytes]:
    """The archive of the films of `jobs` (with `result`). What is missing in the storage is named
    in a text file in it."""
    out, named, missing = _Out(), names(jobs), []
    with ZipFile(out, "w", ZIP_STORED) as archive:  # type: ignore[call-overload]  # it needs no more of a file than that
        for job in jobs:
            film = job.result
            if film is None:
                continue
            blocks = file_store.blocks(str(film.file.name), 0, film.size)
            try:
                first = next(blocks, b"")
            except FileNotFoundError:
                missing.append(named[job.pk])
                continue
            entry = ZipInfo(named[job.pk], time.gmtime(film.created_at.timestamp())[:6])
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=film.size >= LARGE) as file:
                file.write(first)
                yield out.take()
                for block in blocks:
                    file.write(block)
                    yield out.take()
        if missing:
            archive.writestr(
                "missing.txt",
                _("These films are not in the storage any more:")
                + "\n"
                + "\n".join(missing)
                + "\n",
            )
    yield out.take()
