"""What a file is good for, in a few words: the marks on its card. Limits of the catalogue, and
verdicts that are known already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.catalogue import entries
from jobs.models import Check, Template
from studio.common.translatable import translated
from studio.models import Asset

Fit = tuple[str, str, str]  # words, fit ("yes", "no", "maybe"), reason

# Which models speak for a kind of file, and how they are called on a card.
SPEAKERS: dict[str, tuple[tuple[entries.Model, str | Promise], ...]] = {
    "image": ((entries.EMO, "EMO"), (entries.AA, gettext_lazy("Dance"))),
    "audio": ((entries.EMO, "EMO"),),
    "video": ((entries.AA_TEMPLATE, gettext_lazy("Dance template")),),
}


def suitability(assets: Iterable[Asset]) -> dict[int, list[Fit]]:
    """asset.pk -> marks, for files of one team. Two queries however many files there are; videos
    get none."""
    uploads = [asset for asset in assets if asset.origin == Asset.Origin.UPLOAD]
    checks = _checks([asset for asset in uploads if asset.kind == Asset.Kind.IMAGE])
    templates = _templates([asset for asset in uploads if asset.kind == Asset.Kind.VIDEO])
    return {
        asset.pk: [
            mark
            for model, words in SPEAKERS[asset.kind]
            for mark in _of(asset, model, str(words), checks, templates)
        ]
        for asset in uploads
    }


def _checks(pictures: list[Asset]) -> dict[tuple[str, str], list[Check]]:
    """(sha256, check model) -> verdicts; by content, because a verdict outlives the file's row."""
    found: dict[tuple[str, str], list[Check]] = defaultdict(list)
    if pictures:
        for check in Check.objects.filter(
            team_id=pictures[0].team_id, sha256__in=[asset.sha256 for asset in pictures]
        ).order_by("choice"):
            found[check.sha256, check.model].append(check)
    return found


def _templates(videos: list[Asset]) -> set[int]:
    if not videos:
        return set()
    return {
        pk
        for pk in Template.objects.filter(asset__in=videos, forgotten=False).values_list(
            "asset_id", flat=True
        )
        if pk is not None
    }


def _of(
    asset: Asset,
    model: entries.Model,
    words: str,
    checks: dict[tuple[str, str], list[Check]],
    templates: set[int],
) -> list[Fit]:
    for wanted in model.inputs_of(asset.kind):
        problems = wanted.limits.problems(asset.facts) if wanted.limits else []
        if problems:
            return [(words, "no", translated(problems[0].sentence))]
    if asset.kind == "video" and asset.pk in templates:
        return [
            (
                _("%(what)s made") % {"what": words},
                "yes",
                _("A dance template was made from it; a dance needs no new one."),
            )
        ]
    if asset.kind != "image" or not model.check:
        return [
            (
                words,
                "yes",
                _("It keeps every limit of %(model)s.") % {"model": translated(model.label)},
            )
        ]
    known = checks.get((asset.sha256, model.check), [])
    if not known:
        return [
            (
                words,
                "maybe",
                _("It keeps every limit of %(model)s; the service has not checked it yet.")
                % {"model": translated(model.label)},
            )
        ]
    return [_verdict(check, words) for check in known]


def _verdict(check: Check, words: str) -> Fit:
    style = {"full": _("full body"), "half": _("half body")}.get(
        str(check.facts.get("bodystyle", "")), ""
    )
    shape = " ".join(str(value) for value in check.parameters.values())
    words = ", ".join(part for part in (f"{words} {shape}".strip(), style) if part)
    if check.state == Check.State.PASSED:
        return (
            words,
            "yes",
            translated(check.sentence) or _("The service checked it and approved it."),
        )
    if check.state == Check.State.REFUSED:
        return (
            words,
            "no",
            translated(check.sentence) or _("The service checked it and refuses it."),
        )
    return words, "maybe", translated(check.sentence) or check.get_state_display()
