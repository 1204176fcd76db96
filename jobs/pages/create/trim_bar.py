"""The drawing of a sound with its two handles: what of it is kept, and how far the handles go."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.catalogue.limits import Limits
from jobs.orders import trim
from jobs.orders.trim import Trim
from studio.common.formats import seconds as length

WIDTH = 600  # units across the drawing


@dataclass(frozen=True, slots=True)
class TrimBar:
    """What is `kept` of a sound under the `limits` of the model that takes it. Seconds are text
    with a point and one place, as a form's fields hold them."""

    trim: Trim
    limits: Limits

    @property
    def length(self) -> str:
        return length(self.trim.milliseconds / 1000)

    @property
    def whole(self) -> str:
        return length(self.trim.whole / 1000)

    @property
    def start(self) -> str:
        return f"{trim.tenths(self.trim.start):.1f}"

    @property
    def stop(self) -> str:
        return f"{trim.tenths(self.trim.stop):.1f}"

    @property
    def end(self) -> str:
        """Where the handles end: the first tenth of a second that lies not before the end."""
        return f"{-(-self.trim.whole // 100) / 10:.1f}"

    @property
    def least(self) -> int:
        """Milliseconds that a video needs at least."""
        return trim.least(self.limits, self.trim.whole)

    @property
    def most(self) -> int:
        """Milliseconds that a video may have at most."""
        return trim.longest(self.limits, self.trim.whole)

    @property
    def bands(self) -> list[tuple[str, str, str]]:
        """(class, x, width) of every part of the drawing, what is left out first so that the edges
        of the kept ones lie above it."""
        edges = [0, *(edge for part in self.trim.parts for edge in part), self.trim.whole]
        gone = [
            (edges[i], edges[i + 1]) for i in range(0, len(edges), 2) if edges[i] < edges[i + 1]
        ]
        return [
            (css, self._across(a), self._across(b - a))
            for css, spans in (("off", gone), ("kept", self.trim.parts))
            for a, b in spans
        ]

    def _across(self, milliseconds: int) -> str:
        # A localised template would write 19,7 here, which is no number in SVG.
        return f"{milliseconds * WIDTH / max(1, self.trim.whole):.1f}"
