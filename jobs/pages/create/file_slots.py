"""A file that a create page asks for: what is chosen, what the library has for it, and what is
wrong with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.orders.consent import Right, right_of
from jobs.orders.templates import Entry, entries
from jobs.orders.trim import Trim
from jobs.pages.create.compare import was_file
from jobs.pages.create.draft import EDIT, KEEP, PICK, TEMPLATE, UPLOAD, Draft, FileField
from jobs.pages.create.fixes import Fix, fix_for
from jobs.pages.create.speech_panel import Part, Speech
from studio.common.formats import filesize_mb
from studio.common.formats import seconds as length
from studio.common.translatable import phrase, translated
from studio.models.asset import Asset
from studio.models.edit import Edit
from studio.models.people import Team

LIBRARY_SHOWN = 60
ACCEPT = {"image": "image/*", "audio": "audio/*", "video": "video/*"}
DROP = {
    "image": phrase("Drop a picture here or choose one"),
    "audio": phrase("Drop a recording here or choose one"),
    "video": phrase("Drop a video here or choose one"),
}


def file_url(team: Team, asset: Asset, what: str = "original") -> str:
    """Where the members of `team` find the file; `what` is original or thumb."""
    return reverse("asset_file", args=[team.slug, asset.public_id, what])


@dataclass
class Slot:
    """One file of the draft on the page: what is chosen, what may be chosen, and what is wrong with
    it."""

    field: FileField
    asset: Asset | None
    problems: list[str]
    draft: Draft
    region: Callable[[], str] = str  # of the account that would make it

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def kind(self) -> str:
        return self.field.kind

    @property
    def label(self) -> str:
        return translated(self.field.label)

    @property
    def upload_name(self) -> str:
        return UPLOAD + self.field.name

    @property
    def keep_name(self) -> str:
        return KEEP + self.field.name

    @property
    def edit_name(self) -> str:
        return EDIT + self.field.name

    @property
    def accept(self) -> str:
        return ACCEPT[self.kind]

    @property
    def drop_label(self) -> str:
        return translated(DROP[self.kind])

    @property
    def upload_problems(self) -> list[str]:
        """Why the file that came just now was not taken; the one chosen before is still there."""
        return self.draft.problems.get(self.upload_name, [])

    @property
    def limits(self) -> list[tuple[str, str]]:
        return [(translated(name), translated(text)) for name, text in self.field.limits.describe()]

    @property
    def limits_line(self) -> str:
        return " · ".join(text for _name, text in self.limits)

    @cached_property
    def fix(self) -> Fix | None:
        """What makes the chosen file fit; None when it fits or nothing can."""
        return (
            fix_for(self.field.limits, self.asset.facts)
            if self.asset is not None and self.kind != "audio"
            else None
        )

    @property
    def edit(self) -> Edit | None:
        """The new version of the chosen video that is being made."""
        return self.draft.edits.get(self.name)

    @property
    def failed(self) -> Edit | None:
        """The new version of the chosen video that could not be made."""
        return self.draft.failed.get(self.name)

    @cached_property
    def right(self) -> Right | None:
        """The word that the chosen file needs, given or not; None for one that needs none."""
        return right_of(self.asset, ticked=self.name in self.draft.said)

    @property
    def original(self) -> Asset | None:
        """What the chosen file was made from here."""
        return (
            self.asset.parent
            if self.asset is not None and self.asset.origin == Asset.Origin.EDIT
            else None
        )

    @property
    def pick_name(self) -> str:
        return PICK + self.field.name

    @property
    def kept(self) -> Trim | None:
        """What of the chosen sound goes into the film."""
        return self.draft.keeps.get(self.name)

    @cached_property
    def speech(self) -> Speech | None:
        """All that the page says of a chosen sound; None for anything else."""
        if self.asset is None or self.kept is None:
            return None
        return Speech(self.field, self.asset, self.kept, self.draft, self.region())

    @property
    def split(self) -> list[Part]:
        """The films of a sound that is too long for one."""
        return self.speech.split if self.speech is not None else []

    @property
    def split_total(self) -> str:
        return self.speech.split_total if self.speech is not None else ""

    @cached_property
    def was(self) -> str:
        """The file in the job that the draft began as, where it is another one."""
        return was_file(self.draft, self.name)

    @property
    def url(self) -> str:
        return file_url(self.draft.team, self.asset) if self.asset else ""

    @property
    def facts(self) -> str:
        return facts_line(self.asset) if self.asset else ""

    @property
    def peaks(self) -> list[float]:
        return wave(self.asset) if self.asset else []

    @property
    def most(self) -> str:
        """The longest that fits, such as “at most 60 s”; "" when length does not matter."""
        limits = self.field.limits
        if limits.max_seconds is None:
            return ""
        words = (
            _("must be shorter than %(most)s s")
            if limits.open_seconds
            else _("of at most %(most)s s")
        )
        return words % {"most": f"{limits.max_seconds:g}"}

    @cached_property
    def cards(self) -> list[dict[str, Any]]:
        """The library's files of this kind as cards: those that fit first, then those that can be
        made to, each other one with its reason."""
        assets = self.draft.team.assets.filter(kind=self.kind)[:LIBRARY_SHOWN]
        cards = [self._card(asset) for asset in assets]
        return sorted(cards, key=lambda card: (card["unfit"], card["fixable"]))

    def _card(self, asset: Asset) -> dict[str, Any]:
        problems = self.field.limits.problems(asset.facts)
        fixable = bool(problems) and fix_for(self.field.limits, asset.facts) is not None
        facts = facts_line(asset)
        if problems:
            facts = (
                _("%(facts)s · can be fixed here") % {"facts": facts}
                if fixable
                else translated(problems[0].sentence)
            )
        return {
            "title": asset.name,
            "facts": facts,
            "badge": length(asset.seconds) if asset.milliseconds else "",
            "picture_url": file_url(self.draft.team, asset, "thumb") if asset.thumb else "",
            "peaks": wave(asset),
            "unfit": bool(problems) and not fixable,
            "fixable": fixable,
            "pick_name": self.pick_name,
            "pick_value": asset.public_id,
            "icon": {"image": "portrait", "audio": "speech"}.get(self.kind, "dance"),
        }


def wave(asset: Asset) -> list[float]:
    """Peaks as shares of 1, which is what the drawing takes; stored ones count to 100."""
    return [peak / 100 for peak in asset.peaks]


def facts_line(asset: Asset) -> str:
    parts = []
    if asset.width:
        parts.append(f"{asset.width} × {asset.height}")
    if asset.milliseconds:
        parts.append(length(asset.seconds))
    if asset.kind == "video" and asset.fps:
        parts.append(_("%(n)s frames per second") % {"n": f"{asset.fps:.4g}"})
    parts.append(filesize_mb(asset.size))
    return " · ".join(parts)


def template_cards(draft: Draft) -> list[dict[str, Any]]:
    """The team's templates as cards, newest first. One that the service forgot comes after those,
    and only as what its video is made anew for.

    A forgotten one that can be had by another card, or whose video is not here, cannot be chosen
    and comes last.
    """
    rows = list(
        draft.team.templates.filter(model=draft.spec.makes).select_related("account", "asset")[
            :LIBRARY_SHOWN
        ]
    )
    return sorted(
        (_template_card(draft, entry) for entry in entries(draft.team, rows)),
        key=lambda card: (card["unfit"], bool(card["gone"])),
    )


def _template_card(draft: Draft, entry: Entry) -> dict[str, Any]:
    row, anew = entry.template, entry.anew
    gone = ""
    if anew is not None:
        gone = _("The service has forgotten it. Made anew from its video: %(price)s.") % {
            "price": anew.price or _("no price")
        }
    elif row.forgotten:
        gone = (
            _("The service has forgotten it; another one was made since.")
            if entry.replaced
            else _("The service has forgotten it.")
        )
    return {
        "id": f"template-{row.public_id}",
        "title": row.name,
        "facts": gone or f"{row.account.label} · {entry.used}",
        "cost": "" if gone else entry.cost,
        "gone": gone,
        "badge": length(row.seconds),
        "picture_url": entry.poster_url,
        "loop_url": entry.loop_url,
        "film": True,
        "unfit": row.forgotten and anew is None,
        "pick_name": TEMPLATE,
        "pick_value": row.public_id,
        "picked": draft.template is not None and row.pk == draft.template.pk,
        "icon": "template",
    }
