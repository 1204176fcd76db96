"""Attempts in words: every submit of a job with its task, and what is said of tasks that the
service broke."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.common.states import Outcome, State
from jobs.models import Job

WORDS: dict[str, Any] = {
    Outcome.SENDING: gettext_lazy("being sent"),
    Outcome.ACCEPTED: gettext_lazy("accepted by the service"),
    Outcome.REFUSED: gettext_lazy("refused, no task was made"),
    Outcome.UNCERTAIN: gettext_lazy("sent, no answer"),
    Outcome.NO_TASK: gettext_lazy("no task was made"),
    Outcome.ADOPTED: gettext_lazy("found at the service and taken over"),
    Outcome.BROKEN: gettext_lazy("the service broke it, cost nothing"),
    Outcome.UNFETCHED: gettext_lazy("the service could not fetch a file, cost nothing"),
    Outcome.DONE: gettext_lazy("done"),
    Outcome.ENDED: gettext_lazy("ended without a video"),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    task: str
    outcome: str
    began: datetime
    ended: datetime | None


def attempts_of(job: Job) -> list[Attempt]:
    """Every submit of `job`, the first one first; none while it waits for its first."""
    found = []
    for attempt in job.attempts.order_by("number"):
        words = str(WORDS.get(attempt.outcome, attempt.outcome))
        if job.adopted and attempt.outcome == Outcome.ADOPTED:
            words = _("made elsewhere, imported here")
        found.append(
            Attempt(attempt.number, attempt.task_id, words, attempt.began_at, attempt.ended_at)
        )
    return found


def free_retry(job: Job) -> str:
    """What is said about tasks that the service broke; "" when it broke none."""
    if not job.retries:
        return ""
    said = ngettext(
        "The first task failed at the service; it cost nothing.",
        "%(n)s tasks failed at the service; they cost nothing.",
        job.retries,
    )
    if job.state == State.QUEUED:
        then = _("A second one is made by itself.")
    else:
        then = (
            _("A second one was made by itself.")
            if job.attempt > job.retries
            else _("No second one was made.")
        )
    return f"{said % {'n': job.retries}} {then}" if job.retries == 1 else said % {"n": job.retries}
