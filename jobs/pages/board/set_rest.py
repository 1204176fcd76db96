"""What of a batch is held by a limit, on the page of its set: why, what it costs now, and the
buttons that go on with it or cancel it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from jobs.billing import budget, confirmed_price, prices
from jobs.common.errors import Refused
from jobs.models import JobSet, PendingOrder
from jobs.orders import rest, stored_orders
from studio.common import formats
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permissions


@dataclass(frozen=True, slots=True)
class RestPanel:
    """`why` it is held, as things stand now; `price` of all of it now, "" when it cannot be made
    (`problem`). `fits`: how many of its videos have room by now. `mine`: the reader may go on."""

    pending: PendingOrder
    videos: int
    why: str
    price: str
    problem: str
    fits: bool
    mine: bool
    confirmed: str

    @classmethod
    def of(cls, jobset: JobSet, reader: int | None, may: Permissions) -> RestPanel | None:
        pending = rest.of_set(jobset)
        if pending is None:
            return None
        micros, problem = None, translated(stored_orders.asker_problem(pending))
        try:
            micros = stored_orders.price_now(pending)
        except Refused as refused:
            problem = problem or " ".join(translated(one) for one in refused.sentences)
        except prices.NoPrice as error:
            problem = problem or translated(error.sentence)
        stopped = rest.why(pending.team, pending.owner, micros or pending.quote_micros)
        return cls(
            pending,
            pending.videos,
            translated(stopped) if stopped is not None else "",
            formats.money_of(micros, pending.currency) if micros is not None else "",
            problem,
            stopped is None,
            may.make and (reader == pending.owner_id or may.manage_jobs),
            confirmed_price.form_value({"go-on": micros}) if micros is not None else "",
        )


def _rest(request: TeamRequest, public_id: str) -> tuple[JobSet, PendingOrder | None]:
    """The set and what of it is held; PermissionDenied for whom it is not to decide."""
    found = request.team.sets.select_related("team", "owner").filter(public_id=public_id).first()
    if found is None:
        raise Http404("There is no such set.")
    pending = rest.of_set(found)
    if pending is None:
        messages.info(request, _("Nothing of it is held any more."))
    elif pending.owner_id != request.user.pk and not request.may.manage_jobs:
        who = {"person": pending.owner.short_name}
        raise PermissionDenied(_("Only %(person)s or an admin decides about this.") % who)
    return found, pending


@team_page(while_closed=True)
@require_POST
def cancel(request: TeamRequest, jobset: str) -> HttpResponse:
    """Nothing was reserved or sent, so nothing is lost but the wish."""
    found, pending = _rest(request, jobset)
    if pending is not None and (gone := rest.cancel(found, request.user)):
        said = ngettext(
            "%(n)s held video is canceled and cost nothing.",
            "%(n)s held videos are canceled and cost nothing.",
            gone,
        )
        messages.info(request, said % {"n": gone})
    return redirect(found)


@team_page()
@require_POST
def go_on(request: TeamRequest, jobset: str) -> HttpResponse:
    """Make what of the rest has room by now; the others stay held."""
    found, pending = _rest(request, jobset)
    if pending is None:
        return redirect(found)
    before = pending.videos
    said = dict(confirmed_price.SHAPE.findall(confirmed_price.sent_along(request.POST)[:500]))
    seen = request.POST.get("round", "")
    try:
        stored_orders.go_on(
            pending,
            request.user,
            int(said.get("go-on", pending.quote_micros)),
            int(seen) if seen.isdecimal() and len(seen) < 9 else -1,
        )
    except Refused as refused:
        for sentence in refused.sentences:
            messages.error(request, translated(sentence))
    except (budget.OverBudget, prices.NoPrice) as error:
        messages.error(request, translated(error.sentence))
    else:
        messages.success(request, _gone_on(found, before))
    return redirect(found)


def _gone_on(jobset: JobSet, before: int) -> str:
    left = rest.of_set(jobset)
    held = left.videos if left is not None else 0
    started = before - held
    said = ngettext("%(n)s video started.", "%(n)s videos started.", started) % {"n": started}
    return f"{said} {held_words(jobset)}".strip()


def held_words(jobset: JobSet) -> str:
    """“8 are held. …”: what of the set a limit holds, and which; "" when nothing is held."""
    left = rest.of_set(jobset)
    if left is None:
        return ""
    said = ngettext(
        "%(n)s is held, with nothing reserved.",
        "%(n)s are held, with nothing reserved.",
        left.videos,
    ) % {"n": left.videos}
    return f"{said} {translated(left.why)}"
