"""Whether and when to ask or send again: how often, the back-off of failed calls, the windows in
which an uncertain submit can still show up, and the time of the next look at a task. The download
of a result has `archive_retry`."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from jobs.accounts.rate_limit import CLOSEST
from jobs.common.states import Outcome
from jobs.engine.speed import ENOUGH, speed_of
from jobs.models import Job
from jobs.modelstudio import RetryLater, WireError

# Uncertain submits. Clocks of two machines differ; a request that was cut reaches the service
# within seconds or never.
CLOCK_SKEW = timedelta(seconds=60)


WINDOW = timedelta(seconds=90)


MAX_CLOCK_SKEW = timedelta(
    minutes=10
)  # how far apart the service's clock and ours may be before a task is not recognised at all


SEND_WITHIN = timedelta(seconds=20)  # from the intent to the POST, at most


LIST_REACHES = timedelta(hours=23)  # the list holds 24 h; what is older can no longer be seen in it


FIRST_LIST = 3.0


NEXT_LIST = 8.0


# Seconds between looks at a task that waits at the service: it changes when the one before it ends,
# and this is for surprises.
BEHIND_THE_HEAD = 60.0


# times, the later ones a minute apart, that our file could not be fetched or handed over before the
# job is given up
SEND_TRIES = 240
# free tries of a check (nothing was sent, or the service said: later), over eight minutes
CHECK_TRIES = 12
KEY_WAIT = 60.0  # seconds until an account without a key is asked for one again
# New tasks for a job of which the service broke some, or could not fetch our file: this site was
# away for a moment, or is.
NEW_TASKS = {Outcome.BROKEN: 1, Outcome.UNFETCHED: 4}


def is_sent_again(tries: int) -> bool:
    """Whether a job that was not handed over `tries` times stays in the queue."""
    return tries <= SEND_TRIES


def is_checked_again(tries: int) -> bool:
    """Whether a check that was not answered, `tries` times, is asked again."""
    return tries <= CHECK_TRIES


def new_tasks_left(job: Job, outcome: Outcome) -> int:
    """How many new tasks may still be made for `job` after one that ended with `outcome`. Each kind
    by itself: a file that was out of reach for a moment does not use up what the service may
    break."""
    return max(0, NEW_TASKS[outcome] - job.attempts.filter(outcome=outcome).count())


def backoff(tries: int, most: float = 60.0) -> float:
    """Seconds to wait before try number `tries`+1: 1, 2, 4 … `most`, with a quarter of jitter so
    that many do not come at once."""
    base = min(most, 2.0 ** min(30, max(0, tries - 1)))
    return base * random.uniform(0.75, 1.25)  # noqa: S311  (not a secret)


def before_check(tries: int) -> float:
    """Seconds until a check that cost nothing is asked again: 2, 4 … 60."""
    return min(60.0, 2.0**tries)


def before_new_task(broken: int) -> float:
    """Seconds until a new task is made for a job of which the service broke `broken` before: 10,
    30, 90 …"""
    return 10.0 * 3.0**broken


def asked_wait(error: WireError) -> float | None:
    """The seconds for which the service asked us to wait; None when it named none."""
    return error.retry_after if isinstance(error, RetryLater) else None


def next_look(job: Job, now: datetime) -> float:
    """Seconds until the next look at the task at the head of its lane: sparse before it can have
    ended, dense while it probably ends, denser the fewer tasks ever took that long, sparse again
    when it is later than all of them.

    Looking costs a query whether or not anything has changed, so the gaps follow the chance that
    something has.
    """
    began = job.provider_started_at or job.submitted_at or now
    elapsed = max(0.0, (now - began).total_seconds())
    if job.provider_started_at is None and job.provider_status in ("", "PENDING"):
        return min(5.0, max(2.0, 0.4 * elapsed))  # the service tells later when it began
    known, length = speed_of(job), max(1.0, job.seconds)
    middle = known.median * length
    if not known.learned:
        # The prior may be far off: look early, and further apart the longer it takes; a twentieth
        # of it is late for nobody.
        return min(15.0, max(CLOSEST, 0.25 * elapsed, 0.05 * known.median * length))
    few = len(known.recent) < ENOUGH
    first = length * (0.75 * known.median if few else 0.97 * known.recent[0])
    last = length * (1.3 * known.median if few else 1.05 * known.recent[-1])
    if elapsed < first:
        gap = first - elapsed
        return max(
            CLOSEST, gap if gap <= 45.0 else 0.5 * gap
        )  # a long task may fail early: one look on the way
    if elapsed <= last:
        base = max(CLOSEST, 0.03 * middle)
        return max(CLOSEST, base * known.survival(elapsed / length) ** 0.5) if not few else base
    return min(15.0, max(1.0, 0.15 * (elapsed - middle)))
