"""What a create page offers beside its one video: a test clip, all styles, the same as clips."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.orders import test_clips
from jobs.orders.waiting_room import no_room_in_line
from jobs.pages import asking
from jobs.pages.budget_summary import no_room
from jobs.pages.create.button_prices import price_on, swept_of
from jobs.pages.create.draft_plan import DraftPlan, jobs_of
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class ExtraButton:
    """A button: what it does (`do`, one of sets.CLICKS), its words and its price. `off`: it cannot
    be pressed now."""

    do: str
    label: str
    price: str
    off: bool


@dataclass(frozen=True, slots=True)
class MoreButtons:
    """`clip` is “Test clip 5 s”, for a speech that is longer; `sweep` “All 3 styles”, for a model
    with a choice that costs nothing; `sweep_clip` the same as test clips. None where there is
    nothing to offer, and while the video itself has no price."""

    clip: ExtraButton | None
    sweep: ExtraButton | None
    sweep_clip: ExtraButton | None


def more_buttons(
    planned: DraftPlan,
    micros: dict[str, int],
    waiting: int,
    blocked: str,
    asks: str = "",
) -> MoreButtons:
    """`micros` are those of `button_prices`; `waiting` are the person's jobs that wait already;
    `blocked` says why nothing can be made now, `asks` which buttons ask for approval."""
    order = planned.order
    seconds = test_clips.CLIP_MS // 1000

    swept = swept_of(planned)
    all_of_it = len(swept.words) if swept is not None else 1

    def button(do: str, label: str, videos: int = 1) -> ExtraButton | None:
        if do not in micros:
            return None
        asked = asking.asks(asks, do)
        off = bool(
            blocked
            or no_room_in_line(order.team, waiting + jobs_of(planned, videos))
            or (not asked and no_room(order.team, order.owner, micros[do]))
        )
        if asked:
            label = _("Ask for approval: %(what)s") % {"what": label}
        return ExtraButton(do, label, price_on(do, micros, order.team.currency), off)

    return MoreButtons(
        button("clip", _("Test clip %(n)s s") % {"n": seconds}),
        button("sweep", _sweep_label(swept), all_of_it),
        button("sweep-clip", _("as %(n)s s clips") % {"n": seconds}, all_of_it),
    )


def _sweep_label(parameter: entries.Parameter | None) -> str:
    if parameter is None:
        return ""
    return translated(parameter.every) or _("%(what)s: all %(n)s") % {
        "n": len(parameter.words),
        "what": translated(parameter.label),
    }
