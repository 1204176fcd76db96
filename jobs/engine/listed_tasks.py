"""What a person is told of the tasks that could be an UNCERTAIN job's: as the service's list had
them when the question was asked, and which other jobs each could be the task of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from jobs.common.states import Code, State
from jobs.engine import retry
from jobs.models import ApiKey, Job, JobEvent
from jobs.modelstudio import TaskLine

MOST = 20  # tasks that a person chooses from
_RIVALS = 50  # jobs in doubt that are looked at


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task to choose. What the list said is empty where the question came from no list, or was
    asked by an older version. `key` is ours; else `key_name` is what the service calls it. `billed`
    seconds, where they were asked for. `rivals` are other jobs in doubt that it could be of."""

    task_id: str
    model_name: str = ""
    status: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None
    key_name: str = ""
    key: ApiKey | None = None
    billed: Decimal | None = None
    rivals: list[Job] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        """From its making to its end, waiting included; None while it has not ended."""
        if self.created_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.created_at).total_seconds()


def noted(
    lines: Sequence[TaskLine], billed: Mapping[str, Decimal | None] | None = None
) -> dict[str, object]:
    """The data of the event that asks a person to choose from `lines`: the first MOST of them."""
    lines = lines[:MOST]
    return {
        "candidates": [line.task_id for line in lines],
        "tasks": {line.task_id: _facts(line, (billed or {}).get(line.task_id)) for line in lines},
    }


def _facts(line: TaskLine, billed: Decimal | None) -> dict[str, str]:
    return {
        "model": line.model_name,
        "status": line.status,
        "created": line.created_at.isoformat(),
        "ended": line.ended_at.isoformat() if line.ended_at else "",
        "key": line.api_key_id,
        "billed": "" if billed is None else str(billed),
    }


def candidates(job: Job) -> list[str]:
    """The tasks that could be an UNCERTAIN job's, as the last look at the service's list found
    them."""
    event = job.events.filter(
        code=Code.SEVERAL_TASKS, data__has_key="candidates"
    ).last()  # alarms have none
    return list(event.data.get("candidates", [])) if event else []


def to_choose(job: Job) -> list[ListedTask]:
    """The tasks that a person may choose for `job`, in the order in which they were asked about."""
    asked = candidates(job)
    facts: dict[str, dict[str, str]] = {}
    for data in _questions(job).values_list("data", flat=True):
        facts |= data.get("tasks", {})
    names = {facts[task_id]["key"] for task_id in asked if task_id in facts} - {""}
    ours = ApiKey.objects.filter(account__team_id=job.team_id, service_id__in=names)
    keys = {key.service_id: key for key in ours.defer("secret")}
    told = [_told(task_id, facts.get(task_id, {}), keys) for task_id in asked]
    return _with_rivals(job, told)


def _told(task_id: str, facts: dict[str, str], keys: dict[str, ApiKey]) -> ListedTask:
    if not facts:
        return ListedTask(task_id)
    return ListedTask(
        task_id,
        facts["model"],
        facts["status"],
        datetime.fromisoformat(facts["created"]),
        datetime.fromisoformat(facts["ended"]) if facts["ended"] else None,
        facts["key"],
        keys.get(facts["key"]),
        Decimal(facts["billed"]) if facts["billed"] else None,
    )


def _questions(*jobs: Job) -> QuerySet[JobEvent]:
    return JobEvent.objects.filter(
        job__in=jobs, code=Code.SEVERAL_TASKS, data__has_key="candidates"
    ).order_by("pk")


def _with_rivals(job: Job, told: list[ListedTask]) -> list[ListedTask]:
    """A job of the same lane that a person is asked about has named its tasks; one that is still
    looked for may be of any that was made about when it was sent."""
    doubtful = Job.objects.filter(
        lane_id=job.lane_id, state__in=(State.SUBMITTING, State.UNCERTAIN)
    ).exclude(pk=job.pk)
    others = list(doubtful.select_related("team").order_by("pk")[:_RIVALS])
    named = dict(_questions(*others).values_list("job_id", "data"))  # the last one of each
    for task in told:
        for other in others:
            if other.code == Code.SEVERAL_TASKS:
                may_be = task.task_id in named.get(other.pk, {}).get("candidates", ())
            else:
                sent = other.submitting_at or other.created_at
                may_be = (
                    task.created_at is None or abs(task.created_at - sent) <= retry.MAX_CLOCK_SKEW
                )
            if may_be:
                task.rivals.append(other)
    return told
