"""Stored files that no row names any more are taken out of the storage, once their rows are gone.

The row goes first, with a `FileRemoval` in its transaction; so whatever dies when, a file without a
row is known, and no row lacks its file. Whoever stores the same content meanwhile takes the removal
back, or waits for the moment in which the file is being removed and stores it anew; where that does
not end, under another name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet

from studio.common import clock
from studio.models import Asset, FileRemoval

log = logging.getLogger("footlight.removals")
# Whoever took one up and is still not done has died; a storage is tried for minutes.
TAKEN_FOR = timedelta(minutes=15)
PATIENCE = 30.0  # seconds that a store waits for a removal under way
STEP = 0.05


def names_of(assets: Iterable[Asset]) -> list[str]:
    """What is stored of `assets`: each file and its small picture."""
    return [str(field.name) for asset in assets for field in (asset.file, asset.thumb) if field]


def note(names: Iterable[str]) -> None:
    """In the transaction that deletes the rows of `names`."""
    rows = [FileRemoval(name=name) for name in sorted(set(names)) if name]
    FileRemoval.objects.bulk_create(rows, ignore_conflicts=True)


def take_back(names: Iterable[str]) -> bool:
    """In the transaction that writes a row which names them. False when one of the files is being
    removed at this moment: then `await_gone` and store it anew."""
    wanted = [name for name in names if name]
    FileRemoval.objects.filter(name__in=wanted, taken_at=None).delete()
    return not FileRemoval.objects.filter(name__in=wanted).exists()


def await_gone(names: Iterable[str]) -> bool:
    """Wait until nobody removes any of `names`: their files are gone, or stay. False when that did
    not end: whoever removes one may wake up at any time, so what is kept needs another name."""
    wanted, until = [name for name in names if name], time.monotonic() + PATIENCE
    while FileRemoval.objects.filter(name__in=wanted, taken_at__isnull=False).exists():
        if time.monotonic() > until:
            log.warning("a removal of %s did not end", ", ".join(wanted))
            return False
        time.sleep(STEP)
    return True


def work(stop: Callable[[], bool] = lambda: False, names: Iterable[str] | None = None) -> int:
    """Remove the files that are due, `names` alone when they are given; how many are gone. May be
    cut off anywhere and run twice at once."""
    gone = 0
    for pk in _due(names):
        if stop():
            break
        gone += _remove(pk)
    return gone


def due() -> bool:
    return bool(_due(None, at_most=1))


def _due(names: Iterable[str] | None, at_most: int = 1000) -> list[int]:
    free = Q(taken_at=None) | Q(taken_at__lt=clock.now() - TAKEN_FOR)
    rows = FileRemoval.objects.filter(free)
    if names is not None:
        rows = rows.filter(name__in=[name for name in names if name])
    return list(rows.order_by("pk").values_list("pk", flat=True)[:at_most])


def named(name: str) -> QuerySet[Asset]:
    """The rows that name the stored file `name`, those in the trash too."""
    return Asset.everything.filter(Q(file=name) | Q(thumb=name))


def _take(pk: int) -> FileRemoval | None:
    """The removal `pk`, taken up by this process; None when it is not to be done any more."""
    now = clock.now()
    free = Q(taken_at=None) | Q(taken_at__lt=now - TAKEN_FOR)
    with transaction.atomic():
        row = FileRemoval.objects.select_for_update().filter(free, pk=pk).first()
        if row is None:
            return None
        if named(row.name).exists():
            row.delete()
            return None
        row.taken_at = now
        row.save(update_fields=["taken_at"])
    return row


def _remove(pk: int) -> bool:
    row = _take(pk)
    if row is None:
        return False
    mine = FileRemoval.objects.filter(pk=pk, taken_at=row.taken_at)
    # At the last moment: a process that slept since may not own it any more.
    if not mine.exists() or named(row.name).exists():
        return False
    default_storage.delete(row.name)
    mine.delete()
    return True
