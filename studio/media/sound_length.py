"""How long a sound plays, from its packets, and whether all of it is there."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

from studio.common.translatable import phrase
from studio.media.facts import TAKEN, MediaError
from studio.media.kinds import Kind

# Their headers are estimates or promises (a stream that was cut, a variable bit rate): the packets
# are the truth.
COUNTED = ("wav", "mp3", "aac", "flac", "ogg")
PROMISED = ("flac", "ogg")  # of these, those that state their length exactly
PADDING_FRAMES = 3.5  # an encoder fills the last frame and delays the first
PADDING = 0.1  # seconds
MISSING = 0.25  # seconds of sound that may be missing of what a file states


def sound_seconds(kind: Kind, stated: float, packets: Iterable[Packet[Stream]]) -> float:
    """The length in seconds of the sound in `packets`, none of them decoded. `stated` is what the
    header says; it is believed only where it takes the encoder's padding off. Raises MediaError
    (broken) with how much is there when a file that states its length exactly lacks some of it."""
    ticks = end = step = Fraction(0)
    first: Fraction | None = None
    for packet in packets:
        if packet.size <= 0:
            continue
        span = Fraction((packet.duration or 0) * (packet.time_base or 0))
        step = step or span
        ticks += span
        if ticks > TAKEN:  # so long that nobody here wants to know how long
            break
        if packet.pts is not None and packet.time_base:
            at = packet.pts * packet.time_base
            first = at if first is None else min(first, at)
            end = max(end, at + span)
    # Formats without a clock of their own (Matroska without durations) still have the times of
    # their packets.
    counted = float(ticks or (end - first if first is not None else 0))
    if kind.format in PROMISED and ticks:
        _refuse_missing(kind, stated, counted)
    padding = max(PADDING, PADDING_FRAMES * float(step))
    return stated if counted - padding < stated <= counted else counted


def _refuse_missing(kind: Kind, stated: float, there: float) -> None:
    if there < stated - max(MISSING, 0.01 * stated):
        raise MediaError(
            "broken",
            phrase(
                "This %(format)s file says that it lasts %(stated)s s and only %(there)s s of it "
                "are there, so it is cut or damaged; export or upload it again.",
                format=kind.format.upper(),
                stated=f"{stated:.1f}",
                there=f"{there:.1f}",
            ),
        )
