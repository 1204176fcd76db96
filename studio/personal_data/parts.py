"""What another package adds to what is known of a person: `settings.PERSONAL_DATA` names what
has the three functions of `Knows`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from django.conf import settings
from django.utils.module_loading import import_string

from studio.common.translatable import Sentence
from studio.models import Team, User

Row: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Section:
    """One file of the export: a list of rows, asked for a portion at a time."""

    name: str  # of the file, without its ending
    portions: Iterator[list[Row]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one kind of thing, for the report."""

    sentence: Sentence
    stays: bool  # with its reason in the sentence; else it is gone


class Knows(Protocol):
    def sections(self, person: User) -> list[Section]: ...

    def erase(self, person: User, names: list[str], pseudonym: str) -> list[Outcome]:
        """Inside the transaction of the erasure: put `pseudonym` in the place of `names`."""
        ...

    def close(self, team: Team) -> list[Outcome]:
        """Inside the same transaction: nobody is left in `team`."""
        ...


def others() -> Knows:
    found: Knows = import_string(settings.PERSONAL_DATA)
    return found
