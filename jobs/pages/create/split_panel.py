"""A speech that is too long for one video, as several videos that hold all of it."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.orders import trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft_fields import FileField
from jobs.pages.create.second_price import SecondPrice
from studio.common.formats import seconds as length
from studio.models.asset import Asset


@dataclass(frozen=True, slots=True)
class VideoPart:
    """One video of them: `seconds` of it, its `micros` and its `price` ("" without one)."""

    trim: Trim
    seconds: float
    micros: int
    price: str

    @property
    def length(self) -> str:
        return length(self.seconds)


@dataclass(frozen=True, slots=True)
class SplitPanel:
    """Two videos or more. `total` is the price of all of them, "" without one."""

    videos: list[VideoPart]
    micros: int
    total: str

    @property
    def trims(self) -> list[Trim]:
        return [video.trim for video in self.videos]


def split_panel(asset: Asset, kept: Trim, file: FileField, price: SecondPrice) -> SplitPanel | None:
    """None where one video can hold all that is kept of the sound."""
    videos = []
    for part in trim.split(asset, kept, file.limits):
        micros = price.micros(part.milliseconds)
        videos.append(VideoPart(part, part.milliseconds / 1000, micros, price.format(micros)))
    if not videos:
        return None
    micros = sum(video.micros for video in videos)
    return SplitPanel(videos, micros, price.format(micros))
