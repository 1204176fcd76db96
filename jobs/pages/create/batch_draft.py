"""The form of many at once: the pictures, the speeches, the choices and the cells that were taken
out. It stands in the address; nothing is stored before the click."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from jobs.accounts import choice
from jobs.catalogue import entries
from jobs.engine import checks
from jobs.models import Account, Check
from jobs.orders import trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft_fields import form_value
from studio.common.translatable import translated
from studio.models import Asset, Team, User

SIDE = 20  # pictures, and speeches
SEPARATOR = "."  # between the ids of the files that one tick is for


@dataclass(slots=True)
class BatchDraft:
    """What an address or a form asks for, for `user` in `team`; `spec` is a model that makes videos
    of a picture and a speech.

    `too_many`: more than SIDE of a kind were chosen. `left_out`: names of the cells that are not to
    be made. `consented`: ids of the files whose consent is ticked.
    """

    team: Team
    user: User
    spec: entries.Model
    account: Account | None
    key: str
    title: str
    chosen: dict[str, Any]
    pictures: list[Asset]
    speeches: list[Asset]
    too_many: bool
    left_out: set[str]
    consented: set[str]

    @property
    def picture_input(self) -> entries.Input:
        return self.spec.inputs_of("image")[0]

    @property
    def speech_input(self) -> entries.Input:
        return self.spec.input(self.spec.length_of)

    @property
    def region(self) -> str:
        """Where the account lives, which may decide a price; "" without one."""
        return self.account.region if self.account is not None else ""

    def trim_of(self, speech: Asset) -> Trim | None:
        """What of a speech goes into a video: as much as the model takes."""
        limits = self.speech_input.limits
        return trim.read("", speech, limits) if limits is not None else None

    def milliseconds(self, speech: Asset) -> int:
        """Length of a video of this speech."""
        kept = self.trim_of(speech)
        return kept.milliseconds if kept is not None else speech.milliseconds

    def problem(self, asset: Asset) -> str:
        """Why no video can be made of this file; "" for one that fits."""
        spoken = asset.kind == Asset.Kind.AUDIO
        limits = (self.speech_input if spoken else self.picture_input).limits
        if limits is None:
            return ""
        kept = self.trim_of(asset) if spoken else None
        facts = trim.facts_of(asset, kept, limits) if kept is not None else asset.facts
        problems = limits.problems(facts)
        return translated(problems[0].sentence) if problems else ""

    def known_check(self, picture: Asset) -> Check | None:
        """The check of this picture with these choices; None when it was never asked."""
        if not self.spec.check:
            return None
        return checks.known(asset=picture, model=self.spec.check, chosen=self.chosen)


def batch_draft(team: Team, user: User, spec: entries.Model, data: QueryDict) -> BatchDraft:
    """What `data` holds; what is not the team's or not known is left out."""
    given = {
        p.name: value
        for p in spec.choices()
        for value in p.values
        if form_value(value) == data.get(p.name)
    }
    # A box that is not ticked is not sent, so the form tells besides which ones were there.
    seen = {name for names in data.getlist("seen") for name in names.split()}
    return BatchDraft(
        team,
        user,
        spec,
        choice.account_for(team, user, spec.name),
        key=data.get("key", "")[:40] or uuid.uuid4().hex,
        title=" ".join(data.get("title", "").replace("\x00", " ").split())[:200],
        chosen=entries.clean_choices(spec, given),
        pictures=_files(team, "image", data.getlist("picture")),
        speeches=_files(team, "audio", data.getlist("speech")),
        too_many=any(len(set(data.getlist(name))) > SIDE for name in ("picture", "speech")),
        left_out=set(data.getlist("off")) | (seen - set(data.getlist("cell"))),
        consented={one for ids in data.getlist("consent") for one in ids.split(SEPARATOR)},
    )


def _files(team: Team, kind: str, ids: list[str]) -> list[Asset]:
    # PostgreSQL refuses to be asked for a NUL.
    named = [one for one in dict.fromkeys(ids[:SIDE]) if "\x00" not in one]
    assets = team.assets.filter(kind=kind, public_id__in=named).select_related("parent")
    found = {asset.public_id: asset for asset in assets}
    return [found[one] for one in named if one in found]
