"""What a create page offers to do about its picture: the fix and its price, and the crop with its
shapes and the face that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.engine import checks
from jobs.models import Account, Check
from jobs.pages.create.check_panel import CheckPanel
from jobs.pages.create.draft import Draft
from jobs.pages.create.file_slots import FileSlot
from jobs.pages.create.fixes import Fix, fixes_behind, frames_for
from studio.models.asset import Asset

Box = tuple[int, int, int, int]
SHAPES = ((1, 1), (3, 4), (9, 16))  # width and height that videos commonly have
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


@dataclass(frozen=True, slots=True)
class PictureTools:
    """The fix and the crop of the chosen picture, with what the check costs that follows on them.

    `fix_label` is such as “Convert it to JPG and check — $0.0006”, "" when the picture fits or
    nothing can be done; `behind` has one for each thing that can be put behind a transparent
    picture: (name, label). `face`: left, top, right, bottom in px. `min_side`: the least that the
    short side may have in px, 0 when the model names none. `handle`: radius of a corner in px.
    `crop_id`: of the part of the page that a swap leaves alone, because somebody is drawing in it;
    new when what it says is new.
    """

    fix_label: str
    behind: list[tuple[str, str]]
    crop_label: str
    face: Box | None
    shapes: list[Shape]
    min_side: int
    handle: int
    crop_id: str
    steepest: int = STEEPEST


def picture_tools(
    draft: Draft, slot: FileSlot | None, check: CheckPanel | None, account: Account | None
) -> PictureTools | None:
    """None while no picture is chosen."""
    if slot is None or slot.asset is None:
        return None
    asset = slot.asset
    # What the check costs that follows a new picture; "" when none does.
    price = check.price if check is not None and account is not None else ""
    face = _face(draft, asset)
    return PictureTools(
        fix_label=_fix_label(draft, asset, slot.fix, price),
        behind=[
            (behind, _fix_label(draft, asset, fix, price))
            for behind, fix in fixes_behind(slot.field.limits, asset.facts)
        ],
        crop_label=_priced(_("Crop"), price),
        face=face,
        shapes=_shapes(draft, slot, asset, face),
        min_side=slot.field.limits.min_side or 0,
        handle=max(1, round(max(asset.width, asset.height) * HANDLE)),
        crop_id=_crop_id(draft, asset, face, price),
    )


def _priced(what: str, price: str) -> str:
    if not price:
        return _("%(what)s — free") % {"what": what}
    return _("%(what)s and check — %(price)s") % {"what": what, "price": price}


def _fix_label(draft: Draft, asset: Asset, fix: Fix | None, price: str) -> str:
    if fix is None:
        return ""
    return _priced(fix.label, "" if price and _known(draft, asset, fix.recipe) else price)


def _known(draft: Draft, asset: Asset, recipe: dict[str, Any]) -> bool:
    """Whether this very edit was made before and its check has an answer, or is on its way."""
    made = asset.children.filter(recipe=recipe).first()
    if made is None:
        return False
    check = checks.known(asset=made, model=draft.spec.check, chosen=draft.check_choices)
    return check is not None and check.state not in (Check.State.UNCERTAIN, Check.State.FAILED)


def _face(draft: Draft, asset: Asset) -> Box | None:
    """The face that a check found in this very picture, whichever shape it was asked for."""
    for check in draft.team.checks.filter(sha256=asset.sha256, state=Check.State.PASSED):
        box = check.facts.get("face_bbox")
        if isinstance(box, list) and len(box) == 4:
            return box[0], box[1], box[2], box[3]
    return None


def _shapes(draft: Draft, slot: FileSlot, asset: Asset, face: Box | None) -> list[Shape]:
    """Those of the model's videos first, then any, then the common ones."""

    def shape(aspect: tuple[int, int], label: str, value: str = "", chosen: bool = False) -> Shape:
        frames = ";".join(
            f"{left} {top} {right - left} {bottom - top}"
            for left, top, right, bottom in frames_for(slot.field.limits, asset.facts, aspect, face)
        )
        return Shape(value or "{}:{}".format(*aspect), label, frames, chosen)

    itself = (asset.width, asset.height)
    frames = draft.spec.output.frames
    taken = {width / height for _name, width, height in frames}
    return [
        *(shape((width, height), f"{name} · {width} × {height}") for name, width, height in frames),
        shape(itself, _("free"), "free", chosen=True),
        *(
            shape(aspect, "{}:{}".format(*aspect))
            for aspect in SHAPES
            if aspect[0] / aspect[1] not in taken
        ),
        shape(itself, _("as the picture is")),
    ]


def _crop_id(draft: Draft, asset: Asset, face: Box | None, price: str) -> str:
    digits = "".join(char for char in price if char.isdigit())
    # htmx looks for it as a selector, in which a dot means something.
    model = draft.spec.name.replace(".", "-")
    return f"crop-{asset.public_id}-{model}-{'face' if face else 'whole'}-{digits}"
