"""What the video of a draft will be: its size, frame rate and sound."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.pages.create.draft import Draft


@dataclass(frozen=True, slots=True)
class OutputPanel:
    """`summary` is such as “512 × 512, 15 frames per second, with sound”. `width` and `height` of
    the video in px for the chosen shape; 512 only where a model declares none and none is drawn."""

    summary: str
    width: int
    height: int


def output_panel(draft: Draft) -> OutputPanel:
    spec, output = draft.spec, draft.spec.output
    sizes = {variant: (width, height) for variant, width, height in output.frames}
    width, height = sizes.get(spec.variant_of(draft.chosen)) or (512, 512)
    parts = [f"{width} × {height}"] if output.frames else []
    if output.fps:
        parts.append(_("%(n)s frames per second") % {"n": f"{output.fps:g}"})
    if spec.kind is entries.Kind.VIDEO:
        parts.append(_("with sound") if output.sound else _("without sound"))
    return OutputPanel(", ".join(parts), width, height)
