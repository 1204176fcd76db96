"""What a create page says of a speech: its drawing, what is kept of it and for how much, silence to
leave out, and it as several films."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.billing import prices
from jobs.models import Price
from jobs.orders import trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft import FROM, OF, SET, TO, Draft, FileField
from studio.common.formats import clock_time
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.asset import Asset

WIDTH = 600  # units across the drawing
EDGE = 300  # milliseconds of silence at an end that are worth a word
PAUSE = 1000  # a pause longer than this may be shortened
BREATH = 300  # to this
PAUSES_SHOWN = 3
QUIET_DB, LOUD_DB = -33.0, -9.0


@dataclass(frozen=True, slots=True)
class Offer:
    """Silence that can be left out: what it is, what the film costs less (words, "" without a
    price), and the parts kept then."""

    sentence: str
    label: str
    word: str


@dataclass(frozen=True, slots=True)
class Part:
    """One film of a speech that is too long for one. `seconds` of film, `micros` and `price` of it
    ("" without a price)."""

    kept: Trim
    seconds: float
    micros: int
    price: str

    @property
    def length(self) -> str:
        return length(self.seconds)


@dataclass
class Speech:
    """A chosen sound on the page. `region` is where the account lives, which may decide the
    price."""

    field: FileField
    asset: Asset
    kept: Trim
    draft: Draft
    region: str

    # ── names of the form's fields ──

    @property
    def of_name(self) -> str:
        return OF + self.field.name

    @property
    def from_name(self) -> str:
        return FROM + self.field.name

    @property
    def to_name(self) -> str:
        return TO + self.field.name

    @property
    def set_name(self) -> str:
        return SET + self.field.name

    @property
    def errors(self) -> list[str]:
        """What was typed and is no time."""
        return [
            *self.draft.problems.get(self.from_name, []),
            *self.draft.problems.get(self.to_name, []),
        ]

    # ── price ──

    @cached_property
    def _price(self) -> Price | None:
        """The price per second that decides here; None when the length of this sound is not the
        film's, or there is no price."""
        spec = self.draft.spec
        if spec.length_of != self.field.name:
            return None
        try:
            return prices.price_of(
                spec.name, spec.variant_of(self.draft.chosen), self.draft.team.currency, self.region
            )
        except prices.NoPrice:
            return None

    @property
    def unit(self) -> str:
        """Micros per second, as the page's script reads it; "" without a price."""
        return str(self._price.micros) if self._price is not None else ""

    @property
    def symbol(self) -> str:
        currency = self.draft.team.currency
        return prices.SYMBOLS.get(currency, f"{currency} ")

    def micros(self, milliseconds: int) -> int:
        """The quote of so much film: the same arithmetic as `money.quote`."""
        return (
            prices.amount(self._price, Decimal(milliseconds) / 1000)
            if self._price is not None
            else 0
        )

    def words(self, micros: int) -> str:
        return prices.format_money(micros, self._price.currency) if self._price is not None else ""

    @property
    def price(self) -> str:
        return self.words(self.micros(self.kept.milliseconds))

    # ── what is kept ──

    @property
    def length(self) -> str:
        return length(self.kept.milliseconds / 1000)

    @property
    def whole(self) -> str:
        return length(self.kept.whole / 1000)

    @property
    def start(self) -> str:
        return f"{trim.tenths(self.kept.start):.1f}"

    @property
    def stop(self) -> str:
        return f"{trim.tenths(self.kept.stop):.1f}"

    @property
    def end(self) -> str:
        """Where the handles end: the first tenth of a second that lies not before the end."""
        return f"{-(-self.kept.whole // 100) / 10:.1f}"

    @property
    def least(self) -> int:
        return trim.least(self.field.limits, self.kept.whole)

    @property
    def most(self) -> int:
        return trim.longest(self.field.limits, self.kept.whole)

    @property
    def bands(self) -> list[tuple[str, str, str]]:
        """(class, x, width) of every part of the drawing, what is left out first so that the edges
        of the kept ones lie above it."""
        edges = [0, *(edge for part in self.kept.parts for edge in part), self.kept.whole]
        gone = [
            (edges[i], edges[i + 1]) for i in range(0, len(edges), 2) if edges[i] < edges[i + 1]
        ]
        return [
            (css, self._across(a), self._across(b - a))
            for css, spans in (("off", gone), ("kept", self.kept.parts))
            for a, b in spans
        ]

    def _across(self, milliseconds: int) -> str:
        # A localised template would write 19,7 here, which is no number in SVG.
        return f"{milliseconds * WIDTH / max(1, self.kept.whole):.1f}"

    @property
    def over(self) -> str:
        """That not all of it fits into one film; "" when it does."""
        limits = self.field.limits
        if limits.max_seconds is None or trim.longest(limits, self.kept.whole) >= self.kept.whole:
            return ""
        takes = (
            _("%(model)s takes less than %(most)s s.")
            if limits.open_seconds
            else _("%(model)s takes %(most)s s.")
        )
        first = self.kept.parts == ((0, self.most),)
        said = _("The first %(n)s s are kept.") if first else _("%(n)s s are kept.")
        return " ".join(
            (
                _("It lasts %(n)s s;") % {"n": f"{self.kept.whole / 1000:.1f}"},
                takes
                % {"model": translated(self.draft.spec.label), "most": f"{limits.max_seconds:g}"},
                said % {"n": f"{trim.tenths(self.kept.milliseconds):g}"},
            )
        )

    @cached_property
    def split(self) -> list[Part]:
        """Several films that hold all of it, where one cannot; [] where one can."""
        films = trim.split(self.asset, self.kept, self.field.limits)
        priced = [(film, self.micros(film.milliseconds)) for film in films]
        return [
            Part(film, film.milliseconds / 1000, micros, self.words(micros))
            for film, micros in priced
        ]

    @property
    def split_total(self) -> str:
        return self.words(sum(part.micros for part in self.split))

    # ── silence ──

    @cached_property
    def pauses(self) -> list[tuple[int, int]]:
        return trim.pauses_of(self.asset)

    @property
    def quiet(self) -> str:
        """The silences for the page's script, written as kept parts are."""
        return ".".join(f"{start}-{stop}" for start, stop in self.pauses)

    @property
    def offers(self) -> list[Offer]:
        """What can be left out, each by itself, and the lot when there is more than one."""
        start, stop = self.kept.start, self.kept.stop
        found: list[tuple[str, str, Trim]] = []
        rest = self.kept
        for first, last in self.pauses:
            if first <= start < last < stop and last - start >= EDGE:
                sentence = _("%(n)s s of silence at the start.") % {
                    "n": f"{trim.tenths(last - start):.1f}"
                }
                found.append((sentence, _("Leave it out"), self.kept.without(start, last)))
                rest = rest.without(start, last)
            elif start < first < stop <= last and stop - first >= EDGE:
                sentence = _("%(n)s s of silence at the end.") % {
                    "n": f"{trim.tenths(stop - first):.1f}"
                }
                found.append((sentence, _("Leave it out"), self.kept.without(first, stop)))
                rest = rest.without(first, stop)
        edges = len(found)
        for first, last in self._long_pauses():
            sentence = _("A pause of %(n)s s at %(time)s.") % {
                "n": f"{trim.tenths(last - first):.1f}",
                "time": clock_time(first / 1000),
            }
            cut = (first + BREATH // 2, last - BREATH // 2)
            found.append(
                (
                    sentence,
                    _("Shorten it to %(n)s s") % {"n": f"{BREATH / 1000:g}"},
                    self.kept.without(*cut),
                )
            )
            rest = rest.without(*cut)
        offers = [
            self._offer(*offer)
            for offer in found[: edges + PAUSES_SHOWN]
            if offer[2].milliseconds >= self.least
        ]
        if len(found) > 1 and rest.milliseconds >= self.least:
            gone = trim.tenths(self.kept.milliseconds - rest.milliseconds)
            offers.append(
                self._offer(
                    _("%(n)s s of silence altogether.") % {"n": f"{gone:.1f}"},
                    _("Leave all of it out"),
                    rest,
                )
            )
        return offers

    def _long_pauses(self) -> list[tuple[int, int]]:
        found = []
        for a, b in self.kept.parts:
            for first, last in self.pauses:
                first, last = max(a, first), min(b, last)
                if last - first > PAUSE and first > self.kept.start and last < self.kept.stop:
                    found.append((first, last))
        return found

    def _offer(self, sentence: str, label: str, after: Trim) -> Offer:
        after = trim.read(after.word, self.asset, self.field.limits)
        less = self.micros(after.milliseconds) - self.micros(self.kept.milliseconds)
        return Offer(
            sentence,
            f"{label}: {self.words(less)}" if self._price is not None else label,
            after.word,
        )

    # ── loudness ──

    @property
    def loudness(self) -> str:
        """How loud it is in words; "" when nobody listened."""
        sound = self.asset.sound
        if not sound:
            return ""
        if not self.pauses and sound["lead"] >= sound["seconds"]:
            return _("Nothing can be heard in it.")
        db = sound["loudness_db"]
        level = _("%(n)s dB below full scale") % {"n": f"{-db:.0f}"}
        if db < QUIET_DB:
            return _("Quiet, %(level)s. Record closer to the microphone.") % {"level": level}
        if db > LOUD_DB:
            return _("Very loud, %(level)s.") % {"level": level}
        return _("Good, %(level)s.") % {"level": level}

    @property
    def clipped(self) -> str:
        return (
            _("Clipped: its loudest peaks are cut off and sound harsh. Record it with less gain.")
            if self.asset.sound.get("clipped")
            else ""
        )
