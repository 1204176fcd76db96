"""What becomes of somebody's files and videos in a team when they go."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from studio.common.translatable import Sentence, plural_phrase
from studio.files import eraser
from studio.models import Asset, Deletion, Edit, Team, User, usage
from studio.teams.belongings import Fate, Kind


def _of(team: Team, person: User, results: bool) -> QuerySet[Asset]:
    mine = team.assets.filter(owner=person)
    made = Asset.Origin.RESULT
    return mine.filter(origin=made) if results else mine.exclude(origin=made)


def _count(team: Team, person: User, *, results: bool) -> int:
    return _of(team, person, results).count()


def _settle(
    team: Team, person: User, fate: Fate, heir: User | None, by: User, *, results: bool
) -> list[Sentence]:
    told = []
    if fate == Fate.ERASE:
        mine = list(_of(team, person, results).select_related("team"))
        if erased := eraser.erase(mine, by, Deletion.Reason.LEAVING):
            told.append(_erased(erased, results=results))
    if not results:  # videos being made over become files
        team.edits.filter(owner=person).exclude(
            state__in=(Edit.State.DONE, Edit.State.FAILED)
        ).update(owner=heir if fate == Fate.TRANSFER else None)
    given = _give(_of(team, person, results), person, heir if fate == Fate.TRANSFER else None)
    if not given:
        return told
    if fate == Fate.ERASE:
        told.append(
            plural_phrase(
                "%(n)s file is kept in nobody’s name, since jobs that are not over need it.",
                "%(n)s files are kept in nobody’s name, since jobs that are not over need them.",
                given,
            )
        )
    elif fate == Fate.TRANSFER and heir is not None:
        told.append(
            plural_phrase(
                "%(n)s file is %(person)s’s now.",
                "%(n)s files are %(person)s’s now.",
                given,
                person=heir.short_name,
            )
        )
    else:
        told.append(
            plural_phrase(
                "%(n)s file stays with the team.", "%(n)s files stay with the team.", given
            )
        )
    return told


def _erased(number: int, *, results: bool) -> Sentence:
    if results:
        return plural_phrase(
            "%(n)s video is erased; what it cost stays in the ledger.",
            "%(n)s videos are erased; what they cost stays in the ledger.",
            number,
        )
    return plural_phrase("%(n)s file is erased.", "%(n)s files are erased.", number)


def _give(assets: QuerySet[Asset], person: User, heir: User | None) -> int:
    """Write another owner, or none, and move what they take of each one's storage; returns how
    many files that were."""
    with transaction.atomic():
        keys = list(assets.select_for_update().order_by("pk").values_list("pk", flat=True))
        rows = Asset.objects.filter(pk__in=keys)
        sums = rows.aggregate(size=Sum("size"), n=Count("pk"))
        if not keys:
            return 0
        rows.update(owner=heir)
        usage.move(person, heir, sums["size"] or 0, sums["n"])
    return len(keys)


FILES = Kind(
    key="files",
    label=_("Files"),
    fates=(Fate.KEEP, Fate.TRANSFER, Fate.ERASE),
    count=partial(_count, results=False),
    settle=partial(_settle, results=False),
)
VIDEOS = Kind(
    key="videos",
    label=_("Videos"),
    fates=(Fate.KEEP, Fate.TRANSFER, Fate.ERASE),
    count=partial(_count, results=True),
    settle=partial(_settle, results=True),
)
