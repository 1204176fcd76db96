"""What happened to a job, in order: its events, and every submit with its task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.common.states import State
from jobs.models import Job, JobEvent
from jobs.pages.board.attempts import Attempt, attempts_of, free_retry
from studio.common import formats
from studio.common.formats import seconds as length
from studio.common.translatable import translated

TONES: dict[str, str] = {State.FAILED: "bad", State.UNCERTAIN: "bad"}


@dataclass(slots=True)
class Step:
    """One event as parts/timeline.html draws it. `tone` is good, lit, bad or todo; `iso` is "" for
    what has not happened yet."""

    title: str
    when: str
    tone: str
    note: str = ""
    iso: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePanel:
    """`attempts` has every submit, the first one first; `free_retry` is what is said about tasks
    that the service broke."""

    day: str
    steps: list[Step]
    attempts: list[Attempt]
    free_retry: str

    @classmethod
    def of(cls, job: Job) -> TimelinePanel:
        return cls(
            formats.written(job.created_at, "day year"),
            _steps(job),
            attempts_of(job),
            free_retry(job),
        )


def _steps(job: Job) -> list[Step]:
    steps: list[Step] = []
    before: datetime | None = None
    for event in job.events.order_by("id"):
        steps.append(_step(event, before))
        before = event.at
    if not job.terminal:
        if steps and steps[-1].tone == "good":
            steps[-1].tone = "lit"
        what = _("Template") if job.spec.kind is entries.Kind.TEMPLATE else _("Video")
        steps.append(Step(what, _("not made yet"), "todo"))
    return steps


def _step(event: JobEvent, before: datetime | None) -> Step:
    """`before` is when the event before this one happened."""
    notes = []
    if before is not None and (event.at - before).total_seconds() >= 1:
        passed = round((event.at - before).total_seconds(), 1)
        notes.append(_("after %(length)s") % {"length": length(passed)})
    if event.data.get("request_id"):
        notes.append(_("request %(id)s") % {"id": event.data["request_id"]})
    return Step(
        translated(event.text),
        formats.written(event.at, "second"),
        TONES.get(event.new, "good"),
        " · ".join(notes),
        event.at.isoformat(),
    )
