"""Several jobs at once: cancel, run again what failed, all of them in one file; and the list as a
CSV file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from jobs.billing import budget, confirmed_price, prices
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Job
from jobs.orders import create, sets
from jobs.orders import undo as undoing
from jobs.orders.approval import NeedsApproval
from jobs.orders.create_batch import MOST, create_batch
from jobs.pages import asking
from jobs.pages.board.board_filter import ACTIVE, ENDED, Filter
from jobs.pages.board.job_views import asked
from jobs.pages.board.set_views import zip_response
from jobs.pages.spending.csv_export import amount_cell
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.csv_files import csv_response, lines_of, text_cell
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.return_address import redirect_back

AT_ONCE = 500  # lines
COLUMNS = (
    "job",
    "made (UTC)",
    "finished (UTC)",
    "name",
    "person",
    "model",
    "state",
    "seconds",
    "quoted",
    "charged",
    "currency",
    "task",
)


@team_page(read=Permission.MAKE, write=Permission.MAKE)
@require_POST
def many(request: TeamRequest) -> HttpResponseBase:
    """What the button `do` says, of the jobs that are ticked."""
    public_ids = request.POST.getlist("job")
    if len(public_ids) > MOST:
        messages.error(request, _too_many(len(public_ids)))
        return _back(request)
    jobs = _ticked(request, public_ids)
    if not jobs:
        messages.info(request, _("No job is ticked. Tick some, then choose what becomes of them."))
        return _back(request)
    if request.POST.get("do") == "cancel":
        return _cancel(request, jobs)
    if request.POST.get("do") == "again":
        return _again(request, jobs)
    raise Http404("There is no such button.")


def _cancel(request: TeamRequest, jobs: list[Job]) -> HttpResponse:
    """Cancel those of the reader. Other people's are left, also by who may manage jobs: their own
    rows have the button for that."""
    own = [job for job in jobs if job.owner_id == request.user.pk]
    gone = 0
    for job in own:
        if job.state == State.QUEUED:
            undoing.undo(job, request.user)
            job.refresh_from_db(fields=["state"])
            gone += job.state == State.CANCELED
    said = [
        ngettext(
            "%(n)s job is canceled and cost nothing.",
            "%(n)s jobs are canceled and cost nothing.",
            gone,
        )
        % {"n": gone}
    ]
    if len(own) > gone:
        said.append(
            _("%(n)s of yours did not wait any more and stay as they are.") % {"n": len(own) - gone}
        )
    if len(jobs) > len(own):
        said.append(_("%(n)s of other people were not touched.") % {"n": len(jobs) - len(own)})
    messages.info(request, " ".join(said))
    return _back(request)


def _again(request: TeamRequest, jobs: list[Job]) -> HttpResponse:
    """The failed ones once more, all or none, in one set: first with the price, then for it."""
    failed = [job for job in jobs if job.state == State.FAILED and not job.adopted]
    if not failed:
        messages.info(request, _("None of these failed, so nothing is run again."))
        return _back(request)
    try:
        total = sets.total_again(failed, request.user)
        text = confirmed_price.sent_along(request.POST)
        if not text:
            context = {
                "nav": "jobs",
                "jobs": failed,
                "left": len(jobs) - len(failed),
                "price": prices.format_money(total, request.team.currency),
                "asks": asking.asking_buttons(request.team, request.user, {"again": total}),
                "confirmed": confirmed_price.form_value({"again": total}),
                "next": request.POST.get("next", ""),
                "key": uuid.uuid4().hex,
            }
            return render(request, "jobs/board/many_again.html", context)
        sentence = confirmed_price.changed(text, "again", total, request.team.currency)
        if sentence:
            raise Refused(sentence)
        made = create_batch(
            [create.request_of(job, request.user) for job in failed],
            kind="batch",
            title=_("Run again: %(title)s") % {"title": failed[0].title},
            key=request.POST.get("key", "")[:40],
            again_of=failed,
            full=[job.full for job in failed],
        )
    except NeedsApproval as needs:
        return asked(request, needs, "again", request.team)
    except (Refused, budget.OverBudget, prices.NoPrice) as error:
        messages.error(request, translated(error.sentence))
        return _back(request)
    messages.success(
        request,
        ngettext("%(n)s video waits in the queue.", "%(n)s videos wait in the queue.", len(failed))
        % {"n": len(failed)},
    )
    return redirect(made)


@team_page()
@require_safe
def videos(request: TeamRequest) -> HttpResponseBase:
    """200 with the videos of the ticked jobs in one zip, made while it is sent; back to the board
    with a sentence when none of them has one."""
    public_ids = request.GET.getlist("job")
    if len(public_ids) > MOST:
        messages.error(request, _too_many(len(public_ids)))
        return _back(request)
    jobs = [job for job in _ticked(request, public_ids) if job.result is not None]
    if not jobs:
        messages.info(request, _("None of these jobs has a video yet, so there is no file."))
        return _back(request)
    if request.method == "GET" and any(job.owner_id != request.user.pk for job in jobs):
        with transaction.atomic():
            told = {"films": len(jobs)}
            record(Event.VIDEOS_DOWNLOADED, team=request.team, about=_("ticked"), after=told)
    return zip_response(request, jobs, "videos")


@team_page()
@require_safe
def listing(request: TeamRequest) -> StreamingHttpResponse:
    """All jobs that the filter asks for as CSV, the oldest first, asked for AT_ONCE at a time; what
    other people's cost only for who may see that line by line."""
    wanted = Filter.of(request)
    team, user = request.team, request.user
    jobs = team.jobs.filter(group__in=wanted.groups).select_related("owner")
    sees_all = request.may.see_spend

    def portions() -> Iterator[list[list[str]]]:
        last: tuple[int, ...] = ()
        while True:
            part = replace(wanted, before=last, sort="oldest")
            some = list(part.walked(jobs, user)[:AT_ONCE])
            if not some:
                return
            yield [
                _line(job, costs=sees_all or job.owner_id == user.pk)
                for job in some
                if wanted.passes(job, user)
            ]
            last = part.place_of(some[-1])

    return csv_response(lines_of(COLUMNS, portions()), f"{team.slug}-jobs.csv")


