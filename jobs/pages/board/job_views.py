"""One job: its page, the part of it that keeps itself up to date, cancel and run again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from jobs.billing import budget, confirmed_price, prices
from jobs.common.errors import Moved, Refused
from jobs.common.states import Code, Group
from jobs.engine import ask_now as now
from jobs.engine import eta, listed_tasks, transitions, uncertain
from jobs.models import Job, JobSet
from jobs.orders import create, plan, test_clips
from jobs.orders import undo as undoing
from jobs.orders.approval import NeedsApproval
from jobs.orders.order_request import OrderRequest
from jobs.pages import asking
from jobs.pages.board.job_page import JobPage
from jobs.pages.board.job_panels.cost import CostPanel
from jobs.pages.board.job_panels.timeline import TimelinePanel
from jobs.pages.budget_summary import BudgetSummary
from jobs.pages.create.confirmation import Confirmation
from studio.common import formats
from studio.common.translatable import translated
from studio.media import MediaError
from studio.models import Team
from studio.teams import closed_team
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.return_address import redirect_back


@team_page()
@require_safe
def detail(request: TeamRequest, job: str) -> HttpResponse:
    deleted = request.team.jobs.filter(public_id=job, group=Group.DELETED)
    if (shell := deleted.select_related("deletion").first()) is not None:
        return _deleted(request, shell)
    context = _context(request, job)
    return render(
        request,
        "jobs/board/job.html",
        context | {"bottom_bar": _bottom_bar(request, context["job"])},
    )


def _deleted(request: TeamRequest, shell: Job) -> HttpResponse:
    """What is left of a deleted job: that it was, and what it cost. 410."""
    context = {
        "nav": "jobs",
        "deletion": shell.deletion,
        "shell": shell,
        "cost": CostPanel.of(shell),
        "timeline": TimelinePanel.of(shell),
    }
    return render(request, "jobs/trash/job.html", context, status=410)


@team_page()
@require_safe
def live(request: TeamRequest, job: str) -> HttpResponse:
    """The parts of the page that change while the job runs, and while others do."""
    context = _context(request, job)
    context["bottom_bar"] = _bottom_bar(request, context["job"])
    response = render(request, "jobs/board/parts/job_live.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@team_page()
@require_safe
def notice(request: TeamRequest, job: str) -> HttpResponse:
    """The notice of the click that ordered this job, as it is by now."""
    return notice_of(request, _job(request, job))


@team_page(while_closed=True)
@require_POST
def cancel(request: TeamRequest, job: str) -> HttpResponse:
    found = _job(request, job)
    if not _decides(request, found):
        return _back(request, found)
    sentence = translated(
        undoing.undo(found, request.user)
    )  # with the template that nobody else waits for
    if request.htmx:
        return undone(request, sentence)
    messages.info(request, sentence)
    return _back(request, found)


@team_page(while_closed=True)
@require_POST
def undo(request: TeamRequest, job: str) -> HttpResponse:
    """Take back all that the click on this job made."""
    found = _job(request, job)
    if not _decides(request, found):
        return redirect(found)
    sentence = translated(undoing.undo(found, request.user))
    if request.htmx:
        return undone(request, sentence)
    messages.info(request, sentence)
    return redirect(found)


@team_page(while_closed=True)
@require_POST
def ask_now(request: TeamRequest, job: str) -> HttpResponse:
    """Have the service asked about the task, or its video downloaded, now and not only when it is
    due."""
    found = _job(request, job)
    messages.info(request, translated(now.again(found)))
    return redirect(f"{found.get_absolute_url()}#watch")


@team_page()
@require_POST
def again(request: TeamRequest, job: str) -> HttpResponse:
    found = _job(request, job)
    if found.adopted:
        messages.error(
            request,
            _(
                "This task was made elsewhere, so its files are not here. Make it anew from a "
                "picture of the library."
            ),
        )
        return redirect(found)
    key = request.POST.get("key", "")[:40]
    try:
        _require_same_price(request, "again", create.request_of(found, request.user))
        made = create.again(found, request.user, key=key)
    except NeedsApproval as needs:
        return asked(request, needs, "again", found)
    except (Refused, budget.OverBudget, prices.NoPrice) as error:
        messages.error(request, translated(error.sentence))
        return redirect(found)
    held = formats.money_of(undoing.held(made), made.currency)
    messages.success(
        request,
        _("“%(title)s” waits in the queue again; %(amount)s is reserved for it.")
        % {"title": made.title, "amount": held},
    )
    return redirect(made)


@team_page()
@require_POST
def whole(request: TeamRequest, job: str) -> HttpResponse:
    """The video that this job is the test clip of, with the same picture and choices."""
    found = _job(request, job)
    wish = test_clips.whole(found, request.user, key=request.POST.get("key", "")[:40])
    if wish is None:
        messages.error(
            request,
            _(
                "The whole speech is not in the library any more. Upload it again and make the "
                "video from it."
            ),
        )
        return redirect(found)
    try:
        _require_same_price(request, "whole", wish)
        made = create.create(wish.trimmed(), again_of=found)
    except NeedsApproval as needs:
        return asked(request, needs, "whole", found)
    except (MediaError, Refused, budget.OverBudget, prices.NoPrice) as error:
        messages.error(request, translated(error.sentence))
        return redirect(found)
    messages.success(request, Confirmation.of(made).sentence)
    return redirect(made)


@team_page(read=Permission.MANAGE_JOBS, write=Permission.MANAGE_JOBS)
@require_POST
def front(request: TeamRequest, job: str) -> HttpResponse:
    """Before everybody who waits in its lane, or back to its turn."""
    found = _job(request, job)
    messages.info(request, translated(transitions.to_front(found, request.user)))
    return _back(request, found)


@team_page(write=Permission.MANAGE_JOBS)
@require_POST
def decide(request: TeamRequest, job: str) -> HttpResponse:
    """An admin's word on a submit without an answer: which task of the service's list it is, or
    that it is sent again."""
    found = _job(request, job)
    chosen = request.POST.get("task", "")
    if not chosen and request.team.is_closed:
        raise PermissionDenied(translated(closed_team.words(request.team)))
    if found.code != Code.SEVERAL_TASKS or (
        chosen and chosen not in listed_tasks.candidates(found)
    ):
        messages.error(
            request, _("There is nothing to decide here any more. Look at the job’s state.")
        )
        return redirect(found)
    try:
        uncertain.decide_uncertain(found, chosen, request.user)
    except (Moved, IntegrityError):
        messages.error(request, _("This task belongs to another job by now. Choose again."))
    else:
        messages.success(
            request,
            _("The task belongs to this job now.")
            if chosen
            else _("The job is back in the queue and will be sent again."),
        )
    return redirect(found)


def _require_same_price(request: TeamRequest, do: str, wish: OrderRequest) -> None:
    """Refused when the wish costs more than the button said, or cannot be had."""
    text = confirmed_price.sent_along(request.POST)
    if text and (
        sentence := confirmed_price.changed(
            text, do, plan.estimate(wish).micros, request.team.currency
        )
    ):
        raise Refused(sentence)


def _decides(request: TeamRequest, job: Job) -> bool:
    """Whether the job is the reader's to cancel; who is not is told why."""
    if job.owner_id == request.user.pk or request.may.manage_jobs:
        return True
    words = {"name": job.owner.short_name}
    messages.error(
        request,
        _(
            "This job is of %(name)s. Only they, and who decides about other people’s jobs, may "
            "cancel it."
        )
        % words,
    )
    return False


