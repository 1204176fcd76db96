"""What the library is narrowed by beside kind and name: a tag, and a collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from django.db.models import QuerySet
from django.http import Http404

from studio.files import collections, tags
from studio.models import Asset, Collection, FileTag, Team
from studio.teams.access import TeamRequest


class Address(Protocol):
    """The library as it is shown, with other words in the address."""

    def __call__(self, **words: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A tag or collection beside the filters; pressed again, it narrows no more."""

    one: FileTag | Collection
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Narrowed:
    """By a tag, `asked` in somebody's words ("" for none), which the team may not have; and by a
    collection. `few`: the files are few without them too."""

    asked: str
    tag: FileTag | None
    collection: Collection | None
    few: bool = False

    @classmethod
    def of(cls, request: TeamRequest, asked: str, *, few: bool) -> Narrowed:
        """404 for a collection that the person does not see."""
        tag = tags.known(request.team, asked) if asked else None
        name = request.GET.get("collection", "")
        if not name:
            return cls(asked, tag, None, few)
        seen = collections.seen_by(request.team, request.user.pk).select_related("owner")
        collection = seen.filter(public_id=name).first() if name.isalnum() else None
        if collection is None:
            raise Http404("There is no such collection.")
        return cls(asked, tag, collection, few)

    @property
    def words(self) -> dict[str, str]:
        """As the address has them."""
        chosen = self.collection.public_id if self.collection is not None else ""
        return {"tag": self.tag.name if self.tag is not None else self.asked, "collection": chosen}

    def page(
        self, files: QuerySet[Asset], number: int, *, before: int | None, after: int | None
    ) -> list[Asset]:
        """At most `number` of `files`, the newest first, of those made before the file with one
        primary key; or the oldest first, of those made after another."""
        if self.asked and self.tag is None:
            return []
        if self.collection is not None:
            files = collections.inside(files, self.collection)
        if self.tag is not None and (self.few or self.collection is not None):
            files = tags.tagged(files, self.tag)
        elif self.tag is not None:
            rows = tags.rows(self.tag, files)
            if after is not None:
                rows = rows.filter(asset__gt=after).order_by("asset_id")
            else:
                rows = rows if before is None else rows.filter(asset__lt=before)
                rows = rows.order_by("-asset_id")
            files = files.filter(pk__in=list(rows.values_list("asset", flat=True)[:number]))
        if after is not None:
            return list(files.filter(pk__gt=after).order_by("pk")[:number])
        files = files if before is None else files.filter(pk__lt=before)
        return list(files.order_by("-pk")[:number])

    def context(self, request: TeamRequest, address: Address) -> dict[str, object]:
        """What parts/narrowed.html and the page draw; `address` keeps what else was chosen."""
        words = self.words
        known = known_tags(request.team)
        chosen = [
            Choice(
                one,
                address(**words | {"tag": "" if one == self.tag else one.name}),
                one == self.tag,
            )
            for one in known
        ]
        mine = collections.seen_by(request.team, request.user.pk)[: collections.SHOWN]
        first = chosen[: tags.SHOWN]
        first += [one for one in chosen[tags.SHOWN :] if one.current]
        return {
            "tag": words["tag"],
            "tags": first,
            "more_tags": [one for one in chosen[tags.SHOWN :] if not one.current],
            "known_tags": known,
            "collection": self.collection,
            "collections": [
                Choice(
                    one,
                    address(
                        **words | {"collection": "" if one == self.collection else one.public_id}
                    ),
                    one == self.collection,
                )
                for one in mine
            ],
            "may_change_collection": self.collection is not None
            and collections.may_change(self.collection, request.membership),
        }


def known_tags(team: Team) -> list[FileTag]:
    """Those of a team, by the alphabet."""
    return list(team.file_tags.all()[: tags.OF_A_TEAM])
