"""Consent: which files of a draft need somebody's word that the team may use the person in them,
and that word.

Asked once per file; what is made of a file here inherits it (studio.files.edit_queue). What our own
jobs made needs none: it was given for what went in. The tick lives in the draft until the click
that makes the job.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.models import JobInput
from studio.files import edit_queue
from studio.models.asset import Asset
from studio.models.edit import Consent
from studio.models.people import User


@dataclass(frozen=True, slots=True)
class ConsentState:
    """Consent for one file of a draft: `consent` once it was given, `ticked` while it is only
    ticked."""

    asset: Asset
    consent: Consent | None
    ticked: bool

    @property
    def words(self) -> str:
        """What is agreed to, as it is shown and as it is recorded."""
        said = {
            "image": _("The team may use this person’s likeness."),
            "audio": _("The team may use this person’s voice."),
            "video": _("The team may use this person’s moves."),
        }
        return said[self.asset.kind]

    @property
    def missing(self) -> bool:
        return self.consent is None and not self.ticked


def needed(asset: Asset) -> bool:
    """Whether a word has to be given for it: for everything that people brought in, and what was
    made of that here."""
    first: Asset | None = asset
    while first is not None and first.origin == Asset.Origin.EDIT:
        first = first.parent
    return first is None or first.origin != Asset.Origin.RESULT


def tick_holds(asset: Asset, public_id: str) -> bool:
    """Whether a tick that was made for the file `public_id` holds for `asset`: that very file, one
    made of it, or the one it was made of."""
    made_of = asset.parent if asset.origin == Asset.Origin.EDIT else None
    if not public_id or public_id in (
        asset.public_id,
        made_of.public_id if made_of is not None else "",
    ):
        return bool(public_id)
    return Asset.objects.filter(
        public_id=public_id, parent=asset, origin=Asset.Origin.EDIT
    ).exists()


def state_of(asset: Asset | None, *, ticked: bool = False) -> ConsentState | None:
    """What stands for `asset`; None without a file, and for one that needs no consent."""
    if asset is None or not needed(asset):
        return None
    given = Consent.objects.filter(asset=asset).select_related("by").first()
    return ConsentState(asset, given, ticked)


def give(ticked: Iterable[Asset | None], by: User) -> list[Asset]:
    """Keep the consent for every file of `ticked`, as given by `by` now; returns the files that had
    none. What was given before stands."""
    new = []
    for asset in ticked:
        state = state_of(asset, ticked=True)
        if state is not None and state.consent is None:
            edit_queue.consent(state.asset, by, state.words)
            new.append(state.asset)
    return new


def take_back(assets: Iterable[Asset], by: User) -> None:
    """Forget the words that a click gave which made nothing, with those that its cut parts
    inherited: they were given for a video. Where another click made one of the file meanwhile, its
    word stands."""
    for asset in assets:
        family = [asset, *asset.children.filter(origin=Asset.Origin.EDIT)]
        if not JobInput.objects.filter(asset__in=family).exists():
            Consent.objects.filter(asset__in=family, by=by).delete()


def without_consent(assets: Iterable[Asset]) -> list[Asset]:
    """Those of `assets` that need a word and have none yet."""
    found = list(assets)
    given = set(Consent.objects.filter(asset__in=found).values_list("asset_id", flat=True))
    return [asset for asset in found if asset.pk not in given and needed(asset)]


def give_all(assets: Iterable[Asset], by: User, words: str) -> None:
    """The same for files that somebody names with a command instead of a tick."""
    for asset in assets:
        if needed(asset):
            edit_queue.consent(asset, by, words)
