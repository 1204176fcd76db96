"""The page of a set: videos side by side or in a list, the one that was picked, what it costs, all
of them in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from jobs.billing import budget, confirmed_price, prices
from jobs.common.errors import Refused
from jobs.common.states import OUT, TERMINAL, Group, State
from jobs.engine import eta
from jobs.models import Job, JobSet
from jobs.orders import create, sets
from jobs.orders.approval import NeedsApproval
from jobs.orders.create_batch import create_batch
from jobs.pages import asking
from jobs.pages.board import zip_download
from jobs.pages.board.job_list import list_class, row_of, rows_of
from jobs.pages.board.job_row import JobRow
from jobs.pages.board.job_views import asked, notice_of, undone
from jobs.pages.board.player import Player, player_of
from jobs.pages.board.set_rest import RestPanel
from jobs.pages.budget_summary import BudgetSummary
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import formats
from studio.common.translatable import translated
from studio.models.people import User
from studio.teams.access import TeamRequest, team_page


@dataclass(frozen=True, slots=True)
class Column:
    """One video of a comparison."""

    label: str
    job: Job
    row: JobRow
    player: Player | None
    won: bool


class SetPage:
    """A set as its page shows it."""

    def __init__(self, jobset: JobSet, user: User, *, writes: bool, approves: bool = True) -> None:
        self.jobset, self.team, self.user, self.writes = jobset, jobset.team, user, writes
        self.approves = approves
        self.jobs = list(rows_of(jobset.jobs.exclude(group=Group.DELETED)).order_by("id"))
        for job in self.jobs:
            job.team = jobset.team

    @cached_property
    def rows(self) -> list[JobRow]:
        lanes = {job.lane_id for job in self.jobs if State(job.state) in (State.QUEUED, *OUT)}
        places = eta.places_in(lanes) if lanes else {}
        return [row_of(job, self.team, places.get(job.pk)) for job in self.jobs]

    @property
    def columns(self) -> list[Column]:
        """The videos of a comparison, each under the value that it alone has; none for other
        sets."""
        if self.jobset.kind != JobSet.Kind.SWEEP or not self.jobs:
            return []
        parameter = sets.swept(self.jobs[0].spec, self.jobs[0].parameters)
        words = (
            {value: label for value, label, _help in parameter.words}
            if parameter is not None
            else {}
        )
        won = self.jobset.winner_id
        return [
            Column(
                translated(words.get(job.parameters.get(parameter.name), job.title))
                if parameter is not None
                else job.title,
                job,
                row,
                player_of(job, self.team),
                job.pk == won,
            )
            for job, row in zip(self.jobs, self.rows, strict=True)
        ]

    def _in(self, *states: State) -> int:
        return sum(State(job.state) in states for job in self.jobs)

    @property
    def status(self) -> str:
        """“12 videos: 4 ready, 7 under way, 1 failed”."""
        parts = [
            _("%(n)s ready") % {"n": self.ready} if self.ready else "",
            _("%(n)s under way") % {"n": self.open} if self.open else "",
            _("%(n)s failed") % {"n": self._in(State.FAILED)} if self._in(State.FAILED) else "",
            _("%(n)s canceled") % {"n": self._in(State.CANCELED)}
            if self._in(State.CANCELED)
            else "",
        ]
        videos = ngettext("%(n)s video", "%(n)s videos", len(self.jobs)) % {"n": len(self.jobs)}
        return f"{videos}: " + ", ".join(part for part in parts if part)

    @property
    def ready(self) -> int:
        return self._in(State.SUCCEEDED)

    @property
    def open(self) -> int:
        return len(self.jobs) - self._in(*TERMINAL)

    @property
    def waiting(self) -> int:
        return self._in(State.QUEUED)

    @cached_property
    def _sums(self) -> tuple[int, int]:
        return sets.sums(self.jobset)

    @property
    def held(self) -> str:
        return formats.money_of(self._sums[0], self.team.currency)

    @property
    def settled(self) -> str:
        return formats.money_of(self._sums[1], self.team.currency)

    @cached_property
    def _again(self) -> int | None:
        """Micros that all that failed costs again; None when nothing did, or it cannot be made as
        it was."""
        if not self.writes or not self._in(State.FAILED):
            return None
        failed = sets.failed(self.jobset)
        try:
            return sets.total_again(failed, self.user) if failed else None
        except (Refused, prices.NoPrice):
            return None

    @property
    def again_price(self) -> str:
        return formats.money_of(self._again, self.team.currency) if self._again is not None else ""

    @property
    def confirmed(self) -> str:
        """The same, for the form that its button is in."""
        return confirmed_price.form_value({"again": self._again}) if self._again is not None else ""

    @property
    def again_asks(self) -> str:
        """“again” when that button asks for approval."""
        if self._again is None or self.approves:
            return ""
        return asking.above(self.team, {"again": self._again})

    @property
    def preset_name(self) -> str:
        """What a preset of the winner’s choices might be called."""
        return next((column.label for column in self.columns if column.won), "")


@team_page()
@require_safe
def page(request: TeamRequest, jobset: str) -> HttpResponse:
    may = request.may
    found = SetPage(_set(request, jobset), request.user, writes=may.make, approves=may.approve)
    bottom_bar = {
        "lanes": [],
        "sentence": found.status,
        "money": BudgetSummary.of(request.team).bottom_bar,
    }
    context: dict[str, Any] = {
        "nav": "jobs",
        "jobset": found.jobset,
        "page": found,
        "bottom_bar": bottom_bar,
        "list_class": list_class(request.may),
        "rest": RestPanel.of(found.jobset, request.user.pk, may),
    }
    return render(request, "jobs/board/set.html", context)


@team_page()
@require_safe
def notice(request: TeamRequest, jobset: str) -> HttpResponse:
    """The notice of the click that ordered this set, as it is by now."""
    return notice_of(request, _set(request, jobset))


@team_page()
@require_POST
def pick(request: TeamRequest, jobset: str) -> HttpResponse:
    """The video of the set that won; picking another one changes it."""
    found = _set(request, jobset)
    kept = found.jobs.exclude(group=Group.DELETED)
    job = kept.filter(public_id=request.POST.get("job", "").replace("\x00", "")).first()
    if job is None:
        raise Http404("This video is not in the set.")
    found.winner = job
    found.save(update_fields=["winner"])
    messages.success(request, _("“%(title)s” is the one.") % {"title": job.title})
    return redirect(found)


@team_page(while_closed=True)
@require_POST
def cancel(request: TeamRequest, jobset: str) -> HttpResponse:
    found = _set(request, jobset)
    sentence = sets.cancel(found, request.user)
    if request.htmx:
        return undone(request, sentence)
    messages.info(request, sentence)
    return redirect(found)


@team_page()
@require_POST
def again(request: TeamRequest, jobset: str) -> HttpResponse:
    """Everything of the set that failed, once more: all of it or nothing."""
    found = _set(request, jobset)
    failed = sets.failed(found)
    if not failed:
        messages.info(request, _("Nothing of it failed that was not run again already."))
        return redirect(found)
    wishes = [create.request_of(job, request.user) for job in failed]
    try:
        text = confirmed_price.sent_along(request.POST)
        if text and (
            sentence := confirmed_price.changed(
                text, "again", sets.total_again(failed, request.user), request.team.currency
            )
        ):
            raise Refused(sentence)
        create_batch(wishes, again_of=failed, full=[job.full for job in failed], into=found)
    except NeedsApproval as needs:
        return asked(request, needs, "again", found)
    except (Refused, budget.OverBudget, prices.NoPrice) as error:
        messages.error(request, translated(error.sentence))
    else:
        said = ngettext(
            "%(n)s video is in the queue again.",
            "%(n)s videos are in the queue again.",
            len(failed),
        ) % {"n": len(failed)}
        messages.success(request, said)
    return redirect(found)


@team_page()
@require_safe
def videos(request: TeamRequest, jobset: str) -> HttpResponseBase:
    """200 with every video that is ready in one zip, made while it is sent; 404 while none is."""
    found = _set(request, jobset)
    ready = found.jobs.filter(result__isnull=False).exclude(group=Group.DELETED)
    jobs = list(ready.select_related("result").order_by("id"))
    if not jobs:
        raise Http404("No video of this set is ready yet.")
    if request.method == "GET" and any(job.owner_id != request.user.pk for job in jobs):
        with transaction.atomic():
            downloaded = {"films": len(jobs)}
            about = found.title
            record(Event.VIDEOS_DOWNLOADED, team=request.team, about=about, after=downloaded)
    return zip_response(request, jobs, found.title)


def zip_response(request: TeamRequest, jobs: list[Job], title: str) -> HttpResponseBase:
    """The results of `jobs` in one zip called `title`."""
    archive = zip_download.archive_of(jobs)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type="application/zip")
    else:
        response = StreamingHttpResponse(iter(archive), content_type="application/zip")
    response["Content-Length"] = str(len(archive))
    stem = "".join(c if c.isalnum() or c in " -_" else "_" for c in title)[:80].strip() or "videos"
    response["Content-Disposition"] = (
        content_disposition_header(True, f"{stem}.zip") or "attachment"
    )
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _set(request: TeamRequest, public_id: str) -> JobSet:
    found = request.team.sets.select_related("team", "owner").filter(public_id=public_id).first()
    if found is None:
        raise Http404("There is no such set.")
    return found
