"""Refusals that say what the file is, and by how much it misses a limit."""

from __future__ import annotations

import random
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from jobs.catalogue.limits import MIB, Limits
from studio.media import Facts, MediaError, normalise_image, probe
from tests import files
from tests.intake import chunks, pictures

# A sync word by chance, as noise and packed data hold many.
CHANCE = b"\xff\xfb\x90\x00" + bytes(410) + b"\xff\xf1\x50\x80\x08\x1f\xfc" + b"\xff\xfb\x90"


def docx() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("[Content_Types].xml", CHANCE * 3)
    return out.getvalue()


def mpeg(muxer: str, rate: int = 44100) -> bytes:
    """A second of a sound in frames of MPEG."""
    out = BytesIO()
    with av.open(out, "w", format=muxer) as container:
        stream: Any = container.add_stream(muxer, rate=rate)
        stream.layout = "mono"
        files._mux_tone(container, stream, 1.0, rate)
    return out.getvalue()


LAYER_1 = b"\xff\xff\x14\0" + bytes(4 * (12 * 32000 // 44100) - 4)
NAMED = {
    "zip": (docx, "ZIP archive"),
    "tiff": (lambda: b"II*\0\x08\0\0\0" + CHANCE, "TIFF"),
    "aiff": (lambda: b"FORM" + struct.pack(">I", 4000) + b"AIFFCOMM" + CHANCE, "AIFF"),
    "aifc": (lambda: b"FORM" + struct.pack(">I", 4000) + b"AIFCCOMM" + CHANCE, "AIFF"),
    "amr": (lambda: b"#!AMR\n" + CHANCE, "AMR"),
    "caf": (lambda: b"caff\0\1\0\0desc" + CHANCE, "Core Audio"),
    "silk": (lambda: b"\x02#!SILK_V3" + CHANCE, "SILK"),
    "animated gif": (lambda: files.gif(frames=3) + CHANCE, "GIF"),
    "photoshop": (lambda: b"8BPS\0\1" + CHANCE, "Photoshop"),
    "old office": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + CHANCE, "office document"),
    "wma": (lambda: b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + CHANCE, "Windows Media"),
    "transport stream": (lambda: (b"G" + bytes(187)) * 20, "MPEG-TS"),
    "tar": (lambda: b"a".ljust(257, b"\0") + b"ustar" + bytes(250) + CHANCE, "archive"),
    "layer II": (lambda: mpeg("mp2"), "a recording in the format MP2"),
    "layer II behind a tag": (
        lambda: chunks.id3((b"TIT2", b"x")) + mpeg("mp2"),
        "a recording in the format MP2",
    ),
    "layer I": (lambda: LAYER_1 * 20, "a recording in the format MP1"),
    "an unlisted picture": (lambda: b"qoif" + CHANCE, "QOI, which the studio does not take; save"),
    "an unlisted video": (lambda: b"DKIF" + CHANCE, "in the format IVF"),
    "noise": (lambda: random.Random(3).randbytes(200) + CHANCE, "bytes of this file"),
    "canon raw": (lambda: chunks.ftyp(b"crx ", b"crx ", b"isom") + CHANCE, "raw picture"),
    "fuji raw": (lambda: b"FUJIFILMCCD-RAW 0201" + CHANCE, "raw picture"),
    "canon raw of old": (lambda: b"II*\0\x10\0\0\0CR\2\0" + CHANCE, "raw picture"),
    "dng": (
        lambda: b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0xC612, 1, 4, 1) + CHANCE,
        "raw picture",
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_format_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    make, words = NAMED[name]
    with pytest.raises(MediaError) as caught:
        probe(files.write(tmp_path, "a", make()))
    assert words in str(caught.value)
    assert "samples a second" not in str(caught.value)


@pytest.mark.parametrize("seed", range(60))
def test_noise_is_no_sound(tmp_path: Path, seed: int) -> None:
    """However many sync words it holds."""
    noise = random.Random(seed)
    data = bytearray(noise.randbytes(20000))
    for _ in range(200):
        at = noise.randrange(len(data) - 4)
        data[at : at + 2] = b"\xff\xfb" if noise.random() < 0.5 else b"\xff\xf1"
    with pytest.raises(MediaError) as caught:
        probe(files.write(tmp_path, "a", bytes(data)))
    assert caught.value.code == "unknown-type"


def facts(**more: float) -> Facts:
    known = {"size": 1000, "width": 600, "height": 800, "fps": 25.0, **more}
    return Facts("video", "mp4", "video/mp4", "mp4", codec="h264", **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(30.033333, "30.03 s"), (30.0004, "30.0004 s"), (31.2, "31.2 s"), (1.999, "1.999 s")],
)
def test_a_length_has_as_many_digits_as_the_difference_needs(seconds: float, shown: str) -> None:
    limits = Limits("video", min_seconds=2.0, max_seconds=30.0)
    (problem,) = limits.problems(facts(seconds=seconds))
    said = str(problem.sentence)
    assert shown in said
    lengths = [word for word in said.replace(";", "").split() if word[0].isdigit()]
    assert len(set(lengths)) == 2, said


def test_a_size_has_as_many_digits_as_the_difference_needs() -> None:
    limits = Limits("video", max_bytes=15 * MIB)
    (problem,) = limits.problems(facts(seconds=3.0, size=15 * MIB + 2000))
    assert "15.002 MB" in str(problem.sentence)
    assert "15.000 MB" in str(problem.sentence)


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_last_bytes_is_taken(
    tmp_path: Path, cut: int, progressive: bool
) -> None:
    out = BytesIO()
    files.quarters(200, 160, 7).save(out, "JPEG", quality=90, progressive=progressive)
    path = files.write(tmp_path, "in", out.getvalue()[:-cut])
    found = probe(path)
    assert (found.width, found.height) == (200, 160)
    normalise_image(path, found, tmp_path / "out")
    with Image.open(tmp_path / "out") as kept, Image.open(out) as whole:
        assert kept.tobytes() == whole.tobytes()


@pytest.mark.parametrize("cut", [12, 30, 200, 2000])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_some_of_its_picture_is_not(
    tmp_path: Path, cut: int, progressive: bool
) -> None:
    noise = Image.frombytes("RGB", (160, 120), random.Random(5).randbytes(57600))
    out = BytesIO()
    noise.save(out, "JPEG", quality=90, progressive=progressive)
    with pytest.raises(MediaError) as caught:
        probe(files.write(tmp_path, "in", out.getvalue()[:-cut]))
    assert caught.value.code == "broken"


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"miaf", b"MiHB", b"zzzz"])
def test_a_heif_is_taken_whatever_its_brand(tmp_path: Path, brand: bytes) -> None:
    data = pictures.heic()
    data = data[:8] + brand + data[12:]
    path = files.write(tmp_path, "in", data)
    found = probe(path)
    assert (found.format, found.width, found.height) == ("heif", 120, 80)
    kept = normalise_image(path, found, tmp_path / "out")
    assert (kept.format, kept.mime, kept.extension) == ("jpeg", "image/jpeg", "jpg")
    assert probe(tmp_path / "out") == kept


