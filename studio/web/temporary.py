"""What a process that was killed left in the folder for temporary files: counted, and swept when
nobody can still be writing it."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

log = logging.getLogger("footlight.temporary")
# Seconds without a change. An upload that lives is written to at least every BODY_SECONDS or so,
# and no step of a worker takes longer than half an hour.
ABANDONED = 3 * 3600
EVERY = 900
# Parts of videos that are fetched go on where they were cut for as long as the service keeps the
# video; jobs/engine/result_download.py removes them.
PARTS_OF_RESULTS = "films"


def held(folder: Path) -> tuple[int, int]:
    """(files, their bytes) anywhere in `folder`, whose files may go while we count."""
    files = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(place, name)).st_size
                files += 1
    return files, size


def sweep(folder: Path, older: float = ABANDONED) -> int:
    """Remove what lies directly in `folder` and changed last more than `older` seconds ago, with
    all in it, but for the parts of results; how many entries that were."""
    limit, removed = time.time() - older, 0
    if not folder.is_dir():  # nothing was ever put there
        return 0
    for entry in sorted(folder.iterdir()):
        if entry.name == PARTS_OF_RESULTS or _changed(entry) >= limit:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
        removed += not os.path.lexists(entry)
    if removed:
        log.warning("%d abandoned temporary files were removed", removed)
    return removed


def _changed(entry: Path) -> float:
    """When it, or anything in it, was last changed; now when it is gone."""
    times = []
    for path in (entry, *_inside(entry)):
        with suppress(FileNotFoundError):
            times.append(path.lstat().st_mtime)
    return max(times, default=time.time())


def _inside(entry: Path) -> Iterator[Path]:
    if entry.is_dir() and not entry.is_symlink():
        for place, _, names in os.walk(entry):
            yield from (Path(place, name) for name in names)


async def sweep_for_ever() -> None:
    """Sweep at once and then every quarter of an hour, until it is cancelled."""
    while True:
        try:
            await asyncio.to_thread(sweep, Path(settings.FILE_UPLOAD_TEMP_DIR))
        except OSError as error:
            log.warning("temporary files cannot be swept: %s", error)
        await asyncio.sleep(EVERY)
