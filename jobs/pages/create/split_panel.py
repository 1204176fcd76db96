"""A speech that is too long for one film, as several films that hold all of it."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.orders import trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft_fields import FileField
from jobs.pages.create.second_price import SecondPrice
from studio.common.formats import seconds as length
from studio.models.asset import Asset


@dataclass(frozen=True, slots=True)
class FilmPart:
    """One film of them: `seconds` of it, its `micros` and its `price` ("" without one)."""

    trim: Trim
    seconds: float
    micros: int
    price: str

    @property
    def length(self) -> str:
        return length(self.seconds)


@dataclass(frozen=True, slots=True)
class SplitPanel:
    """Two films or more. `total` is the price of all of them, "" without one."""

    films: list[FilmPart]
    micros: int
    total: str

    @property
    def trims(self) -> list[Trim]:
        return [film.trim for film in self.films]


def split_panel(asset: Asset, kept: Trim, file: FileField, price: SecondPrice) -> SplitPanel | None:
    """None where one film can hold all that is kept of the sound."""
    films = []
    for part in trim.split(asset, kept, file.limits):
        micros = price.micros(part.milliseconds)
        films.append(FilmPart(part, part.milliseconds / 1000, micros, price.format(micros)))
    if not films:
        return None
    micros = sum(film.micros for film in films)
    return SplitPanel(films, micros, price.format(micros))