def corners(path: Path) -> list[tuple[int, ...]]:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    right, low = picture.width - 6, picture.height - 6
    found = [picture.getpixel(at) for at in ((5, 5), (right, 5), (5, low), (right, low))]
    return [one for one in found if isinstance(one, tuple)]


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < 30


def test_a_picture_of_an_iphone_is_upright(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", pictures.turned_heic(6))
    found = probe(path)
    kept = normalise_image(path, found, tmp_path / "out")
    assert (found.width, found.height) == (kept.width, kept.height) == (80, 120)
    meant = (files.BLUE, files.RED, files.YELLOW, files.GREEN)
    assert all(near(a, b) for a, b in zip(corners(tmp_path / "out"), meant, strict=True))
    assert b"Exif" not in (tmp_path / "out").read_bytes()


def test_of_a_burst_the_primary_picture(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", pictures.burst((64, 64), (120, 80)))
    assert (probe(path).width, probe(path).height) == (120, 80)
    kept = normalise_image(path, probe(path), tmp_path / "out")
    assert (kept.width, kept.height) == (120, 80)


def test_a_heif_in_other_colours_becomes_srgb(tmp_path: Path) -> None:
    with Image.open(BytesIO(files.wide_gamut_jpeg())) as other:
        profile = other.info["icc_profile"]
    path = files.write(tmp_path, "in", pictures.heic(icc_profile=profile))
    normalise_image(path, probe(path), tmp_path / "out")
    red = corners(tmp_path / "out")[0]
    assert red[1] > red[0] + 60, "the profile says that the first number is green light"


def test_an_avif_is_kept_as_jpeg(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", pictures.avif())
    assert probe(path).format == "avif"
    assert normalise_image(path, probe(path), tmp_path / "out").format == "jpeg"
    meant = (files.RED, files.GREEN, files.BLUE, files.YELLOW)
    assert all(near(a, b) for a, b in zip(corners(tmp_path / "out"), meant, strict=True))


def test_a_transparent_heif_is_kept_as_png(tmp_path: Path) -> None:
    picture = files.quarters(120, 80).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((120, 80)))
    out = BytesIO()
    pictures.heic()  # the encoder is known from here on
    picture.save(out, "HEIF")
    path = files.write(tmp_path, "in", out.getvalue())
    kept = normalise_image(path, probe(path), tmp_path / "out")
    assert kept.format == "png"
    with Image.open(tmp_path / "out") as copy:
        assert copy.mode == "RGBA"


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_cut_heif_is_refused(tmp_path: Path, part: float) -> None:
    with pytest.raises(MediaError) as caught:
        probe(files.write(tmp_path, "in", files.truncated(pictures.heic(), part)))
    assert caught.value.code == "broken"
    assert "HEIF" in str(caught.value)
