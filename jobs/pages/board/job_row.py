"""One job in a list: its row on the board and on the page of its set.

A row says the same to everybody and at any time: no viewer, no role, no "ago". Times that pass are
marked with their beginning, and the page's script lets them run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.common.states import FAULT_WORDS, Code, Rank, State
from jobs.engine import eta
from jobs.models import Job
from jobs.pages import labels
from jobs.pages.queue_dots import MOST, QueueDots, dots_up_to
from jobs.pages.service_time import ServiceTime, began, service_time_of
from studio.common.formats import filesize_mb
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.people import Team


def icon_of(spec: entries.Model) -> str:
    if spec.kind is entries.Kind.TEMPLATE:
        return "template"
    return "portrait" if spec.inputs_of("audio") else "dance"


@dataclass
class JobRow:
    """One job on the board."""

    public_id: str
    pk: int
    url: str
    title: str
    model_label: str
    facts: str
    owner_name: str
    state: str
    state_word: str
    state_label: str
    sentence: str | SafeString
    announcement: str
    poster_url: str
    icon: str
    amount: str
    amount_word: str
    group: int
    owner_id: int = 0
    video_url: str = ""
    where: str = ""
    service_time: ServiceTime | None = None
    dots: QueueDots | None = None
    cancel_url: str = ""
    front_url: str = ""
    front: bool = False
    whole_url: str = ""
    active: bool = True


@lru_cache(maxsize=1000)
def _page_of_a_job(slug: str) -> str:
    return reverse("jobs:job", args=[slug, "-"]).removesuffix("-/")


def job_url(team: Team, job: Job, step: str = "") -> str:
    """The page of `job`, or what is done to it there; asked for five times in each row, so the
    address is not looked up each time."""
    return f"{_page_of_a_job(team.slug)}{job.public_id}/{step}"


def job_row(job: Job, team: Team, place: eta.Place | None = None, thumb: str = "") -> JobRow:
    """The row of `job`. `place` for one that waits or renders; `thumb` is the public id of the
    picture that stands for it."""
    micros, word = labels.amount(job)
    facts = (
        [_("imported, made elsewhere")]
        if job.adopted
        else [choice for _name, choice in labels.chosen_words(job)][:1]
    )
    if job.milliseconds and job.state != State.SUCCEEDED:
        facts.append(length(job.seconds))
    row = JobRow(
        public_id=job.public_id,
        pk=job.pk,
        url=job_url(team, job),
        title=job.title,
        model_label=translated(job.spec.label),
        facts=" · ".join(facts),
        owner_name=job.owner.short_name,
        state=job.state,
        state_word=labels.state_word(job),
        state_label=labels.label(job, place),
        sentence=labels.sentence(job, place),
        announcement=labels.announcement(job),
        poster_url=reverse("asset_file", args=[team.slug, thumb, "thumb"]) if thumb else "",
        icon=icon_of(job.spec),
        amount=labels.format_amount(micros, job.currency),
        amount_word=word,
        group=int(job.group),
        owner_id=job.owner_id,
        video_url=reverse("asset_file", args=[team.slug, job.result.public_id, "original"])
        if job.result is not None
        else "",
        active=not job.terminal,
    )
    if job.state == State.QUEUED:
        row.cancel_url = job_url(team, job, "cancel/")
        row.front_url = job_url(team, job, "front/")
        row.front = job.rank == Rank.FRONT
    if job.full and job.state == State.SUCCEEDED:
        row.whole_url = f"{row.url}#whole"
    _where(row, job, place)
    return row


def _where(row: JobRow, job: Job, place: eta.Place | None) -> None:
    state = State(job.state)
    pending = state is State.RUNNING and job.provider_status == "PENDING"
    if place is not None and (
        (state is State.QUEUED and job.code != Code.NEEDS_TEMPLATE) or (pending and place.ahead)
    ):
        row.dots = dots_up_to(place)
        if place.ahead >= MOST:
            row.where = _("%(n)s before it") % {"n": place.ahead}
    elif state is State.RUNNING and not pending:
        row.service_time = service_time_of(job)
        late = row.service_time is None or row.service_time.late
        row.where = "" if late else labels.ready_words(place)
    elif state is State.SUCCEEDED and job.result is not None:
        video = job.result
        made = (
            _("made in %(length)s") % {"length": length(_took(job))}
            if job.submitted_at and job.provider_ended_at
            else ""
        )
        billed = length(float(job.billed_units or 0))
        differs = _("billed %(length)s") % {"length": billed} if job.length_differs else ""
        facts = (f"{video.width} × {video.height}", filesize_mb(video.size), made, differs)
        row.where = " · ".join(part for part in facts if part)
    elif state is State.FAILED:
        row.where = FAULT_WORDS.get(job.fault, "") and _("Fault: %(whose)s") % {
            "whose": translated(FAULT_WORDS[job.fault])
        }


def _took(job: Job) -> int:
    ended = job.provider_ended_at or job.finished_at or timezone.now()
    return max(0, int((ended - began(job)).total_seconds()))