def notice_of(request: TeamRequest, made: Job | JobSet) -> HttpResponse:
    context = {"confirmation": Confirmation.later(made)}
    response = render(request, "jobs/create/parts/confirmation.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def asked(
    request: TeamRequest, needs: NeedsApproval, do: str, back: Job | JobSet | Team
) -> HttpResponse:
    """What becomes of a click that needs approval: it asks when its button said so, else it is told
    on the page that it came from."""
    pending = asking.ask(needs, request.POST, do)
    if pending is None:
        messages.error(request, translated(needs.sentence))
        return redirect(back)
    confirmation = Confirmation.of(pending)
    messages.success(request, confirmation.sentence)
    return redirect(confirmation.url)


def undone(request: TeamRequest, sentence: str) -> HttpResponse:
    """What became of an undo, in the place of the toast that offered it; the page may reckon its
    prices and places anew."""
    response = render(
        request, "jobs/create/parts/confirmation.html", {"confirmation": {"sentence": sentence}}
    )
    response["HX-Trigger"] = "undone"
    return response


def _back(request: TeamRequest, job: Job) -> HttpResponse:
    """To the page of this site that the form came from, else to the job."""
    return redirect_back(request, job.get_absolute_url())


def _job(request: TeamRequest, public_id: str) -> Job:
    """The team's job with what its page shows; 404 for any other."""
    related = (
        "owner",
        "team",
        "account",
        "account__team",
        "account__pause_set_by",
        "lane",
        "lane__pause_set_by",
        "lane__account",
        "check_used",
        "template",
        "template__asset",
        "needs",
        "again_of__team",
        "again_of__template",
        "set__team",
        "price",
        "result",
    )
    found = request.team.jobs.select_related(*related).filter(public_id=public_id).first()
    if found is None or found.group == Group.DELETED:
        raise Http404("There is no such job.")
    return found


def _bottom_bar(request: TeamRequest, job: Job) -> dict[str, Any]:
    """The bar at the lower edge: the line of this job's lane, and the month's money."""
    waiting, _starts = eta.line(job.account, job.model)
    label = ngettext("%(n)s job in this queue", "%(n)s jobs in this queue", waiting) % {
        "n": waiting
    }
    line = {
        "name": translated(job.spec.label),
        "total": waiting,
        "on": min(1, waiting),
        "next": int(waiting > 1),
        "you": 0,
        "label": label,
        "sentence": label,
    }
    return {
        "lanes": [line | {"url": request.team.get_absolute_url()}],
        "money": BudgetSummary.of(request.team).bottom_bar,
    }


def _context(request: TeamRequest, public_id: str) -> dict[str, Any]:
    found = _job(request, public_id)
    manages = request.may.manage_jobs
    page = JobPage.of(
        found,
        request.team,
        writes=request.may.make,
        manages=manages,
        approves=request.may.approve,
    )
    return {"nav": "jobs", "job": found, "page": page}
