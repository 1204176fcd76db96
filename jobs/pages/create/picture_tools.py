"""What a create page offers to do about its picture: the fix and its price, and the crop with its
shapes and the face that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.engine import checks
from jobs.models import Check
from jobs.pages.create.fixes import frames_for
from studio.models.asset import Asset

if TYPE_CHECKING:
    from jobs.pages.create.file_slots import Slot
    from jobs.pages.create.page import Desk

SHAPES = ((1, 1), (3, 4), (9, 16))  # width and height that films commonly have
STEEPEST = 15  # degrees that the range offers; a crooked horizon is seldom more
HANDLE = 0.03  # radius of a corner's handle, of the long side


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape that the frame can be held to. `frames`: “left top width height;…” in px, the largest
    first, then closer to the face."""

    value: str
    label: str
    frames: str
    chosen: bool = False


class Mending:
    """The fix and the crop of a desk's picture."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.draft = desk, desk.draft

    @property
    def slot(self) -> Slot | None:
        return self.desk.picture

    @property
    def asset(self) -> Asset | None:
        return self.slot.asset if self.slot is not None else None

    # ── what it costs ──

    @property
    def _asked(self) -> str:
        """What the check costs that follows a new picture; "" when none does."""
        return (
            self.desk.check.price
            if self.desk.check is not None and self.desk.account is not None
            else ""
        )

    @property
    def fix_words(self) -> str:
        """“Convert it to JPG and check — $0.0006”; "" when the picture fits or nothing can be
        done."""
        if self.slot is None or self.slot.fix is None:
            return ""
        label = self.slot.fix.label
        if not self._asked or self._known(self.slot.fix.recipe):
            return _("%(what)s — free") % {"what": label}
        return _("%(what)s and check — %(price)s") % {"what": label, "price": self._asked}

    @property
    def crop_words(self) -> str:
        if not self._asked:
            return _("%(what)s — free") % {"what": _("Crop")}
        return _("%(what)s and check — %(price)s") % {"what": _("Crop"), "price": self._asked}

    def _known(self, recipe: dict[str, Any]) -> bool:
        """Whether this very edit was made before and its verdict is there, or on its way."""
        made = self.asset.children.filter(recipe=recipe).first() if self.asset is not None else None
        if made is None:
            return False
        check = checks.known(
            asset=made, model=self.desk.spec.check, chosen=self.draft.check_choices
        )
        return check is not None and check.state not in (Check.State.UNCERTAIN, Check.State.FAILED)

    # ── the crop ──

    @cached_property
    def face(self) -> tuple[int, int, int, int] | None:
        """The face that a check found in this very picture, whichever shape it was asked for."""
        if self.asset is None:
            return None
        for check in self.draft.team.checks.filter(
            sha256=self.asset.sha256, state=Check.State.PASSED
        ):
            box = check.facts.get("face_bbox")
            if isinstance(box, list) and len(box) == 4:
                return box[0], box[1], box[2], box[3]
        return None

    @cached_property
    def shapes(self) -> list[Shape]:
        """Those of the model's films first, then any, then the common ones."""
        if self.asset is None:
            return []
        own = [
            (f"{name} · {width} × {height}", (width, height))
            for name, width, height in self.desk.spec.output.frames
        ]
        found = [self._shape(aspect, label) for label, aspect in own]
        found.append(
            self._shape((self.asset.width, self.asset.height), _("free"), "free", chosen=True)
        )
        taken = {width / height for _label, (width, height) in own}
        found += [
            self._shape(aspect, "{}:{}".format(*aspect))
            for aspect in SHAPES
            if aspect[0] / aspect[1] not in taken
        ]
        found.append(self._shape((self.asset.width, self.asset.height), _("as the picture is")))
        return found

    def _shape(
        self, aspect: tuple[int, int], label: str, value: str = "", *, chosen: bool = False
    ) -> Shape:
        assert self.slot is not None  # noqa: S101  (shapes asked)
        assert self.asset is not None  # noqa: S101  (shapes asked)
        frames = frames_for(self.slot.field.limits, self.asset.facts, aspect, self.face)
        told = ";".join(
            f"{left} {top} {right - left} {bottom - top}" for left, top, right, bottom in frames
        )
        return Shape(value or "{}:{}".format(*aspect), label, told, chosen)

    @property
    def min_side(self) -> int:
        """The least that the short side may have, 0 when the model names none."""
        return (self.slot.field.limits.min_side or 0) if self.slot is not None else 0

    @property
    def handle(self) -> int:
        return (
            max(1, round(max(self.asset.width, self.asset.height) * HANDLE))
            if self.asset is not None
            else 1
        )

    @property
    def steepest(self) -> int:
        return STEEPEST

    @property
    def crop_id(self) -> str:
        """Of the part of the page that a swap leaves alone, because somebody is drawing in it; new
        when what it says is new."""
        if self.asset is None:
            return "crop"
        price = "".join(char for char in self._asked if char.isdigit())
        model = self.desk.spec.name.replace(
            ".", "-"
        )  # htmx looks for it as a selector, in which a dot means something
        return f"crop-{self.asset.public_id}-{model}-{'face' if self.face else 'whole'}-{price}"
