"""What a create page offers beside its one film: a test clip, all styles, the same as clips; and
how long the budget lasts after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.billing import confirmed_price, prices
from jobs.common.errors import Refused
from jobs.orders import order_request, plan, sets, test_clips
from jobs.pages.budget_summary import no_room
from studio.common.formats import seconds as length
from studio.common.translatable import translated

if TYPE_CHECKING:
    from jobs.pages.create.page import Desk


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: what it does (`do`), its words and its price. `off`: it cannot be pressed now."""

    do: str
    label: str
    price: str
    off: bool
    micros: int


class Offers:
    """The offers of a create page. Everything is None while the film itself has no price."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.draft = desk, desk.draft

    @cached_property
    def _wish(self) -> order_request.OrderRequest:
        return self.draft.wish(self.desk.user)

    @cached_property
    def _clip(self) -> plan.Estimate | None:
        if self.desk.estimate is None or not test_clips.worth(self._wish):
            return None
        try:
            return plan.estimate(test_clips.first(self._wish)[0])
        except (Refused, prices.NoPrice):
            return None  # such as a model that takes no speech so short

    def _offer(self, do: str, label: str, micros: int) -> Offer:
        off = bool(self.desk.blocked or no_room(self.desk.team, self.desk.user, micros))
        return Offer(do, label, prices.format_money(micros, self.desk.team.currency), off, micros)

    @cached_property
    def clip(self) -> Offer | None:
        """“Test clip 5 s”, for a speech that is longer."""
        if self._clip is None:
            return None
        return self._offer(
            "clip", _("Test clip %(n)s s") % {"n": test_clips.CLIP_MS // 1000}, self._clip.micros
        )

    @property
    def _several(self) -> int:
        parameter = sets.swept(self.desk.spec, self.draft.chosen)
        return len(parameter.words) if parameter is not None else 0

    @cached_property
    def sweep(self) -> Offer | None:
        """“All 3 styles”, for a model with a choice that costs nothing."""
        parameter = sets.swept(self.desk.spec, self.draft.chosen)
        if parameter is None or self.desk.estimate is None:
            return None
        label = translated(parameter.every) or _("%(what)s: all %(n)s") % {
            "n": self._several,
            "what": translated(parameter.label),
        }
        return self._offer("sweep", label, sets.price(self.desk.estimate, self._several))

    @cached_property
    def sweep_clip(self) -> Offer | None:
        """The same, as test clips."""
        if self._clip is None or not self._several:
            return None
        return self._offer(
            "sweep-clip",
            _("as %(n)s s clips") % {"n": test_clips.CLIP_MS // 1000},
            sets.price(self._clip, self._several),
        )

    @cached_property
    def prices(self) -> dict[str, int]:
        """Micros that each button of the page shows, by what it does."""
        if self.desk.estimate is None:
            return {}
        found = {"make": self.desk.this_micros}
        found |= {
            offer.do: offer.micros
            for offer in (self.clip, self.sweep, self.sweep_clip)
            if offer is not None
        }
        parts = self.desk.sound.split if self.desk.sound is not None else []
        return found | ({"split": sum(part.micros for part in parts)} if parts else {})

    @property
    def told(self) -> str:
        """The same as the form sends it along."""
        return confirmed_price.word(self.prices)

    @cached_property
    def leaves(self) -> str:
        """“leaves $7.53, about 10 m 56 s at this price”; "" without a limit, without a price, and
        when it does not fit."""
        left, micros = self.desk.purse.standing.left, self.desk.this_micros
        if left is None or not micros or micros > left:
            return ""
        region = self.desk.account.region if self.desk.account else ""
        price = prices.price_of(
            self.desk.spec.name,
            self.desk.spec.variant_of(self.draft.chosen),
            self.desk.team.currency,
            region,
        )
        what = {"left": prices.format_money_left(left - micros, self.desk.team.currency)}
        if price.unit != "second" or not price.micros:
            return _("leaves %(left)s") % what
        return _("leaves %(left)s, about %(length)s at this price") % {
            **what,
            "length": length((left - micros) // price.micros),
        }
