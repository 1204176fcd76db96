"""Recordings of a speech, and what is chosen of them."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from jobs.catalogue.limits import Limits
from jobs.orders.trim import LEAST, Trim
from studio.models import Asset

SPEECH = Limits("audio", ("wav", "mp3"), max_bytes=15 * 1024 * 1024, max_seconds=60)


OPEN = Limits("audio", ("wav", "mp3"), max_seconds=20, open_seconds=True)


MANY = settings(max_examples=60, deadline=None)


def recording(milliseconds: int, sound: dict[str, Any] | None = None, **fields: Any) -> Asset:
    """A row that is in no database."""
    return Asset(
        kind="audio",
        format="wav",
        size=1000,
        milliseconds=milliseconds,
        sound=sound or {},
        **fields,
    )


def heard(
    seconds: float, *pauses: tuple[float, float], lead: float = 0.0, tail: float = 0.0
) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "lead": lead,
        "tail": tail,
        "pauses": [list(pause) for pause in pauses],
        "loudness_db": -18.0,
        "clipped": False,
    }


@st.composite
def selections(draw: st.DrawFn, whole: int, most: int = 5) -> Trim:
    """Parts of a recording of `whole` milliseconds, apart from each other and each worth a cut."""
    count = draw(st.integers(1, most))
    edges = sorted(
        draw(st.lists(st.integers(0, whole), min_size=2 * count, max_size=2 * count, unique=True))
    )
    parts = tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= LEAST)
    return Trim(parts or ((0, whole),), whole)
