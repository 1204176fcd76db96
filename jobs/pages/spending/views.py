"""Where the money of a team went in a month. Sums come from the balances of the ledger, lines and
the CSV from the ledger itself; months are those of the team's time zone.

Viewers see the team's totals, creators also their own row and entries, admins and owners
everyone's.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs.billing import budget, periods
from jobs.billing.limit_use import BudgetStatus
from jobs.catalogue import entries as catalogue
from jobs.models import Balance, DayBalance, LedgerEntry, Price
from jobs.pages import video_lengths
from jobs.pages.spending.chart import chart_of
from jobs.pages.spending.csv_export import csv_of
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import formats
from studio.common.translatable import translated
from studio.models.people import Team
from studio.teams.access import TeamRequest, team_page

_Row = TypeVar("_Row", LedgerEntry, Balance)
PAGE = 50
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")


@team_page()
@require_safe
def spend(request: TeamRequest) -> HttpResponseBase:
    """The page of a month; with ?format=csv its entries as a file."""
    month = _month(request)
    seen = _of_reader(request, request.team.ledger.filter(month=month))
    if request.GET.get("format") == "csv":
        if not _sees_entries(request):
            raise PermissionDenied(
                _("The ledger’s entries are for people who create videos; you see the totals.")
            )
        with transaction.atomic():
            record(Event.SPEND_DOWNLOADED, team=request.team, after={"month": month})
        return csv_of(seen, f"footlight-{request.team.slug}-{month:%Y-%m}.csv")
    context = {"nav": "spend", **_summary(request, month), **_links(request, month)}
    return render(request, "jobs/spending/spend.html", context | _entries(request, seen, month))


def _of_reader(request: TeamRequest, rows: QuerySet[_Row]) -> QuerySet[_Row]:
    """Those of `rows`, which have a member, that the reader may see one by one."""
    if request.may.see_spend:
        return rows
    return rows.filter(member=request.user) if request.may.make else rows.none()


def _sees_entries(request: TeamRequest) -> bool:
    return request.may.see_spend or request.may.make


def _summary(request: TeamRequest, month: date) -> dict[str, Any]:
    """The sums of the month and its tables."""
    team = request.team
    days = team.days.filter(month=month)
    current = month == periods.month_of(team)
    status = budget.status(team, month=month)
    whole = request.may.see_spend
    return {
        "month": month,
        "current": current,
        "currency": team.currency,
        "status": status,
        # A limit is not kept by month, so in an old month only what was spent is known.
        "limit": status.limit if current else None,
        "left": status.left if current else None,
        "videos": _videos(team, status.left) if current else [],
        "own": budget.status(team, request.user, month) if request.may.make else None,
        "whole": whole,
        "totals": _totals(team.balances.filter(month=month)),
        "people": _people(request, month, status, whole) if _sees_entries(request) else [],
        "models": _models(days),
        "chart": chart_of(days, month, status, periods.day_of(team) if current else None),
        "prices": prices_in_force(team),
    }


def _links(request: TeamRequest, month: date) -> dict[str, object]:
    """The months beside this one, the CSV and the limits; "" for what is not offered."""
    team, previous, following = request.team, _previous(month), periods.next_month(month)
    csv_url = f"?{urlencode({'month': f'{month:%Y-%m}', 'format': 'csv'})}"
    earlier = team.balances.filter(month__lt=month).exists()
    return {
        "begins": following,
        "previous": previous,
        "previous_url": _month_url(previous) if earlier else "",
        "next_url": "" if month == periods.month_of(team) else _month_url(following),
        "csv_url": csv_url if _sees_entries(request) else "",
        "limits_url": reverse("team_limits", args=[team.slug]) if _sees_entries(request) else "",
    }


# ── months ────────────────────────────────────────────────────────────────────────────────────────


def _month(request: TeamRequest) -> date:
    """The month asked for (?month=2026-11), else the present one; nonsense and the future are
    answered with a sentence."""
    now = periods.month_of(request.team)
    asked = request.GET.get("month", "").strip()
    if not asked:
        return now
    found = _MONTH.fullmatch(asked)
    month = (
        date(int(found[1]), int(found[2]), 1)
        if found and 1 <= int(found[2]) <= 12 and int(found[1]) >= 1
        else None
    )
    if month is None:
        messages.warning(
            request,
            _("“%(asked)s” is no month; a month looks like 2026-11. This is the present one.")
            % {"asked": asked[:20]},
        )
        return now
    if month > now:
        messages.info(
            request,
            _("%(month)s has not begun. This is the present month.")
            % {"month": formats.written(month, "month")},
        )
        return now
    return month


def _previous(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _month_url(month: date) -> str:
    return f"?month={month:%Y-%m}"


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


def _totals(balances: QuerySet[Balance]) -> dict[str, object]:
    """Counts of the month: jobs and checks held, settled and given back; seconds billed. Every hold
    has one end at most."""
    sums = balances.aggregate(
        holds=Sum("entries", filter=Q(of_holds=True), default=0),
        jobs=Sum("jobs", default=0),
        milliseconds=Sum("milliseconds", default=0),
        released=Sum("releases", default=0),
        checks=Sum("checks", default=0),
        checks_paid=Sum("checks_settled", default=0),
    )
    return {
        **sums,
        "waiting": sums["holds"] - sums["jobs"] - sums["checks"] - sums["released"],
        "seconds": Decimal(sums["milliseconds"]) / 1000,
    }


def _people(
    request: TeamRequest, month: date, status: BudgetStatus, whole: bool
) -> list[dict[str, Any]]:
    """A row per person who spent; for somebody without the right to see others only their own,
    which is always there."""
    spent = budget.spend_by_member(request.team, month)
    if not whole:
        spent = [row for row in spent if row.member == request.user] or [
            budget.MemberSpend(request.user, 0, 0, 0, 0, Decimal(0))
        ]
    limits = list(request.team.budgets.filter(period=budget.MONTH))
    rows = []
    for row in spent:
        part = Decimal(100 * row.settled) / status.settled if status.settled > 0 else Decimal(0)
        own = budget.limits_among(limits, row.member) if row.member else []
        limit = next((one.micros for one in own if one.member is not None), None)
        rows.append(
            {
                "spend": row,
                "limit": limit,
                "part": part,
                "label": _("%(part)s %% of the month") % {"part": formats.figure(part)},
            }
        )
    return rows


def _models(days: QuerySet[DayBalance]) -> list[dict[str, object]]:
    """What was settled, a row per price paid: model, variant, unit price and sum."""
    names = ("model", "price__variant", "price__unit", "price__micros")
    rows = []
    for row in (
        days.order_by()
        .values(*names)
        .annotate(settled=Sum("settled"))
        .order_by("-settled", "model")
    ):
        spec = catalogue.MODELS.get(row["model"])
        rows.append(
            {
                **row,
                "label": translated(spec.label) if spec else row["model"] or _("Corrections"),
                "variant": row["price__variant"] or "",
                "unit": row["price__unit"],
            }
        )
    return rows


def _videos(team: Team, left: int | None) -> list[tuple[str, int]]:
    """(“1:1”, seconds) that `left` pays for; empty when there is no limit or no price."""
    if left is None:
        return []
    return video_lengths.seconds_for(left, video_lengths.priced_videos(team))


def prices_in_force(team: Team) -> list[dict[str, Any]]:
    """The price rows of the team's currency that count today, and those that are to come, in the
    catalogue's order; those that are worked out from others at the end."""
    today = datetime.now(UTC).date()
    order = {name: number for number, name in enumerate(catalogue.MODELS)}
    rows: list[dict[str, Any]] = []
    in_force: set[tuple[str, str, str]] = set()
    for price in Price.objects.filter(currency=team.currency).order_by("-effective_from", "-id"):
        key = (price.model, price.variant, price.region)
        coming = price.effective_from > today
        if not coming and key in in_force:
            continue
        if not coming:
            in_force.add(key)
        spec = catalogue.MODELS.get(price.model)
        rows.append(
            {
                "price": price,
                "coming": coming,
                "label": translated(spec.label) if spec else price.model,
            }
        )
    return sorted(
        rows,
        key=lambda row: (
            row["price"].inferred,
            order.get(row["price"].model, 99),
            row["price"].model,
            row["price"].variant,
            row["price"].region,
            row["coming"],
        ),
    )


def _entries(request: TeamRequest, seen: QuerySet[LedgerEntry], month: date) -> dict[str, Any]:
    """PAGE entries, newest first, before the id in ?before=…; pages are found by id, so they stay
    cheap."""
    before = request.GET.get("before", "")
    rows = seen.select_related("member", "job", "check_asked", "price").order_by("-id")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(id__lt=int(before))
    found = list(rows[: PAGE + 1])
    older = f"{_month_url(month)}&before={found[PAGE - 1].pk}#ledger" if len(found) > PAGE else ""
    newest = f"{_month_url(month)}#ledger" if before else ""
    return {
        "entries": found[:PAGE],
        "older_url": older,
        "newest_url": newest,
        "count": _count(request, month),
    }


def _count(request: TeamRequest, month: date) -> int:
    """How many entries the reader may see one by one, from the balances."""
    seen = _of_reader(request, request.team.balances.filter(month=month))
    return int(seen.aggregate(n=Sum("entries", default=0))["n"])
