"""An MP4 whose boxes were put in, taken out, changed about or given other sizes is refused with a
sentence, or its copy plays the same."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import av
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from studio.media import MediaError
from studio.media.mp4_header import boxes
from tests import files
from tests.intake import chunks
from tests.intake.test_same_after_cleaning import SECRET, clean

HOLDERS = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"udta", b"moof", b"traf", b"mvex")
WHOLE = {
    "mp4": files.mp4(0.4, 25, 64, 48, audio=True),
    "mov": files.mov(0.4, audio=True),
    "in fragments": files.fragmented_mp4(1.0),
}
NAMES = (b"free", b"udta", b"meta", b"uuid", b"mdat", b"moov", b"trak", b"stco", b"abcd")
SIZES = (0, 1, 7, 8, 9, 16, 100, 0x7FFFFFFF, 0xFFFFFFFF)


@dataclass
class Box:
    name: bytes
    body: bytes
    inner: list[Box]

    def all(self) -> list[Box]:
        return [self, *(one for inner in self.inner for one in inner.all())]

    def coded(self) -> bytes:
        return chunks.box(self.name, self.body + b"".join(one.coded() for one in self.inner))


def read(data: bytes) -> list[Box]:
    found = []
    for name, _, start, end in boxes(io.BytesIO(data), 0, len(data)):
        body = data[start:end]
        found.append(Box(name, b"", read(body)) if name in HOLDERS else Box(name, body, []))
    return found


def packets(path: Path) -> list[tuple[str, bytes]]:
    """What a player is handed of sound and pictures, up to where it cannot go on."""
    found = []
    try:
        with av.open(str(path)) as container:
            found.extend(
                (packet.stream.type, bytes(packet))
                for packet in container.demux()
                if packet.stream.type in ("video", "audio") and packet.size
            )
    except av.error.FFmpegError as error:
        found.append((type(error).__name__, b""))
    return sorted(found)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    whole = Box(b"", b"", read(WHOLE[draw(st.sampled_from(sorted(WHOLE)))]))
    for _ in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from([one for one in whole.all() if len(one.inner) > 1]))
        at = draw(st.integers(0, len(holder.inner) - 1))
        match draw(st.sampled_from(["put in", "take out", "change about", "twice"])):
            case "put in":
                body = SECRET * draw(st.integers(0, 9))
                holder.inner.insert(at, Box(draw(st.sampled_from(NAMES)), body, []))
            case "take out":
                del holder.inner[at]
            case "change about":
                other = draw(st.integers(0, len(holder.inner) - 1))
                holder.inner[at], holder.inner[other] = holder.inner[other], holder.inner[at]
            case _:
                holder.inner.insert(at, holder.inner[at])
    data = bytearray(b"".join(one.coded() for one in whole.inner))
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted({one.name for one in whole.all()} - {b""})))
        at = data.index(name) - 4
        data[at : at + 4] = draw(st.sampled_from(SIZES)).to_bytes(4, "big")
    return bytes(data)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=damaged())
def test_a_damaged_mp4_is_refused_or_its_copy_plays_the_same(tmp_path: Path, data: bytes) -> None:
    try:
        clean(tmp_path, data)
    except MediaError:
        event("refused")
    else:
        assert packets(tmp_path / "in") == packets(tmp_path / "out") != []
        event("kept")
