"""Collections: made, filled, named otherwise, shown to the team, and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.sentence_error import SentenceError
from studio.common.translatable import phrase
from studio.models import Asset, Collection, Membership, Team
from studio.teams import members
from studio.teams.permissions import Permission, allows

MOST = 100  # of a person in a team
FILES = 2000  # of a collection
SHOWN = 100  # beside the library's filters


class CollectionRefused(SentenceError):
    """Nothing was changed; `sentence` says why and what to do."""


def seen_by(team: Team, person: int) -> QuerySet[Collection]:
    """The collections of `team` that the person with this id made, and those for everybody."""
    return team.collections.filter(Q(owner=person) | Q(whole_team=True))


def may_change(collection: Collection, membership: Membership) -> bool:
    """Name, level and end of it: its owner, and of one for everybody who decides about other
    people's things. What is in one for everybody is changed by all who may make videos."""
    if collection.owner_id == membership.user_id:
        return True
    decides = allows(membership.role, Permission.MANAGE_JOBS, membership.team)
    return collection.whole_team and decides


def make(membership: Membership, name: str, *, whole_team: bool) -> Collection:
    """An empty one. CollectionRefused without a name, for one that they have, and beyond MOST."""
    name = _clean(name)
    try:
        with transaction.atomic():
            # One at a time, or two clicks at once would both be the last.
            if not members.is_still_member(membership):
                raise CollectionRefused(phrase("You are no member of this team any more."))
            mine = membership.team.collections.filter(owner=membership.user)
            if mine.count() >= MOST:
                raise CollectionRefused(
                    phrase("You have %(n)s collections, which is the most. Delete one.", n=MOST)
                )
            made: Collection = mine.create(
                team=membership.team, owner=membership.user, name=name, whole_team=whole_team
            )
            if whole_team:
                _tell(Event.COLLECTION_SHOWN, made, membership)
            return made
    except IntegrityError:
        raise _taken(name) from None


def rename(collection: Collection, membership: Membership, name: str) -> None:
    """CollectionRefused without a name, and for one that its owner has already."""
    name = _clean(name)
    try:
        with transaction.atomic():
            rows = Collection.objects.filter(pk=collection.pk)
            if rows.update(name=name) and collection.whole_team:
                before = {"name": collection.name}
                _tell(Event.COLLECTION_RENAMED, collection, membership, name, before)
    except IntegrityError:
        raise _taken(name) from None


def show(collection: Collection, membership: Membership, *, whole_team: bool) -> None:
    """To everybody in the team, or to its owner alone."""
    with transaction.atomic():
        rows = Collection.objects.filter(pk=collection.pk).exclude(whole_team=whole_team)
        if rows.update(whole_team=whole_team):
            event = Event.COLLECTION_SHOWN if whole_team else Event.COLLECTION_HIDDEN
            _tell(event, collection, membership)


def delete(collection: Collection, membership: Membership) -> None:
    """Its files stay in the library."""
    with transaction.atomic():
        deleted, _each = Collection.objects.filter(pk=collection.pk).delete()
        if deleted and collection.whole_team:
            _tell(Event.COLLECTION_DELETED, collection, membership)


def put(collection: Collection, files: Sequence[Asset]) -> int:
    """How many of `files` are new in it. CollectionRefused beyond FILES, and when it was deleted
    meanwhile."""
    with transaction.atomic():
        rows = Collection.objects.select_for_update(no_key=True).filter(pk=collection.pk)
        if rows.first() is None:
            raise CollectionRefused(
                phrase(
                    "The collection “%(name)s” was deleted meanwhile. Put the files into another "
                    "one.",
                    name=collection.name,
                )
            )
        here = collection.team.assets.filter(pk__in=[one.pk for one in files])
        keys = set(here.exclude(collections=collection).values_list("pk", flat=True))
        held = Collection.assets.through.objects.filter(collection=collection).count()
        if held + len(keys) > FILES:
            raise CollectionRefused(
                phrase(
                    "A collection holds at most %(most)s files, and “%(name)s” has %(n)s. Make "
                    "another one for these.",
                    most=FILES,
                    name=collection.name,
                    n=held,
                )
            )
        collection.assets.add(*keys)
    return len(keys)


def take(collection: Collection, files: Sequence[Asset]) -> int:
    """How many of `files` are in it no more."""
    through = Collection.assets.through.objects.filter(collection=collection)
    number, _each = through.filter(asset__in=[one.pk for one in files]).delete()
    return number


def inside(files: QuerySet[Asset], collection: Collection) -> QuerySet[Asset]:
    """Those of `files` that are in it."""
    held = Collection.assets.through.objects.filter(collection=collection)
    return files.filter(pk__in=held.values("asset"))


def _tell(
    event: Event,
    collection: Collection,
    membership: Membership,
    name: str = "",
    before: Mapping[str, object] | None = None,
) -> None:
    record(
        event,
        team=membership.team,
        by=membership.user,
        person=collection.owner,
        about=name or collection.name,
        before=before,
    )


def _clean(name: str) -> str:
    name = " ".join(name.replace("\x00", " ").split())[:60]
    if not name:
        raise CollectionRefused(phrase("Give the collection a name, such as “Spring campaign”."))
    return name


def _taken(name: str) -> CollectionRefused:
    return CollectionRefused(
        phrase("There is a collection “%(name)s” already. Choose another name.", name=name)
    )
