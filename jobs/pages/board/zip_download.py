"""The results of several jobs as one zip file, made while it is sent: stored, not compressed, a
block at a time, so neither memory nor disk grows with it. Its length is known before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from zipstream.ng import ZipStream

from jobs.models import Job
from jobs.pages.video_names import file_name
from studio.files import file_store

Date: TypeAlias = tuple[int, ...]  # year to second


class Archive:
    """A zip whose `len()` is its size in bytes, to be read once.

    Reading it raises FileNotFoundError or RuntimeError, and the download breaks off, when a file is
    deleted or changed meanwhile.
    """

    def __init__(self) -> None:
        self._zip = ZipStream(sized=True)
        self._dates: list[Date] = []  # of the entries, in their order

    def __len__(self) -> int:
        return len(self._zip)

    def add_stored(self, stored: str, name: str, created: datetime) -> None:
        """The file `stored` of the storage as the entry `name`, dated `created` in UTC. Raises
        FileNotFoundError, and adds nothing, when it is not in the storage."""
        size = default_storage.size(stored)
        self._zip.add(file_store.blocks(stored, 0, size), name, size=size)
        self._dates.append(created.astimezone(UTC).timetuple()[:6])

    def add_text(self, text: str, name: str) -> None:
        """`text` as the entry `name`, dated now."""
        self._zip.add(text, name)
        self._dates.append(datetime.now(UTC).timetuple()[:6])

    def __iter__(self) -> Iterator[bytes]:
        # The library dates by the clock what has no path of its own. The date is in the header of
        # an entry and again in the list at the end.
        for date in self._dates:
            parts = self._zip.file()
            header = next(parts)
            yield header[:10] + _dos_time(date) + header[14:]
            yield from parts
            entry = self._zip._filelist[-1]
            entry.date_time = date
            entry.external_attr = 0o644 << 16
        yield from self._zip.footer()


def _dos_time(date: Date) -> bytes:
    """Time and date as a zip has them (APPNOTE 4.4.6): in steps of two seconds, from 1980 on."""
    year, month, day, hour, minute, second = date
    number = (year - 1980) << 25 | month << 21 | day << 16 | hour << 11 | minute << 5 | second // 2
    return number.to_bytes(4, "little")


def names(jobs: Iterable[Job]) -> dict[int, str]:
    """Job id → the name of its result in the zip, none twice, whatever the case of its letters."""
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


def archive_of(jobs: list[Job]) -> Archive:
    """The zip of the results of `jobs` (with `result`). What is missing in the storage is named in
    a text file in it."""
    archive, named, missing = Archive(), names(jobs), []
    for job in jobs:
        if job.result is None:
            continue
        name = named[job.pk]
        try:
            archive.add_stored(str(job.result.file.name), name, job.result.created_at)
        except FileNotFoundError:
            missing.append(name)
    if missing:
        lines = [_("These videos are not in the storage any more:"), *missing]
        archive.add_text("".join(f"{line}\n" for line in lines), "missing.txt")
    return archive
