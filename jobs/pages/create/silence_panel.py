"""Silence in a speech that can be left out: at its ends, and in long pauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.orders import trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft_fields import FileField
from jobs.pages.create.second_price import SecondPrice
from studio.common import formats
from studio.common.formats import clock_time
from studio.models.asset import Asset

EDGE = 300  # milliseconds of silence at an end that are worth mentioning
PAUSE = 1000  # a pause longer than this may be shortened
BREATH = 300  # to this
PAUSES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class SilenceOffer:
    """Silence that can be left out: what it is, the button with what the video costs less, and the
    parts kept then, as the form holds them."""

    sentence: str
    label: str
    parts: str


@dataclass(frozen=True, slots=True)
class SilencePanel:
    """`pauses`: (start, end) of each silence in milliseconds."""

    pauses: list[tuple[int, int]]
    offers: list[SilenceOffer]

    @property
    def as_text(self) -> str:
        """The silences for the page's script, written as kept parts are."""
        return ".".join(f"{start}-{stop}" for start, stop in self.pauses)


@dataclass(frozen=True, slots=True)
class _Cut:
    """From `start` to `stop` in milliseconds, with its sentence and the label of its button."""

    start: int
    stop: int
    sentence: str
    label: str


def silence_panel(asset: Asset, kept: Trim, file: FileField, price: SecondPrice) -> SilencePanel:
    """What can be left out of `kept`, each by itself, and the lot when there is more than one."""
    pauses = trim.pauses_of(asset)
    least = trim.least(file.limits, kept.whole)

    def offer(sentence: str, label: str, after: Trim) -> SilenceOffer:
        after = trim.read(after.form_value, asset, file.limits)
        less = price.micros(after.milliseconds) - price.micros(kept.milliseconds)
        label = f"{label}: {price.format(less)}" if price.price is not None else label
        return SilenceOffer(sentence, label, after.form_value)

    edges, inside = list(_edges(kept, pauses)), list(_long_pauses(kept, pauses))
    offers = []
    for cut in [*edges, *inside[:PAUSES_SHOWN]]:
        after = kept.without(cut.start, cut.stop)
        if after.milliseconds >= least:
            offers.append(offer(cut.sentence, cut.label, after))
    rest = kept
    for cut in [*edges, *inside]:
        rest = rest.without(cut.start, cut.stop)
    if len(edges) + len(inside) > 1 and rest.milliseconds >= least:
        gone = trim.tenths(kept.milliseconds - rest.milliseconds)
        sentence = _("%(n)s s of silence altogether.") % {"n": formats.figure(gone)}
        offers.append(offer(sentence, _("Leave all of it out"), rest))
    return SilencePanel(pauses, offers)


def _edges(kept: Trim, pauses: list[tuple[int, int]]) -> Iterator[_Cut]:
    start, stop = kept.start, kept.stop
    for first, last in pauses:
        if first <= start < last < stop and last - start >= EDGE:
            sentence = _("%(n)s s of silence at the start.") % {
                "n": formats.figure(trim.tenths(last - start))
            }
            yield _Cut(start, last, sentence, _("Leave it out"))
        elif start < first < stop <= last and stop - first >= EDGE:
            sentence = _("%(n)s s of silence at the end.") % {
                "n": formats.figure(trim.tenths(stop - first))
            }
            yield _Cut(first, stop, sentence, _("Leave it out"))


def _long_pauses(kept: Trim, pauses: list[tuple[int, int]]) -> Iterator[_Cut]:
    for part_start, part_stop in kept.parts:
        for pause_start, pause_stop in pauses:
            first, last = max(part_start, pause_start), min(part_stop, pause_stop)
            if last - first > PAUSE and first > kept.start and last < kept.stop:
                sentence = _("A pause of %(n)s s at %(time)s.") % {
                    "n": formats.figure(trim.tenths(last - first)),
                    "time": clock_time(first / 1000),
                }
                label = _("Shorten it to %(n)s s") % {"n": f"{BREATH / 1000:g}"}
                yield _Cut(first + BREATH // 2, last - BREATH // 2, sentence, label)
