"""Tasks whose answer came when their job had gone on without them (`engine.late_answers`): canceled
while that is free, else followed as a video of its own, since it is made and will be billed."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal

from django.db import transaction

from jobs.accounts import mail
from jobs.billing import ledger, prices
from jobs.common.states import Outcome, State, group_of
from jobs.engine import late_answers
from jobs.engine.transitions import record, wake_lane
from jobs.models import Attempt, Job, JobInput
from jobs.orders.insert_job import lane_for
from studio.common import clock
from studio.common.translatable import phrase, translated

log = logging.getLogger("footlight.late_videos")
# While nobody knows whether it has begun, it is asked again for this long; then it is followed,
# which finds out as well.
PATIENCE = timedelta(minutes=10)
MOST = 50  # at one go


def settle() -> int:
    """Cancel or follow every late task; returns how many are followed from now on. Safe to run
    twice at once."""
    followed = 0
    late = Attempt.objects.filter(outcome=Outcome.LATE).select_related("key", "job__account__team")
    for attempt in late.order_by("id")[:MOST]:
        canceled = late_answers.cancel(attempt)
        given_up = canceled is None and clock.now() - attempt.began_at > PATIENCE
        if canceled is False or given_up:
            followed += _follow(attempt)
    return followed


def _follow(attempt: Attempt) -> bool:
    """The video of the late task becomes a job beside the one that it was made for."""
    job = attempt.job
    with transaction.atomic():
        ledger.lock(job.team)
        mine = Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.LATE)
        # The task goes over to the attempt of the job that follows it.
        if not mine.update(outcome=Outcome.ENDED, ended_at=clock.now(), task_id=""):
            return False
        video = _insert(attempt)
        text = phrase(
            "The second task had begun, so it will be billed; its video is followed as “%(title)s”",
            title=video.title,
        )
        record(job, "", job.state, text, job.code, {"task_id": video.task_id})
    log.warning("late task %s of job %s is job %s", video.task_id, job.public_id, video.public_id)
    subject = phrase("“%(title)s” was made twice", title=job.title)
    why = phrase(
        "The answer to its sending came so late that it had been sent again, and the service had "
        "begun with both. Both are billed. The second video is brought home as “%(title)s”, and "
        "booked with what the service bills for it.",
        title=video.title,
    )
    mail.notify(job.team, translated(subject), translated(why))
    return True


def _insert(attempt: Attempt) -> Job:
    job, now = attempt.job, clock.now()
    lane = lane_for(job.account, job.model)
    video = Job.objects.create(
        **{name: getattr(job, name) for name in _SAME},
        lane=lane,
        title=f"{job.title[:180]} (2)",
        again_of=job,
        adopted=True,
        state=State.RUNNING,
        group=group_of(State.RUNNING),
        attempt=1,
        task_id=attempt.task_id,
        request_id=attempt.request_id,
        submitting_at=attempt.began_at,
        submitted_at=attempt.began_at,
        next_look_at=now,
    )
    Attempt.objects.create(
        job=video,
        number=1,
        began_at=attempt.began_at,
        outcome=Outcome.ADOPTED,
        found=True,
        **{
            name: getattr(attempt, name)
            for name in ("key", "base_url", "workspace", "model_name", "task_id", "request_id")
        },
    )
    JobInput.objects.bulk_create(
        JobInput(job=video, name=row.name, asset_id=row.asset_id) for row in job.inputs.all()
    )
    nothing = prices.Quote(0, Decimal(0), job.price)
    ledger.hold(video, nothing, job.team, job.owner)
    text = phrase(
        "A second task of “%(title)s” was found; it is followed and charged by its bill",
        title=job.title,
    )
    record(video, "", State.RUNNING, text)
    wake_lane(lane.pk)
    return video


_SAME = (
    "team",
    "owner",
    "account",
    "model",
    "parameters",
    "check_used",
    "template",
    "variant",
    "milliseconds",
    "price",
    "currency",
    "quote_micros",
)
