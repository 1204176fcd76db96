"""A team's named choices of a model, such as “Front desk: 3:4, calm”: kept, listed and taken up on
the create page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.models import Preset
from jobs.pages.create.draft import Draft
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import phrase, translated
from studio.models.people import Membership, Team, User
from studio.teams.permissions import Permission, allows

MOST = 50  # presets of a team


@dataclass(frozen=True, slots=True)
class Line:
    """A preset in the list of a create page: its choices in words, and the page with them;
    `delete_url` for whoever may."""

    name: str
    words: str
    url: str
    current: bool
    delete_url: str


def keep(team: Team, by: User, spec: entries.Model, chosen: dict[str, Any], name: str) -> Preset:
    """The preset of these choices. Refused without a name, for a name that the model has already,
    and beyond MOST."""
    name = " ".join(name.replace("\x00", " ").split())[:60]
    if not name:
        raise Refused(phrase("Give the preset a name, such as “Front desk”."))
    own = {p.name: chosen.get(p.name, p.default) for p in spec.choices()}
    try:
        with transaction.atomic():
            # One at a time, or two clicks at once would both be the last.
            Team.objects.select_for_update(no_key=True).get(pk=team.pk)
            if team.presets.count() >= MOST:
                raise Refused(
                    phrase(
                        "The team has %(n)s presets, which is the most. Delete one first.", n=MOST
                    )
                )
            made: Preset = team.presets.create(owner=by, model=spec.name, name=name, chosen=own)
            record(Event.PRESET_SAVED, team=team, by=by, about=name, after={"model": spec.name})
            return made
    except IntegrityError:
        taken = phrase(
            "%(model)s has a preset “%(name)s” already. Choose another name, or delete that one "
            "first.",
            model=spec.label,
            name=name,
        )
        raise Refused(taken) from None


def delete(preset: Preset, by: User) -> None:
    """Videos that were made with it stay as they are."""
    with transaction.atomic():
        record(
            Event.PRESET_DELETED,
            team=preset.team,
            by=by,
            person=preset.owner,
            about=preset.name,
            before={"model": preset.model},
        )
        preset.delete()


def choices_of(preset: Preset, spec: entries.Model) -> dict[str, Any]:
    """The choices as `spec` knows them now; what it no longer offers falls back to its default."""
    known = {
        p.name: preset.chosen.get(p.name)
        for p in spec.choices()
        if preset.chosen.get(p.name) in p.values
    }
    return entries.clean_choices(spec, known)


def may_delete(preset: Preset, membership: Membership) -> bool:
    """Its maker, and whoever runs the team."""
    own = bool(preset.owner_id == membership.user_id)
    return own or allows(membership.role, Permission.MANAGE_JOBS)


def lines(draft: Draft, page_url: str, membership: Membership) -> list[Line]:
    """The team's presets of the draft's model; each leads to the same draft with its choices."""
    found = []
    for preset in draft.team.presets.filter(model=draft.spec.name):
        chosen = choices_of(preset, draft.spec)
        delete = (
            reverse("jobs:preset_delete", args=[draft.team.slug, preset.public_id])
            if may_delete(preset, membership)
            else ""
        )
        url = f"{page_url}?{replace(draft, chosen=chosen).query}"
        found.append(
            Line(preset.name, _words(draft.spec, chosen), url, chosen == draft.chosen, delete)
        )
    return found


def _words(spec: entries.Model, chosen: dict[str, Any]) -> str:
    return ", ".join(
        translated(label)
        for p in spec.choices()
        for value, label, _help in p.words
        if chosen[p.name] == value
    )
