"""The check of a draft's picture as a create page shows it: where it stands, what it found, and
what asking costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from jobs.billing import prices
from jobs.catalogue import entries
from jobs.models import Check
from jobs.pages.create.draft import Draft
from studio.common import formats
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class CheckPanel:
    """The check of the draft's picture. `state` is "" while it was never asked; `price` is what
    asking costs now, "" without a price (`why_no_price`)."""

    spec: entries.Model
    check: Check | None
    price: str
    why_no_price: str = ""

    @property
    def state(self) -> str:
        return self.check.state if self.check else ""

    @property
    def waits(self) -> bool:
        return self.state in (Check.State.WAITING, Check.State.ASKING)

    @property
    def passed(self) -> bool:
        return self.state == Check.State.PASSED

    @property
    def refused(self) -> bool:
        return self.state == Check.State.REFUSED

    @property
    def again(self) -> bool:
        return self.state in (Check.State.UNCERTAIN, Check.State.FAILED)

    @property
    def sentence(self) -> str:
        return translated(self.check.sentence) if self.check and self.check.sentence else ""

    @property
    def face(self) -> list[int] | None:
        return self._box("face_bbox")

    @property
    def frame(self) -> list[int] | None:
        return self._box("ext_bbox")

    def _box(self, name: str) -> list[int] | None:
        return self.check.facts.get(name) if self.check is not None and self.passed else None

    @property
    def tags(self) -> list[dict[str, str]]:
        """What the answer says beside yes and no, as tags."""
        words = {
            ("bodystyle", "full"): _("Full body"),
            ("bodystyle", "half"): _("Half body"),
            ("humanoid", True): _("A person"),
        }
        facts = self.check.facts if self.check is not None and self.passed else {}
        return [
            {"label": words[key, value], "fit": "yes"}
            for key, value in facts.items()
            if isinstance(value, str | bool) and (key, value) in words
        ]

    @property
    def paid_note(self) -> str:
        """Why an answer that is there costs nothing more; "" without one."""
        if self.check is None or self.check.answered_at is None:
            return ""
        day = formats.written(self.check.answered_at, "day")
        if self.spec.parameters:
            return _(
                "Checked on %(day)s and kept; nothing is paid again for this picture in this shape."
            ) % {"day": day}
        return _("Checked on %(day)s and kept; nothing is paid again for this picture.") % {
            "day": day
        }


def check_panel(draft: Draft, region: str) -> CheckPanel | None:
    """None for a model that needs no check. `region`: of the account that asks."""
    if not draft.spec.check:
        return None
    spec = entries.get(draft.spec.check)
    price, why = "", ""
    try:
        quote = prices.quote(spec, "", Decimal(1), currency=draft.team.currency, region=region)
        price = formats.money_of(quote.micros, quote.currency)
    except prices.NoPrice as error:
        why = translated(error.sentence)
    return CheckPanel(spec, draft.known_check(), price, why)
