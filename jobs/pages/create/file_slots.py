"""A file that a create page asks for: what is chosen, what the library has for it, and what is
wrong with each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.orders.consent import ConsentState
from jobs.pages.create.compare import was_file
from jobs.pages.create.consent_words import given_by
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import CONSENT, EDIT, KEEP, PICK, UPLOAD, FileField
from jobs.pages.create.fixes import Fix, fix_for
from jobs.pages.create.hold import Hold
from jobs.pages.create.speech_panel import SpeechPanel
from studio.common.formats import filesize_mb
from studio.common.formats import seconds as length
from studio.common.translatable import phrase, translated
from studio.files import edit_queue
from studio.models.asset import Asset
from studio.models.edit import Edit
from studio.models.people import Team

SHOWN = 60  # files of the library that are offered
ACCEPT = {"image": "image/*", "audio": "audio/*", "video": "video/*"}
DROP = {
    "image": phrase("Drop a picture here or choose one"),
    "audio": phrase("Drop a recording here or choose one"),
    "video": phrase("Drop a video here or choose one"),
}


def file_url(team: Team, asset: Asset, what: str = "original") -> str:
    """Where the members of `team` find the file; `what` is original or thumb."""
    return reverse("asset_file", args=[team.slug, asset.public_id, what])


@dataclass(frozen=True, slots=True)
class FileSlot:
    """One file of the draft on the page: what is chosen, what may be chosen, and what is wrong with
    it.

    `upload_problems`: why the file that came just now was not taken; the one chosen before is still
    there. `fix` makes the chosen file fit; None when it fits or nothing can. `hold`: the offer to
    hold the last picture of a video; None where its sound ends before. `edit` and `failed_edit`:
    the new version of the chosen video that is being made, or could not be. `consent`: what the
    chosen file needs, given or not; None for one that needs none. `before`: the file in the job
    that the draft began as, "" where it is this one. `library`: the team's files of this kind as
    cards (parts/card.html).
    """

    field: FileField
    team: Team
    asset: Asset | None
    problems: list[str]
    upload_problems: list[str]
    fix: Fix | None
    hold: Hold | None
    edit: Edit | None
    failed_edit: Edit | None
    consent: ConsentState | None
    before: str
    speech: SpeechPanel | None
    library: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def kind(self) -> str:
        return self.field.kind

    @property
    def consent_given_by(self) -> str:
        """“Mia said so on 14 Nov.”; "" while it is not given."""
        return given_by(self.consent) if self.consent is not None else ""

    @property
    def label(self) -> str:
        return translated(self.field.label)

    # The names of the form's fields.

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
    def pick_name(self) -> str:
        return PICK + self.field.name

    @property
    def consent_name(self) -> str:
        return CONSENT + self.field.name

    # What may be chosen.

    @property
    def accept(self) -> str:
        return ACCEPT[self.kind]

    @property
    def drop_label(self) -> str:
        return translated(DROP[self.kind])

    @property
    def limits(self) -> list[tuple[str, str]]:
        return [(translated(name), translated(text)) for name, text in self.field.limits.describe()]

    @property
    def limits_line(self) -> str:
        return " · ".join(text for _name, text in self.limits)

    @property
    def most(self) -> str:
        """The longest that fits, such as “of at most 60 s”; "" when length does not matter."""
        limits = self.field.limits
        if limits.max_seconds is None:
            return ""
        words = (
            _("must be shorter than %(most)s s")
            if limits.open_seconds
            else _("of at most %(most)s s")
        )
        return words % {"most": f"{limits.max_seconds:g}"}

    # What is chosen.

    @property
    def original(self) -> Asset | None:
        """What the chosen file was made from here."""
        return (
            self.asset.origin_file
            if self.asset is not None and self.asset.origin == Asset.Origin.EDIT
            else None
        )

    @property
    def url(self) -> str:
        return file_url(self.team, self.asset) if self.asset else ""

    @property
    def edits_ahead(self) -> int:
        """How many edits are made before the one under way."""
        return edit_queue.ahead(self.edit) if self.edit is not None else 0

    @property
    def poster_url(self) -> str:
        return file_url(self.team, self.asset, "thumb") if self.asset and self.asset.thumb else ""

    @property
    def facts(self) -> str:
        return facts_line(self.asset) if self.asset else ""

    @property
    def peaks(self) -> list[float]:
        return wave(self.asset) if self.asset else []


def file_slot(
    draft: Draft,
    field: FileField,
    consent: ConsentState | None,
    speech: SpeechPanel | None,
    hold: Hold | None,
) -> FileSlot:
    """The slot of `field` in `draft`; `consent`, `speech` and `hold` are those of its file."""
    asset, name = draft.asset(field.name), field.name
    return FileSlot(
        field,
        draft.team,
        asset,
        draft.problems.get(name, []),
        draft.problems.get(UPLOAD + name, []),
        fix=(
            fix_for(field.limits, asset.facts)
            if asset is not None and field.kind != "audio"
            else None
        ),
        hold=hold,
        edit=draft.edits.get(name),
        failed_edit=draft.failed_edits.get(name),
        consent=consent,
        before=was_file(draft, name),
        speech=speech,
        library=_library(draft.team, field),
    )


def _library(team: Team, field: FileField) -> list[dict[str, Any]]:
    """The library's files of this kind as cards: those that fit first, then those that can be made
    to, each other one with its reason."""
    cards = [_card(team, field, asset) for asset in team.assets.filter(kind=field.kind)[:SHOWN]]
    return sorted(cards, key=lambda card: (card["unfit"], card["fixable"]))


def _card(team: Team, field: FileField, asset: Asset) -> dict[str, Any]:
    problems = field.limits.problems(asset.facts)
    fixable = bool(problems) and fix_for(field.limits, asset.facts) is not None
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
        "picture_url": file_url(team, asset, "thumb") if asset.thumb else "",
        "peaks": wave(asset),
        "unfit": bool(problems) and not fixable,
        "fixable": fixable,
        "pick_name": PICK + field.name,
        "pick_value": asset.public_id,
        "icon": {"image": "portrait", "audio": "speech"}.get(field.kind, "dance"),
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
