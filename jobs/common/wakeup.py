"""Wake-ups through Redis: they end a wait early and carry no truth. When Redis is away, everything
still happens at the next heartbeat, only later; so nothing here raises because of it, and nothing
waits long for it: pages send wake-ups too."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import django_rq
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from jobs.common.queue_entries import STEPS, RefusedEntry

log = logging.getLogger("footlight.wakeup")
# Sites that share a Redis never meet: every name begins with the site's own prefix.
SITE = f"{settings.REDIS_PREFIX}:"
WAKE_LIST = f"{SITE}wake"
EVENTS = f"{SITE}events:"
CONNECT, ANSWER = 0.5, 1.0  # seconds that Redis may take
SLOW = 0.2  # an error that took longer than this was waited for
REST = 2.0  # seconds without another try after that, so that one page never waits twice
LONGEST_WAIT = 2.0
WORKER_ALIVE = f"{SITE}alive"
CLOCK_PROBLEM = f"{SITE}clock-problem"
FAILURE_SECONDS = 86400  # seconds; RQ's own default is a year
_away: dict[str, float] = {}  # address → until when (monotonic) it is not tried


@lru_cache(maxsize=4)
def _redis(url: str, answer: float) -> Redis:
    # A kept connection that a restart has closed is worth a second try; one that was waited for is
    # not.
    again = Retry(NoBackoff(), 1, supported_errors=(Disconnected,))
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT,
        socket_timeout=answer,
        retry=again,
        health_check_interval=30,
    )


def redis() -> Redis:
    """One client (with its pool) per process; it survives forks and reconnects by itself."""
    return _redis(settings.REDIS_URL, ANSWER)


def unless_away(what: Callable[[], Any], otherwise: Any = None) -> Any:
    """`what()`; `otherwise` when Redis is away, and at once while it is known not to answer."""
    url = settings.REDIS_URL
    began = time.monotonic()
    if began < _away.get(url, 0.0):
        return otherwise
    try:
        return what()
    except RedisError as error:
        if time.monotonic() - began > SLOW:
            _away[url] = time.monotonic() + REST
        log.debug("Redis is away: %s", error)
        return otherwise


def wake_dispatcher() -> None:
    """End the wait of one dispatcher run."""

    def push() -> None:
        pipe = redis().pipeline(transaction=False)
        pipe.lpush(WAKE_LIST, "1")
        pipe.ltrim(WAKE_LIST, 0, 9)  # more wake-ups than waiters mean nothing
        pipe.execute()

    unless_away(push)


def wake_dispatcher_after_commit() -> None:
    transaction.on_commit(wake_dispatcher)


def wait(seconds: float) -> bool:
    """Sleep up to `seconds` (at most LONGEST_WAIT) or until a wake-up comes; True when one did."""
    if seconds <= 0:
        return False
    began = time.monotonic()
    length = max(0.05, min(seconds, LONGEST_WAIT))
    heard = unless_away(
        lambda: (
            _redis(settings.REDIS_URL, LONGEST_WAIT + ANSWER).blpop([WAKE_LIST], timeout=length)
            is not None
        )
    )
    if heard is None:
        # Without wake-ups the clock alone goes on.
        time.sleep(max(0.0, min(seconds, 1.0) - (time.monotonic() - began)))
    return bool(heard)


def once(name: str, seconds: int) -> bool:
    """True for the first caller in `seconds`. Without Redis True for everyone: doubles are
    harmless, silence is not."""
    return bool(
        unless_away(
            lambda: redis().set(f"{SITE}once:{name}", 1, nx=True, ex=seconds), otherwise=True
        )
    )


def publish(team_slug: str, event: dict[str, Any]) -> None:
    unless_away(lambda: redis().publish(EVENTS + team_slug, json.dumps(event)))


# ── who is called ──


def queue_name(queue: str) -> str:
    """RQ's name of the site's queue `queue` (one of settings.QUEUES)."""
    return f"{settings.REDIS_PREFIX}-{queue}"


def queue_of(queue: str) -> Queue:
    """The site's queue `queue`, on this module's connection, whose time-outs are short."""
    return django_rq.get_queue(queue_name(queue), connection=redis())


def enqueue(queue: str, step: str, *ids: int) -> None:
    """Have a worker of `queue` run the function `step` of jobs/tasks.py: by its name, since who
    enqueues knows no worker."""

    if step not in STEPS:
        raise RefusedEntry(f"{step} is no step that a queue may name; see queue_entries.STEPS.")

    # The heartbeat finds the row when nothing was enqueued.
    def push() -> None:
        queue_of(queue).enqueue(
            f"jobs.tasks.{step}", *ids, result_ttl=0, failure_ttl=FAILURE_SECONDS
        )

    unless_away(push)


def enqueue_check(pk: int) -> None:
    if once(f"check:{pk}", 5):
        enqueue("steps", "check_step", pk)


def enqueue_edit(pk: int) -> None:
    """A video is made over in minutes of processor time, so it has a line of its own, in which no
    video and no check waits behind it."""
    if once(f"edit:{pk}", 5):
        enqueue("edits", "edit_step", pk)


def enqueue_mail(pk: int) -> None:
    if once(f"mail:{pk}", 5):
        enqueue("steps", "mail_step", pk)


def enqueue_archive() -> None:
    enqueue("films", "archive_run")


def worker_alive() -> bool:
    """A worker's supervisor said so in the last seconds."""
    return bool(worker_heard())


def worker_heard() -> bool | None:
    """The same; None when Redis, through which it would say so, does not answer."""
    found = unless_away(lambda: redis().exists(WORKER_ALIVE))
    return None if found is None else bool(found)


def note_clock_problem(sentence: str) -> None:
    """A worker sends nothing because of its clock; said for two minutes."""
    unless_away(lambda: redis().set(CLOCK_PROBLEM, sentence, ex=120))


def clock_problem() -> str:
    """What workers said lately about their clocks; "" when all is well."""
    said = unless_away(lambda: redis().get(CLOCK_PROBLEM))
    return said.decode() if isinstance(said, bytes) else ""
