"""For whoever watches over the site: it runs, and what it needs is there."""

from __future__ import annotations

import logging

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.access import public

log = logging.getLogger("footlight.health")

PATIENCE = 1  # seconds that Redis may take


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
    """200 when the database and Redis answer, else 503; one word for each and no details, so it may be open to anybody."""
    found = {"database": _database(), "redis": _redis()}
    well = all(found.values())
    words = {name: "ok" if good else "unreachable" for name, good in found.items()}
    return JsonResponse({"ready": well, **words}, status=200 if well else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        return False
    return True


def _redis() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
    try:
        client.ping()
    except redis.RedisError as error:
        log.warning("Redis does not answer: %s", error)
        return False
    finally:
        client.close()
    return True
