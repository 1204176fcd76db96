"""What a waiting job says it waits for: a person's pause, trouble of its account or lane, or a key.

Said once, when it begins, and taken back when it is over; what is said never steers what is sent.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import Q

from jobs.accounts import choice, health, pauses
from jobs.common.states import Code, State
from jobs.engine import transitions
from jobs.engine.lane_jobs import isolated, jobs_of
from jobs.engine.lane_lease import ClaimedLane
from jobs.models import Job, Lane
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase

# codes of jobs that wait until an account, a model or a person lets them go on
PAUSED_CODES = (Code.ACCOUNT_PAUSED, Code.MODEL_GONE, Code.HELD_BACK)


def may_send(lane: Lane, now: datetime) -> bool:
    """Whether anything may be sent here. An account's own troubles and pause hold its jobs only
    (`fair_share.ready`)."""
    return lane.sends and not lane.paused(now)


def explain(claimed: ClaimedLane, now: datetime) -> None:
    """Say on every waiting job what it waits for, once."""
    lane = claimed.lane
    if (
        may_send(lane, now)
        and lane.account.sends
        and not lane.account.paused(now)
        and not claimed.shared
    ):
        return
    for job in (
        jobs_of(lane)
        .filter(state=State.QUEUED)
        .exclude(code=Code.NEEDS_TEMPLATE)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
    ):
        code, text = _reason(lane, job)
        if code and (job.code, job.sentence) != (code, text):
            isolated(
                lane,
                job,
                partial(transitions.move, job, State.QUEUED, text, code=code, sentence=text),
            )


def _reason(lane: Lane, job: Job) -> tuple[Code, Sentence]:
    """(code, sentence) of the pause, a person's or of trouble, that holds `job`; ("", "") when none
    does."""
    pause = pauses.paused_by(job.account, lane)
    if pause is not None:
        return Code.HELD_BACK, pauses.sentence(pause, job.team)
    # The lane's account was read with its keys; asking for each of a hundred jobs would be a
    # statement each.
    if choice.keyless(lane.account if job.account_id == lane.account_id else job.account):
        return (
            (Code.ACCOUNT_PAUSED, job.sentence)
            if job.code == Code.ACCOUNT_PAUSED
            else (Code.NONE, EMPTY)
        )
    code, text = health.why(job.account, lane)
    # A request to slow down is over in seconds and no news for everybody behind it.
    return (Code.NONE, EMPTY) if code == Code.BACKING_OFF else (code, text)


def resume(lane: Lane) -> None:
    """Jobs whose pause is over wait for their turn again."""
    paused = {"lane": lane, "state": State.QUEUED, "code__in": PAUSED_CODES}
    if not Job.objects.filter(**paused).exists():  # nearly always, and cheap to ask
        return
    for job in (
        jobs_of(lane).filter(**paused).filter(Q(not_before=None) | Q(not_before__lte=clock.now()))
    ):
        if not _reason(lane, job)[0]:
            again = partial(
                transitions.move,
                job,
                State.QUEUED,
                phrase("Waits in the queue again"),
                code=Code.WAITING_TURN,
                sentence=EMPTY,
                not_before=None,
            )
            isolated(lane, job, again)
