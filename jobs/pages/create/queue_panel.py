"""The place in line that the job of a draft would get now, and when its video would be ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.engine import eta
from jobs.models import Account, Lane
from jobs.pages import labels
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_plan import DraftPlan
from jobs.pages.queue_dots import QueueDots, dots_up_to

UNKNOWN_MS = 10_000  # what a video counts with while nothing with a length is chosen: no test clip


@dataclass(frozen=True, slots=True)
class QueuePanel:
    """`place` in line in words; `times` “starts ≈ 14:32 · ready 14:40 – 14:45”, or why nothing is
    sent now. `dots`: the line drawn, with this job in it (dots_up_to)."""

    place: str
    times: str
    dots: QueueDots


def lane_of(draft: Draft, account: Account | None) -> Lane | None:
    """The lane that the job would wait in; None when nobody used it yet, or without an account."""
    if account is None:
        return None
    return (
        Lane.objects.filter(account_id=account.root_id, model=draft.spec.name)
        .select_related("account", "pause_set_by", "account__pause_set_by")
        .first()
    )


def queue_panel(
    draft: Draft, planned: DraftPlan, account: Account | None, lane: Lane | None
) -> QueuePanel | None:
    """None without an account."""
    if account is None:
        return None
    place = _place(draft, planned, account, lane)
    closed = labels.pause_words(account, lane, draft.team)
    where = labels.ordinal(place.position)
    return QueuePanel(
        where if closed or place.ahead else _("Starts right away"),
        closed or _times(draft, place),
        dots_up_to(place),
    )


def _place(draft: Draft, planned: DraftPlan, account: Account, lane: Lane | None) -> eta.Place:
    made = planned.plan
    place = eta.next_place(
        account,
        draft.spec.name,
        draft.spec.variant_of(draft.chosen),
        draft.milliseconds or UNKNOWN_MS,
        planned.order.owner,
        lane=lane,
        before=made.first.task if made is not None and made.first is not None else None,
    )
    if made is not None and made.waits_for is not None:  # nobody knows when that is there
        return eta.Place(place.position, place.ahead, None, None)
    return place


def _times(draft: Draft, place: eta.Place) -> str:
    if place.starts_at is None:
        return _("waits for its template first") if draft.spec.makes else ""
    soon = place.starts_at <= timezone.now() + timedelta(seconds=5)
    starts = (
        _("starts now") if soon else _("starts ≈ %(time)s") % {"time": labels.hour(place.starts_at)}
    )
    return f"{starts} · {labels.ready_words(place)}" if draft.milliseconds else starts
