"""What somebody has in a team, and what is to become of it when they go. The kinds are named in
`settings.BELONGINGS`, since some are of jobs, which nothing here may import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import models, transaction
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import Sentence
from studio.models import Team, User


class Fate(models.TextChoices):
    TRANSFER = "transfer", _("hand over")
    KEEP = "keep", _("keep for the team, in nobody’s name")
    ERASE = "erase", _("erase for ever")
    CANCEL = "cancel", _("cancel; nothing is paid")
    GO_ON = "go_on", _("let them go on, for the team")


@dataclass(frozen=True)
class Kind:
    """One kind of what a person has in a team.

    `count` is how many. `settle(team, person, fate, heir, by)` does what was chosen (`heir` is
    given when it is TRANSFER) and returns sentences for people of what became of them. It runs
    after the person has left, may run twice, and leaves alone what came later.
    """

    key: str
    label: str | Promise
    fates: tuple[Fate, ...]  # the usual one first
    count: Callable[[Team, User], int]
    settle: Callable[[Team, User, Fate, User | None, User], list[Sentence]]


def kinds() -> list[Kind]:
    return [import_string(name) for name in settings.BELONGINGS]


def held_by(team: Team, person: User) -> list[tuple[Kind, int]]:
    """The kinds of which `person` has any in `team`, with how many."""
    counted = [(kind, kind.count(team, person)) for kind in kinds()]
    return [(kind, number) for kind, number in counted if number]


def settle(
    team: Team, person: User, fates: Mapping[str, Fate], heir: User | None, by: User
) -> list[Sentence]:
    """Do with everything of `person` in `team` what was chosen; a kind of which nothing was chosen
    is left to the team. Returns the report, a sentence for each thing to tell."""
    told: list[Sentence] = []
    for kind in kinds():
        fate = fates.get(kind.key, kind.fates[0])
        told += kind.settle(team, person, fate, heir, by)
    if told:
        with transaction.atomic():
            after = {kind: fate.value for kind, fate in fates.items()} | {
                "became_of_person": " ".join(told)
            }
            if heir is not None:
                after["new_owner"] = heir.email
            record(Event.WORK_MOVED, team=team, by=by, person=person, after=after)
    return told
