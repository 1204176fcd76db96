"""The check of a draft's picture as a create page shows it: where it stands, what it found, and
what asking costs."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.defaultfilters import date as shown_date
from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.models import Check
from studio.common.translatable import translated


@dataclass
class CheckView:
    """The check of the draft's picture. `state` is "" while it was never asked; `price` is what
    asking costs now."""

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
        """What the verdict says beside yes and no, as tags."""
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
    def kept(self) -> str:
        """Why a verdict that is there costs nothing more."""
        if self.check is None or self.check.answered_at is None:
            return ""
        day = shown_date(self.check.answered_at, "j M")
        if self.spec.parameters:
            return _(
                "Checked on %(day)s and kept; nothing is paid again for this picture in this shape."
            ) % {"day": day}
        return _("Checked on %(day)s and kept; nothing is paid again for this picture.") % {
            "day": day
        }
