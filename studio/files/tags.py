"""Tags: given to files, taken from them, and found by."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from studio.common.sentence_error import SentenceError
from studio.common.translatable import phrase, plural_phrase
from studio.models import Asset, FileTag, Team

LONGEST = 40  # characters
OF_A_FILE = 20
OF_A_TEAM = 500
SHOWN = 60  # beside the library's filters; the others are unfolded


class TagRefused(SentenceError):
    """Nothing was changed; `sentence` says why and what to do."""


def clean(text: str) -> str:
    """The tag that somebody typed. TagRefused for none, and for one that is too long."""
    name = " ".join(unicodedata.normalize("NFC", text).replace("\x00", " ").split())
    if not name:
        raise TagRefused(phrase("Type a tag, such as “front desk”."))
    if len(name) > LONGEST:
        raise TagRefused(
            phrase("A tag has at most %(n)s characters. Choose a shorter one.", n=LONGEST)
        )
    return name


def key_of(name: str) -> str:
    """What makes two tags the same."""
    return name.casefold()[:80]


def give(team: Team, files: Sequence[Asset], text: str) -> tuple[FileTag, int]:
    """The tag `text`, which all of `files` have now, and how many of them had it not. TagRefused
    beyond OF_A_FILE and OF_A_TEAM."""
    name = clean(text)
    with transaction.atomic():
        _one_at_a_time(team)
        tag = known(team, name)
        if tag is None and team.file_tags.count() >= OF_A_TEAM:
            raise TagRefused(
                phrase(
                    "The team has %(n)s tags, which is the most. Use one that is there, or take "
                    "one from all of its files first.",
                    n=OF_A_TEAM,
                )
            )
        tag = tag or FileTag.objects.create(team=team, name=name, key=key_of(name))
        # What went into the trash meanwhile is left out.
        here = team.assets.filter(pk__in=[one.pk for one in files])
        keys = set(here.exclude(tags=tag).values_list("pk", flat=True))
        _require_room(team, keys)
        tag.assets.add(*keys)
        _forget_unused(team, [tag.pk])
    return tag, len(keys)


def take(team: Team, file: Asset, public_id: str) -> FileTag | None:
    """The tag that `file` has no more; None when it had it not."""
    with transaction.atomic():
        _one_at_a_time(team)
        tag = file.tags.filter(public_id=public_id).first()
        if tag is not None:
            tag.assets.remove(file)
            _forget_unused(team, [tag.pk])
    return tag


def take_from(team: Team, files: Sequence[Asset], text: str) -> tuple[FileTag | None, int]:
    """The tag `text`, which none of `files` has any more, and how many of them had it; None for a
    word that is no tag of `team`. TagRefused for what cannot be one."""
    name = clean(text)
    with transaction.atomic():
        _one_at_a_time(team)
        tag = known(team, name)
        if tag is None:
            return None, 0
        had = FileTag.assets.through.objects.filter(filetag=tag)
        number, _each = had.filter(asset__in=[one.pk for one in files]).delete()
        _forget_unused(team, [tag.pk])
    return tag, number


def known(team: Team, text: str) -> FileTag | None:
    """The tag of `team` that is written like `text`."""
    found: FileTag | None = team.file_tags.filter(key=key_of(text)).first()
    return found


def tagged(files: QuerySet[Asset], tag: FileTag) -> QuerySet[Asset]:
    """Those of `files`, which are few, that have the tag."""
    have = FileTag.assets.through.objects.filter(filetag=tag, asset=OuterRef("pk"))
    return files.filter(Exists(have))


def rows(tag: FileTag, files: QuerySet[Asset]) -> QuerySet[models.Model]:
    """That the tag is on each of `files`, to be put in order by `asset`: read from the tag, so that
    a page costs the same however many files have it, or have it not."""
    among = files.order_by().filter(pk=OuterRef("asset"))
    return FileTag.assets.through.objects.filter(Exists(among), filetag=tag)


def forget_unused(teams: set[int]) -> None:
    """After files were erased. In a transaction, under the lock of each team."""
    FileTag.objects.filter(team__in=teams, assets=None).delete()


def _one_at_a_time(team: Team) -> None:
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)


def _require_room(team: Team, keys: set[int]) -> None:
    numbered = team.assets.filter(pk__in=keys).annotate(number=Count("tags"))
    full = list(
        numbered.filter(number__gte=OF_A_FILE).order_by("pk").values_list("name", flat=True)
    )
    if full:
        raise TagRefused(
            plural_phrase(
                "“%(name)s” has %(most)s tags, which is the most of a file. Take one from it "
                "first.",
                "“%(name)s” and others (%(n)s) have %(most)s tags, which is the most of a file. "
                "Take one from each first.",
                len(full),
                name=full[0],
                most=OF_A_FILE,
            )
        )


def _forget_unused(team: Team, tags: list[int]) -> None:
    """A tag of no file goes; what lies in the trash keeps its own."""
    team.file_tags.filter(pk__in=tags, assets=None).delete()
