"""The list of what is asked for, and a page for each with its answer. Reading a page decides
nothing; a mail's link leads to one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jobs.billing import budget, confirmed_price, prices
from jobs.common.errors import Refused
from jobs.models import PendingOrder
from jobs.orders import stored_orders
from jobs.pages.approvals.approval_page import ApprovalRow, approval_page
from jobs.pages.board.job_views import undone
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

SHOWN = 100  # that have been answered
LONGEST = 500


@team_page()
@require_safe
def approvals(request: TeamRequest) -> HttpResponse:
    """What waits for an answer, and what was answered last."""
    rows = _asked(request)
    is_open = PendingOrder.State.OPEN
    context = {
        "nav": "team",
        "open": [ApprovalRow.of(one) for one in rows.filter(state=is_open).order_by("id")],
        "over": [ApprovalRow.of(one) for one in rows.exclude(state=is_open)[:SHOWN]],
    }
    return render(request, "jobs/approvals/approvals.html", context)


@team_page()
@require_safe
def approval(request: TeamRequest, approval: str) -> HttpResponse:
    return _page(request, _one(request, approval))


def _page(
    request: TeamRequest, pending: PendingOrder, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "nav": "team",
        "page": approval_page(pending),
        "mine": pending.owner_id == request.user.pk,
        "errors": errors or [],
    }
    return render(request, "jobs/approvals/approval.html", context, status=status)


@team_page(read=Permission.APPROVE, write=Permission.APPROVE)
@require_POST
def answer(request: TeamRequest, approval: str) -> HttpResponse:
    """Yes (`do` is "approve") orders it; no ("decline") needs a reason."""
    pending = _one(request, approval)
    reason = " ".join(request.POST.get("reason", "").split())[:LONGEST]
    do = request.POST.get("do")
    if do == "decline":
        if not reason:
            said = _("Say why not, so that %(person)s knows what to change.")
            return _page(request, pending, [said % {"person": pending.owner.short_name}], 422)
        if not stored_orders.decline(pending, request.user, reason):
            return _page(request, _one(request, approval), [], 409)
        messages.success(request, _("Declined. %(person)s is told.") % _who(pending))
        return redirect("team_approvals", request.team.slug)
    if do != "approve":
        return _page(request, pending, status=422)
    try:
        made = stored_orders.approve(pending, request.user, _confirmed(request, pending), reason)
    except Refused as refused:
        errors = [translated(sentence) for sentence in refused.sentences]
    except (budget.OverBudget, prices.NoPrice) as error:
        errors = [translated(error.sentence)]
    else:
        messages.success(request, _("Approved and ordered. %(person)s is told.") % _who(pending))
        return redirect(made)
    return _page(request, _one(request, approval), errors, status=422)


def _who(pending: PendingOrder) -> dict[str, str]:
    return {"person": pending.owner.short_name}


def _confirmed(request: TeamRequest, pending: PendingOrder) -> int:
    """The price that the button showed; that of the question where the form says none."""
    said = dict(confirmed_price.SHAPE.findall(confirmed_price.sent_along(request.POST)[:500]))
    return int(said.get("approve", pending.quote_micros))


@team_page()
@require_POST
def withdraw(request: TeamRequest, approval: str) -> HttpResponse:
    """Whoever asked needs it no more; or who decides about others’ jobs says so."""
    pending = _one(request, approval)
    if pending.owner_id != request.user.pk and not request.may.manage_jobs:
        raise PermissionDenied(_("Only %(person)s, who asked, can withdraw this.") % _who(pending))
    said = (
        _("Withdrawn. Nothing was made or paid.")
        if stored_orders.withdraw(pending, request.user)
        else _("It was answered already, so there is nothing to withdraw.")
    )
    if request.htmx:
        return undone(request, said)
    messages.info(request, said)
    return redirect("jobs:approval", request.team.slug, pending.public_id)


def _asked(request: TeamRequest) -> QuerySet[PendingOrder]:
    rows = request.team.pending_orders.filter(reason=PendingOrder.Reason.APPROVAL)
    return rows.select_related("team", "owner", "answered_by", "job__team", "set__team")


def _one(request: TeamRequest, public_id: str) -> PendingOrder:
    found: PendingOrder | None = _asked(request).filter(public_id=public_id).first()
    if found is None:
        raise Http404("There is no such question.")
    return found
