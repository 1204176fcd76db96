"""What a person decides about a submit without an answer: which task of the service's list it is,
or that none was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from jobs.common.states import Code, State
from jobs.engine import listed_tasks
from jobs.engine.listed_tasks import ListedTask
from jobs.models import Job
from studio.common import formats


@dataclass(frozen=True, slots=True)
class Choice:
    """A task that it could be. `key` says who made it; `rivals` are jobs of this team that it could
    be of as well, `elsewhere` says that those of other teams are among them."""

    task: ListedTask
    key: str
    rivals: list[Job]
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class DecisionPanel:
    """The choices, when the order was sent and for how many seconds of video; `amount` is what is
    paid for one of them."""

    choices: list[Choice]
    sent_at: datetime | None
    seconds: float
    amount: str

    @classmethod
    def of(cls, job: Job) -> DecisionPanel | None:
        """None where there is nothing to decide."""
        if job.state != State.UNCERTAIN or job.code != Code.SEVERAL_TASKS:
            return None
        return cls(
            [choice(job, task) for task in listed_tasks.to_choose(job)],
            job.submitting_at,
            job.seconds,
            formats.money_of(job.quote_micros, job.currency),
        )


def choice(job: Job, task: ListedTask) -> Choice:
    """`task` as somebody who looks after `job` may read it: jobs of other teams have no name."""
    own = [rival for rival in task.rivals if rival.team_id == job.team_id]
    return Choice(task, _key(task), own, len(own) < len(task.rivals))


def _key(task: ListedTask) -> str:
    if task.key is not None:
        return _("made with the key …%(last4)s of this team") % {"last4": task.key.last4}
    if task.key_name:
        return _("made with a key that the service calls %(name)s") % {"name": task.key_name}
    return ""