def _line(job: Job, *, costs: bool) -> list[str]:
    def at(moment: datetime | None) -> str:
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""

    return [
        job.public_id,
        at(job.created_at),
        at(job.finished_at),
        text_cell(job.title),
        text_cell(job.owner.email),
        job.model,
        job.state,
        f"{job.seconds:.3f}",
        amount_cell(job.quote_micros if costs else None),
        amount_cell(job.settled_micros if costs else None),
        job.currency,
        text_cell(job.task_id),
    ]


@team_page()
@require_POST
def rename(request: TeamRequest, job: str) -> HttpResponse:
    """Another name for the job and its video, by who made it or decides about other people's."""
    here = request.team.jobs.filter(public_id=job, group__in=ACTIVE + ENDED)
    found = here.select_related("team", "result").first()
    if found is None:
        raise Http404("There is no such job.")
    title = " ".join(request.POST.get("title", "").replace("\x00", " ").split())[:200]
    if found.owner_id != request.user.pk and not request.may.manage_jobs:
        messages.error(
            request, _("This job is somebody else’s; they or an admin can give it another name.")
        )
    elif not title:
        messages.error(request, _("A job needs a name. Type one, then save."))
    elif title != found.title:
        with transaction.atomic():
            before, found.title = found.title, title
            found.save(update_fields=["title"])
            if found.result is not None:
                found.result.name = f"{title[:190]}.{found.result.extension}"
                found.result.save(update_fields=["name"])
            record(
                Event.JOB_RENAMED,
                team=request.team,
                person=found.owner,
                about=title,
                before={"title": before},
                after={"title": title},
            )
        messages.success(request, _("It is called “%(title)s” now.") % {"title": title})
    return redirect_back(request, found.get_absolute_url())


def _too_many(ticked: int) -> str:
    return _(
        "%(n)s jobs are ticked, and at most %(most)s are taken at once. Nothing was done. Tick "
        "fewer."
    ) % {"n": ticked, "most": MOST}


def _ticked(request: TeamRequest, public_ids: list[str]) -> list[Job]:
    """The team's jobs among `public_ids`, in the order in which they were made."""
    wanted = [one for one in public_ids if one.isalnum()]
    found = request.team.jobs.filter(public_id__in=wanted, group__in=ACTIVE + ENDED)
    return list(found.select_related("team", "owner", "account", "result").order_by("id"))


def _back(request: TeamRequest) -> HttpResponse:
    return redirect_back(request, request.team.get_absolute_url())
