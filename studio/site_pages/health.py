"""For whoever watches over the site: it runs, and what it needs is there."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from studio.common import clock
from studio.config import private_files
from studio.files.file_store import is_local
from studio.teams.access import public

log = logging.getLogger("footlight.health")

PATIENCE = 0.5  # seconds that Redis may take to connect, and to answer
ROOM = 64 * 1024 * 1024  # bytes; with less, the next video may not fit


@public
@require_safe
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; says nothing else, so it may be open to anybody."""
    return JsonResponse({"alive": True})


@public
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database, its tables, Redis and the storage are there, else 503; one word for
    each and no details, so it may be open to anybody. Whether a worker is alive, whether the clocks
    agree (else nothing is sent), and whether other users of the machine can read DATA_DIR, is told
    and changes nothing: pages work without."""
    found = {"database": _database(), "redis": _redis()}
    words = {name: "ok" if good else "unreachable" for name, good in found.items()}
    words["tables"] = _tables() if found["database"] else "unknown"
    words["storage"] = _storage()
    well = all(found.values()) and words["tables"] == "ok" and words["storage"] in ("ok", "remote")
    worker = (
        "unknown"
        if not found["redis"]
        else "alive"
        if import_string(settings.WORKER_ALIVE)()
        else "silent"
    )
    words |= {
        "worker": worker,
        "clock": _clock(asking=all(found.values())),
        "data": "open" if private_files.open_to_others(settings.DATA_DIR) else "private",
    }
    return JsonResponse({"ready": well, **words}, status=200 if well else 503)


def _clock(*, asking: bool) -> str:
    """“ok”, or “off” when this machine's clock or a worker's is too far from another's."""
    if not asking:
        return "unknown"
    off = abs(clock.offset()) > clock.TOLERATED or import_string(settings.CLOCK_PROBLEM)()
    return "off" if off else "ok"


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        return False
    return True


_migrated: set[str] = (
    set()
)  # databases whose tables were seen to be those of this code; that stays so while it runs


def _tables() -> str:
    """“ok”, or “old” when migrations of this code are not applied."""
    name = str(connection.settings_dict["NAME"])
    if name in _migrated:
        return "ok"
    try:
        executor = MigrationExecutor(connection)
        left = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        log.warning("the migrations cannot be read: %s", error)
        return "unknown"
    if left:
        log.warning("%d migrations are not applied; run `python manage.py migrate`", len(left))
        return "old"
    _migrated.add(name)
    return "ok"


@lru_cache(maxsize=4)
def _client(url: str) -> Any:
    return redis.Redis.from_url(
        url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )


def _redis() -> bool:
    try:
        _client(settings.REDIS_URL).ping()
    except redis.RedisError as error:
        log.warning("Redis does not answer: %s", error)
        return False
    return True


def _storage() -> str:
    """“ok”, “read-only” or “full” of a local disk; “remote” for a bucket, which is not asked: that
    takes long and may cost."""
    if not is_local():
        return "remote"
    place = default_storage.path("")
    while not os.path.isdir(place) and os.path.dirname(place) != place:
        place = os.path.dirname(place)  # it is made with the first file
    try:
        disk = os.statvfs(place)
    except OSError as error:
        log.warning("the storage cannot be asked: %s", error)
        return "unreachable"
    if not os.access(place, os.W_OK | os.X_OK):
        log.warning("the storage cannot be written: %s", place)
        return "read-only"
    if disk.f_bavail * disk.f_frsize < ROOM:
        log.warning("the storage is full: %s", place)
        return "full"
    return "ok"
