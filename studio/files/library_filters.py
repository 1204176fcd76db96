"""What the library is narrowed by beside kind and name: a tag, and a collection."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404

from studio.files import collections, tags
from studio.models import Asset, Collection, FileTag
from studio.teams.access import TeamRequest


@dataclass(frozen=True, slots=True)
class Narrowed:
    """By a tag ("" for none) and by a collection."""

    tag: str
    collection: Collection | None

    @classmethod
    def of(cls, request: TeamRequest, tag: str) -> Narrowed:
        """404 for a collection that the person does not see."""
        asked = request.GET.get("collection", "")
        if not asked:
            return cls(tag, None)
        seen = collections.seen_by(request.team, request.user.pk)
        found = seen.filter(public_id=asked).first() if asked.isalnum() else None
        if found is None:
            raise Http404("There is no such collection.")
        return cls(tag, found)

    @property
    def words(self) -> dict[str, str]:
        """As the address has them."""
        chosen = self.collection.public_id if self.collection is not None else ""
        return {"tag": self.tag, "collection": chosen}

    def apply(self, files: QuerySet[Asset], request: TeamRequest) -> QuerySet[Asset]:
        if self.tag:
            files = tags.tagged(files, request.team, self.tag)
        if self.collection is not None:
            files = collections.inside(files, self.collection)
        return files

    def context(self, request: TeamRequest) -> dict[str, object]:
        """What parts/narrowed.html and the page draw: tags and collections, each with whether it is
        the current one."""
        known: list[FileTag] = list(request.team.file_tags.all()[: tags.SHOWN])
        mine = collections.seen_by(request.team, request.user.pk)[: collections.SHOWN]
        return {
            "tag": self.tag,
            "tags": [(one, one.key == tags.key_of(self.tag)) for one in known],
            "collection": self.collection,
            "collections": [(one, one == self.collection) for one in mine],
            "may_change_collection": self.collection is not None
            and collections.may_change(self.collection, request.membership),
        }
