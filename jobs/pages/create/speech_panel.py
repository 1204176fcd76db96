"""What a create page says of a speech: its drawing, what is kept of it and for how much, silence to
leave out, and it as several videos."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.orders import trim
from jobs.orders.heard import NO_VOICE, OPPOSITE, QUIET_DB, SILENT, doubts, is_silent
from jobs.orders.trim import Trim
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import FROM, OF, SET, TO, FileField
from jobs.pages.create.second_price import SecondPrice, second_price
from jobs.pages.create.silence_panel import SilencePanel, silence_panel
from jobs.pages.create.split_panel import SplitPanel, split_panel
from jobs.pages.create.trim_bar import TrimBar
from studio.common import formats
from studio.common.translatable import translated
from studio.models.asset import Asset

LOUD_DB = -9.0  # loudness above which a speech is very loud


@dataclass(frozen=True, slots=True)
class SpeechPanel:
    """A chosen sound on the page. `errors`: what was typed and is no time. `too_long` says that not
    all of it fits into one video, "" when it does; then `split` has it as several. `doubts`: why a
    video of it may not be worth its price, said at the button as well."""

    file: FileField
    trim: Trim
    price_per_second: SecondPrice
    bar: TrimBar
    silence: SilencePanel
    split: SplitPanel | None
    errors: list[str]
    too_long: str
    loudness: str
    clipped: str
    doubts: list[str]

    # The names of the form's fields.

    @property
    def of_name(self) -> str:
        return OF + self.file.name

    @property
    def from_name(self) -> str:
        return FROM + self.file.name

    @property
    def to_name(self) -> str:
        return TO + self.file.name

    @property
    def set_name(self) -> str:
        return SET + self.file.name

    @property
    def price(self) -> str:
        """Of the kept part; "" without a price."""
        return self.price_per_second.format(self.price_per_second.micros(self.trim.milliseconds))


def speech_panel(draft: Draft, file: FileField, region: str) -> SpeechPanel | None:
    """None while no sound is chosen. `region` is where the account lives."""
    asset, kept = draft.asset(file.name), draft.trims.get(file.name)
    if asset is None or kept is None:
        return None
    price = second_price(draft, file, region)
    silence = silence_panel(asset, kept, file, price)
    problems = draft.problems
    return SpeechPanel(
        file,
        kept,
        price,
        TrimBar(kept, file.limits),
        silence,
        split_panel(asset, kept, file, price),
        errors=[*problems.get(FROM + file.name, []), *problems.get(TO + file.name, [])],
        too_long=_too_long(draft, file, kept),
        loudness=_loudness(asset),
        clipped=_clipped(asset),
        doubts=[
            translated(doubt.sentence)
            for doubt in doubts(asset)
            if doubt.code in (OPPOSITE, NO_VOICE, SILENT)
        ],
    )


def _too_long(draft: Draft, file: FileField, kept: Trim) -> str:
    most = trim.longest(file.limits, kept.whole)
    if file.limits.max_seconds is None or most >= kept.whole:
        return ""
    takes = (
        _("%(model)s takes less than %(most)s s.")
        if file.limits.open_seconds
        else _("%(model)s takes %(most)s s.")
    )
    length_kept = (
        _("The first %(n)s s are kept.") if kept.parts == ((0, most),) else _("%(n)s s are kept.")
    )
    return " ".join(
        (
            _("It lasts %(n)s s;") % {"n": formats.figure(kept.whole / 1000)},
            takes % {"model": translated(draft.spec.label), "most": f"{file.limits.max_seconds:g}"},
            length_kept % {"n": f"{trim.tenths(kept.milliseconds):g}"},
        )
    )


def _loudness(asset: Asset) -> str:
    """How loud it is in words; "" when it was not measured."""
    sound = asset.sound
    if not sound:
        return ""
    if is_silent(asset):
        return _("Nothing can be heard in it.")
    db = sound["loudness_db"]
    level = _("%(n)s dB below full scale") % {"n": f"{-db:.0f}"}
    if db < QUIET_DB:
        return _("Quiet, %(level)s. Record closer to the microphone.") % {"level": level}
    if db > LOUD_DB:
        return _("Very loud, %(level)s.") % {"level": level}
    return _("Good, %(level)s.") % {"level": level}


def _clipped(asset: Asset) -> str:
    return (
        _("Clipped: its loudest peaks are cut off and sound harsh. Record it with less gain.")
        if asset.sound.get("clipped")
        else ""
    )
