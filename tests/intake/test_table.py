"""One table of what comes in: kind, seconds, size, rate and whether it stands upright of each file
that a phone, a recorder or a voice service makes, and what is said of one that is refused. Each
file that is taken holds the same sound and pictures after it was cleaned."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from studio.files import file_store
from studio.media import MediaError, normalise_image, probe, strip_av_metadata, thumbnail
from studio.models import Team, User
from tests import files
from tests.intake import chunks, pictures
from tests.intake.test_speech import antiphase


@dataclass(frozen=True)
class Row:
    """What is made, and what must be found: `size` as it is shown in px."""

    make: Callable[[], bytes]
    kind: str
    format: str
    seconds: float = 0.0
    size: tuple[int, int] = (0, 0)
    fps: float = 0.0
    codec: str = ""
    stored: str = ""  # format that is kept, when it is another


def unsized_wav(size: int) -> bytes:
    return chunks.riff(
        chunks.chunk(b"fmt ", chunks.pcm()), chunks.chunk(b"data", chunks.samples(), size), size=0
    )


def long_wav(form: bytes) -> bytes:
    """With sizes of 64 bits, and a chunk behind the samples."""
    sound = chunks.samples()
    sizes = struct.pack("<QQQI", 0, len(sound), len(sound) // 2, 0)
    return chunks.riff(
        chunks.chunk(b"ds64", sizes),
        chunks.chunk(b"fmt ", chunks.pcm()),
        chunks.chunk(b"data", sound, 0xFFFFFFFF),
        chunks.chunk(b"LIST", b"SECRET"),
        size=0xFFFFFFFF,
    ).replace(b"RIFF", form, 1)


def tagged_flac() -> bytes:
    return chunks.id3((b"TIT2", b"SECRET")) + files.flac(1.0) + chunks.ape() + chunks.id3v1()


def mp3_of(rate: int) -> bytes:
    """With a header that says what the encoder filled up."""
    return files.mp3(3.0, rate)


def rotated(width: int, height: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    files.quarters(width, height).save(out, "JPEG", exif=exif)
    return out.getvalue()


def avif_of(brand: bytes) -> bytes:
    data = pictures.avif()
    return data[:8] + brand + data[12:]


TWO_TAGS = chunks.id3((b"TIT2", b"\0first")) + chunks.id3(
    (b"APIC", b"\0image/jpeg\0\3\0" + files.jpeg(200, 200))
)
PCM, AVC = "pcm_s16le", "h264"
ROWS: dict[str, Row] = {
    "WAV, sizes of 0": Row(lambda: unsized_wav(0), "audio", "wav", 1.0, codec=PCM),
    "WAV, sizes of 2^31 - 1": Row(lambda: unsized_wav(0x7FFFFFFF), "audio", "wav", 1.0, codec=PCM),
    "WAV, sizes of 2^32 - 1": Row(lambda: unsized_wav(0xFFFFFFFF), "audio", "wav", 1.0, codec=PCM),
    "WAV, 64 bits, in RF64": Row(lambda: long_wav(b"RF64"), "audio", "wav", 1.0, codec=PCM),
    "WAV, 64 bits, in BW64": Row(lambda: long_wav(b"BW64"), "audio", "wav", 1.0, codec=PCM),
    "FLAC, tags around it": Row(tagged_flac, "audio", "flac", 1.0, codec="flac"),
    "WAV, opposite channels": Row(antiphase, "audio", "wav", 1.0, codec=PCM),
    **{
        f"MP3, {rate} samples a second": Row(
            lambda rate=rate: mp3_of(rate), "audio", "mp3", 3.0, codec="mp3"
        )
        for rate in (8000, 11025, 16000, 22050, 44100, 48000)
    },
    "MP3, two tags and a cover": Row(
        lambda: TWO_TAGS + files.mp3(1.0)[45:], "audio", "mp3", 1.0, codec="mp3"
    ),
    "M4A, a memo": Row(lambda: files.m4a(1.0), "audio", "m4a", 1.0, codec="aac"),
    "JPEG, turned": Row(lambda: rotated(120, 80, 6), "image", "jpeg", size=(80, 120)),
    "JPEG, CMYK": Row(lambda: files.jpeg(120, 80, mode="CMYK"), "image", "jpeg", size=(120, 80)),
    "HEIC": Row(pictures.heic, "image", "heif", size=(120, 80), stored="jpeg"),
    "HEIC, turned": Row(
        lambda: pictures.turned_heic(8), "image", "heif", size=(80, 120), stored="jpeg"
    ),
    "AVIF": Row(pictures.avif, "image", "avif", size=(120, 80), stored="jpeg"),
    "AVIF, brand miaf": Row(
        lambda: avif_of(b"miaf"), "image", "avif", size=(120, 80), stored="jpeg"
    ),
    "MOV, upright phone": Row(
        lambda: files.turned_mp4(1, muxer="mov"), "video", "mov", 1.0, (240, 320), 25, AVC
    ),
    "MOV, HDR": Row(pictures.hlg_video, "video", "mov", 0.2, (96, 64), 25, "hevc HDR"),
    "MP4, mirrored and turned": Row(
        lambda: pictures.with_matrix(files.mp4(0.4, 25, 96, 64), 0, -1, -1, 0),
        "video",
        "mp4",
        0.4,
        (64, 96),
        25,
        AVC,
    ),
    "MP4, preview first": Row(pictures.preview_first, "video", "mp4", 2.0, (96, 64), 30, AVC),
    "AVI of a pipe": Row(pictures.piped_avi, "video", "avi", 3.0, (96, 64), 30, "mpeg4"),
    "WebM, sound longer": Row(
        lambda: pictures.tracks("webm", 1.0, 2.0, "libvpx"),
        "video",
        "webm",
        1.0,
        (96, 64),
        30,
        "vp8",
    ),
    "MP4, in fragments": Row(
        lambda: files.fragmented_mp4(2.0), "video", "mp4", 2.0, (160, 120), 15, AVC
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_comes_in(tmp_path: Path, name: str) -> None:
    row = ROWS[name]
    path = files.write(tmp_path, "in", row.make())
    facts = probe(path)
    assert (facts.kind, facts.format, facts.codec) == (row.kind, row.format, row.codec)
    assert facts.seconds == pytest.approx(row.seconds, abs=0.03)
    assert (facts.width, facts.height) == row.size
    assert facts.fps == pytest.approx(row.fps, abs=0.01)
    clean = normalise_image if row.kind == "image" else strip_av_metadata
    kept = clean(path, facts, tmp_path / "out")
    assert kept.format == (row.stored or row.format)
    assert (kept.width, kept.height) == row.size
    assert b"SECRET" not in (tmp_path / "out").read_bytes()
    again = probe(tmp_path / "out")
    assert again == kept
    if row.kind != "audio":
        thumbnail(tmp_path / "out", kept, tmp_path / "t.webp")
        with Image.open(tmp_path / "t.webp") as small:
            assert small.size == row.size
    if row.kind == "audio":
        assert kept.seconds == pytest.approx(played(tmp_path / "out"), abs=0.03)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ROWS)
def test_what_comes_in_is_stored(tmp_path: Path, team: Team, creator: User, name: str) -> None:
    """The same through the door that uploads take, with a decoder of its own."""
    row = ROWS[name]
    path = files.write(tmp_path, "in", row.make())
    asset, new = file_store.keep(path, team=team, owner=creator, name=name)
    assert new
    assert asset.format == (row.stored or row.format)
    assert asset.seconds == pytest.approx(row.seconds, abs=0.03)
    with asset.file.open("rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == asset.sha256
    assert asset.name.endswith(asset.extension)
    assert file_store.keep(path, team=team, owner=creator, name="again") == (asset, False)


def played(path: Path) -> float:
    """Seconds that decode."""
    total = 0.0
    with av.open(str(path)) as container:
        frames: Any = container.decode(audio=0)
        for frame in frames:
            total += frame.samples / frame.sample_rate
    return total


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "Canon raw": (lambda: chunks.ftyp(b"crx ", b"crx ", b"isom"), "raw picture of a camera"),
    "AIFF": (lambda: b"FORM\0\0\x10\0AIFFCOMM" + bytes(99), "AIFF"),
    "APNG": (files.moving_png, "moves"),
    "JPEG cut in half": (lambda: files.truncated(files.jpeg()), "cut or damaged"),
    "FLAC cut in half": (lambda: files.truncated(files.flac(6.0)), "only"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_why(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(MediaError) as caught:
        probe(files.write(tmp_path, "in", make()))
    assert words in str(caught.value)
