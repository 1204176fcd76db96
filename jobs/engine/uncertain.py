"""Jobs whose submit got no answer: their task is looked for in the service's own list, and what the
list cannot tell a person decides.

An UNCERTAIN job leaves that state in three ways: one task is adopted, the list (or a person) says
that none was made and it goes back into the queue, or it waits for a person (SEVERAL_TASKS).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q
from django.utils import timezone

from jobs.accounts import rate_limit
from jobs.accounts.clients import client_for
from jobs.common.errors import Moved
from jobs.common.states import Code, Outcome, State
from jobs.engine import retry
from jobs.engine.submit_outcomes import accepted, in_doubt
from jobs.engine.transitions import later, move, wake_lane
from jobs.models import Attempt, Job
from jobs.modelstudio import NoAnswer, Submitted, TaskLine
from studio.common.translatable import phrase, plural_phrase
from studio.models import User


def orphan(job: Job) -> None:
    """A SUBMITTING job whose worker is gone: the POST may have been sent, so nobody sends it again
    blindly."""
    in_doubt(job, NoAnswer(message="the worker ended while sending"))


def settle_uncertain(job: Job) -> None:
    """Look for the task of an UNCERTAIN job in the service's list: one candidate is adopted, none
    after the window sends it back into the queue, several wait for a person."""
    begun = job.submitting_at or job.created_at
    if timezone.now() > begun + retry.LIST_REACHES:
        text = phrase(
            "The service’s list no longer reaches back to this attempt; a person decides whether "
            "it is sent again"
        )
        move(
            job,
            State.UNCERTAIN,
            text,
            code=Code.SEVERAL_TASKS,
            data={"candidates": []},
            not_before=None,
        )
        return
    listed = _listed(job, begun)
    over = timezone.now() >= begun + retry.WINDOW
    found = listed.in_window
    if len(found) == 1 and not _others_in_doubt(job):
        _adopt(job, found[0])
        return
    if not found and over:
        # Made well before or after, by our clock, which may be wrong: a person knows.
        found = listed.unknown
    if found:
        _several(job, found, over)
    elif over and job.tries >= 1:
        _no_task(job)
    else:
        Job.objects.filter(pk=job.pk, state=State.UNCERTAIN, attempt=job.attempt).update(
            not_before=later(retry.NEXT_LIST), tries=F("tries") + 1
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """Tasks of the service's list that belong to no job of ours."""

    unknown: list[TaskLine]  # made within retry.DRIFT of the attempt: perhaps this job's
    in_window: list[TaskLine]  # of these, made when the attempt was: probably this job's


def _listed(job: Job, begun: datetime) -> Listed:
    """One call of the service's list, for the attempt that was begun at `begun`."""
    client = client_for(job.account)
    rate_limit.take(job.account.root_id, "list")
    lines = client.tasks(job.account.deployed(job.model), since=begun - retry.MAX_CLOCK_SKEW)
    known = _known(line.task_id for line in lines)
    unknown = [
        line
        for line in lines
        if line.task_id not in known and line.created_at <= begun + retry.MAX_CLOCK_SKEW
    ]
    first, last = begun - retry.CLOCK_SKEW, begun + retry.WINDOW
    return Listed(unknown, [line for line in unknown if first <= line.created_at <= last])


def _adopt(job: Job, line: TaskLine) -> None:
    accepted(
        job,
        Submitted(line.task_id, line.status, line.request_id),
        phrase("Found in the service’s list; it is this job’s task"),
        Outcome.ADOPTED,
    )


def _several(job: Job, found: list[TaskLine], over: bool) -> None:
    """`found` could be the job's. Once the window is `over` no look at the list can tell more, so a
    person decides."""
    if not over:
        move(
            job,
            State.UNCERTAIN,
            phrase("More than one task could be this job’s; looking again"),
            code=Code.NO_ANSWER,
            not_before=later(10),
        )
        return
    move(
        job,
        State.UNCERTAIN,
        plural_phrase(
            "%(n)s task could be this job’s; a person decides",
            "%(n)s tasks could be this job’s; a person decides",
            len(found),
        ),
        code=Code.SEVERAL_TASKS,
        data={"candidates": [line.task_id for line in found][:20]},
        not_before=None,
    )


def _no_task(job: Job) -> None:
    move(
        job,
        State.QUEUED,
        phrase("The service has no task of this attempt, so it goes back into the queue"),
        code=Code.WAITING_TURN,
        outcome=Outcome.NO_TASK,
        not_before=None,
        tries=0,
    )


def _known(task_ids: Iterable[str]) -> set[str]:
    """Those of `task_ids` that belong to a job of ours, or did before the job went on to another
    task."""
    asked = list(task_ids)
    now = Job.objects.filter(task_id__in=asked).values_list("task_id", flat=True)
    before = Attempt.objects.filter(task_id__in=asked).values_list("task_id", flat=True)
    return {*now, *before}


def _others_in_doubt(job: Job) -> bool:
    """Another row of the same Alibaba account (same lane, or same key) is sending or uncertain, so
    a lone task could be that one's."""
    prints = list(job.account.keys.values_list("fingerprint", flat=True))
    same = Q(account__keys__fingerprint__in=prints) | Q(lane_id=job.lane_id)
    doubtful = Job.objects.filter(
        same, state__in=(State.SUBMITTING, State.UNCERTAIN), model=job.model
    )
    return doubtful.exclude(pk=job.pk).exclude(code=Code.SEVERAL_TASKS).exists()


def candidates(job: Job) -> list[str]:
    """The tasks that could be an UNCERTAIN job's, as the last look at the service's list found
    them."""
    event = job.events.filter(
        code=Code.SEVERAL_TASKS, data__has_key="candidates"
    ).last()  # alarms have none
    return list(event.data.get("candidates", [])) if event else []


def decide_uncertain(job: Job, task_id: str, by: User) -> None:
    """A person's word on an UNCERTAIN job: adopt `task_id`, or "" to say that none is ours and send
    it again (paid)."""
    if task_id:
        if task_id in _known([task_id]):
            raise Moved(f"task {task_id} belongs to another job")
        accepted(
            job,
            Submitted(task_id, "PENDING", ""),
            phrase("%(person)s chose task %(task_id)s", person=by, task_id=task_id),
            Outcome.ADOPTED,
        )
    else:
        text = phrase("%(person)s decided that no task was made; it is sent again", person=by)
        move(
            job,
            State.QUEUED,
            text,
            code=Code.WAITING_TURN,
            outcome=Outcome.NO_TASK,
            not_before=None,
            tries=0,
        )
    wake_lane(job.lane_id)
