"""Clean copies, thumbnails, posters and waveforms."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from studio.media import (
    MediaError,
    normalise_image,
    peaks,
    poster,
    probe,
    strip_av_metadata,
    thumbnail,
    verify_video,
)
from tests import files


def _pixels(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _corners(picture: Image.Image) -> list[tuple[int, ...]]:
    width, height = picture.size
    found = []
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)):
        pixel = picture.getpixel((int(width * x), int(height * y)))
        assert isinstance(pixel, tuple)
        found.append(pixel)
    return found


def _close(one: tuple[int, ...], other: tuple[int, ...], by: int = 16) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "data",
    [
        files.jpeg(90, 60),
        files.png(90, 60),
        files.webp(90, 60),
        files.webp(90, 60, lossless=True),
        files.bmp(90, 60),
    ],
    ids=["jpeg", "png", "webp", "lossless webp", "bmp"],
)
def test_a_clean_picture_is_copied_byte_for_byte(tmp_path: Path, data: bytes) -> None:
    path = files.write(tmp_path, "p", data)
    facts = probe(path)
    assert normalise_image(path, facts, tmp_path / "t") == facts
    assert (tmp_path / "t").read_bytes() == data


# Where each stored corner comes to stand, per EXIF orientation: top left, top right, bottom left,
# bottom right.
TURNED = {
    2: (files.GREEN, files.RED, files.YELLOW, files.BLUE),
    3: (files.YELLOW, files.BLUE, files.GREEN, files.RED),
    4: (files.BLUE, files.YELLOW, files.RED, files.GREEN),
    5: (files.RED, files.BLUE, files.GREEN, files.YELLOW),
    6: (files.BLUE, files.RED, files.YELLOW, files.GREEN),
    7: (files.YELLOW, files.GREEN, files.BLUE, files.RED),
    8: (files.GREEN, files.YELLOW, files.RED, files.BLUE),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_rotation_is_baked_in(tmp_path: Path, name: str, orientation: int) -> None:
    path = files.write(tmp_path, "p", getattr(files, name)(120, 80, exif_orientation=orientation))
    facts = normalise_image(path, probe(path), tmp_path / "t")
    assert facts == probe(tmp_path / "t")
    assert facts.format == name
    with Image.open(tmp_path / "t") as picture:
        assert not picture.getexif()
        assert (
            picture.size
            == (facts.width, facts.height)
            == ((120, 80) if orientation < 5 else (80, 120))
        )
        corners = _corners(picture.convert("RGB"))
    assert all(_close(a, b) for a, b in zip(corners, TURNED[orientation], strict=True)), corners


def test_metadata_goes_and_not_one_pixel_changes(tmp_path: Path) -> None:
    jpeg = files.jpeg(120, 80, gps=True, comment=b"SecretComment") + b"SecretTrailer"
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>SecretPlace</x:xmpmeta>"
    jpeg = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + jpeg[2:]
    samples = [
        jpeg,
        files.png(120, 80, text="SecretText") + b"SecretTrailer",
        files.webp(120, 80, gps=True),
        files.bmp(120, 80) + b"SecretTrailer",
    ]
    for data in samples:
        path = files.write(tmp_path, "p", data)
        assert b"Secret" in data
        facts = normalise_image(path, probe(path), tmp_path / "t")
        assert facts == probe(tmp_path / "t")
        assert b"Secret" not in (tmp_path / "t").read_bytes()
        assert ImageChops.difference(_pixels(path), _pixels(tmp_path / "t")).getbbox() is None, (
            facts.format
        )


def test_progressive_jpeg_with_restarts_keeps_every_scan(tmp_path: Path) -> None:
    source = files.quarters(200, 150, shift=9)
    source.save(
        tmp_path / "p",
        "JPEG",
        progressive=True,
        restart_marker_rows=1,
        comment=b"SecretComment",
        subsampling=0,
    )
    path = tmp_path / "p"
    normalise_image(path, probe(path), tmp_path / "t")
    assert b"Secret" not in (tmp_path / "t").read_bytes()
    assert ImageChops.difference(_pixels(path), _pixels(tmp_path / "t")).getbbox() is None


def test_a_turned_jpeg_does_not_outgrow_its_limit(tmp_path: Path) -> None:
    from random import Random

    noise = Image.frombytes("RGB", (300, 200), Random(1).randbytes(180_000))
    exif = Image.Exif()
    exif[0x0112] = 6
    noise.save(tmp_path / "p", "JPEG", quality=60, subsampling=2, exif=exif)
    before = probe(tmp_path / "p")
    after = normalise_image(tmp_path / "p", before, tmp_path / "t")
    assert after.size < before.size * 1.05
    from PIL import JpegImagePlugin

    with Image.open(tmp_path / "t") as picture:
        assert JpegImagePlugin.get_sampling(picture) == 2


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = files.write(tmp_path, "p", files.jpeg(120, 80, mode="CMYK"))
    normalise_image(path, probe(path), tmp_path / "t")
    with Image.open(tmp_path / "t") as picture:
        assert picture.mode == "RGB"
        assert all(
            _close(a, b, 30)
            for a, b in zip(
                _corners(picture), (files.RED, files.GREEN, files.BLUE, files.YELLOW), strict=True
            )
        )


def test_another_colour_space_becomes_srgb(tmp_path: Path) -> None:
    path = files.write(tmp_path, "p", files.wide_gamut_jpeg())
    facts = normalise_image(path, probe(path), tmp_path / "t")
    with Image.open(tmp_path / "t") as picture:
        assert "icc_profile" not in picture.info
        red, green, *_ = _corners(picture)
    # The profile says that the first number is green light and the second is red.
    assert red[1] > red[0] + 60
    assert green[0] > green[1] + 60
    thumbnail(path, facts, tmp_path / "s", 64)
    assert _corners(_pixels(tmp_path / "s"))[0][1] > 120


def test_transparency_and_palette_survive(tmp_path: Path) -> None:
    for mode in ("RGBA", "P", "L", "LA"):
        picture = files.quarters(60, 40).convert(mode)
        exif = Image.Exif()
        exif[0x0112] = 6
        if mode == "RGBA":
            picture.putpixel((0, 0), (1, 2, 3, 0))
        picture.save(
            tmp_path / "p", "PNG", exif=exif, **({"transparency": 0} if mode == "P" else {})
        )
        facts = normalise_image(tmp_path / "p", probe(tmp_path / "p"), tmp_path / "t")
        with Image.open(tmp_path / "t") as copy:
            assert copy.mode == mode
            assert copy.size == (40, 60) == (facts.width, facts.height)
            assert mode != "P" or copy.info["transparency"] in (0, b"\0")
            assert mode != "RGBA" or copy.getpixel((39, 0)) == (1, 2, 3, 0)
        thumbnail(tmp_path / "t", facts, tmp_path / "s", 20)


def test_a_copy_may_replace_its_source_and_a_failure_leaves_no_file(tmp_path: Path) -> None:
    path = files.write(tmp_path, "p", files.jpeg(120, 80, exif_orientation=6))
    facts = probe(path)
    assert normalise_image(path, facts, path) == probe(path)
    path.write_bytes(files.truncated(files.jpeg(120, 80, exif_orientation=6)))
    with pytest.raises(MediaError):
        normalise_image(path, facts, tmp_path / "t")
    assert [entry.name for entry in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: files.jpeg(600, 800, exif_orientation=6),
        lambda: files.png(800, 600),
        lambda: files.bmp(800, 600),
    ],
    ids=["jpeg", "png", "bmp"],
)
def test_thumbnail_of_a_picture(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = files.write(tmp_path, "p", make())
    assert thumbnail(path, probe(path), tmp_path / "t", 200) == (200, 150)
    shown = probe(tmp_path / "t")
    assert (shown.format, shown.width, shown.height) == ("webp", 200, 150)


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    path = files.write(tmp_path, "p", files.png(50, 40))
    assert thumbnail(path, probe(path), tmp_path / "t") == (50, 40)


def test_poster_passes_over_a_black_beginning(tmp_path: Path) -> None:
    path = files.write(tmp_path, "f", files.mp4(0.6, black=0.3))
    assert poster(path, tmp_path / "p") == (320, 240)
    assert max(_corners(_pixels(tmp_path / "p"))[0]) > 100
    assert thumbnail(path, probe(path), tmp_path / "t", 160) == (160, 120)


def test_a_video_black_throughout_has_a_black_poster(tmp_path: Path) -> None:
    path = files.write(tmp_path, "f", files.mp4(0.4, black=1.0))
    assert poster(path, tmp_path / "p") == (320, 240)
    assert max(_corners(_pixels(tmp_path / "p"))[0]) < 30


def test_what_has_no_picture_or_sound_says_so(tmp_path: Path) -> None:
    speech, picture, silent = (
        files.write(tmp_path, n, d)
        for n, d in (("s", files.wav(0.3)), ("p", files.png(9, 9)), ("f", files.mp4(0.4)))
    )
    for call in (
        lambda: thumbnail(speech, probe(speech), tmp_path / "t"),
        lambda: poster(speech, tmp_path / "t"),
        lambda: poster(picture, tmp_path / "t"),
        lambda: peaks(picture),
        lambda: peaks(silent),
    ):
        with pytest.raises(MediaError) as caught:
            call()
        assert caught.value.code == "no-stream"
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda: files.wav(4.0),
        lambda: files.mp3(4.0),
        lambda: files.mp4(4.0, 5, 64, 48, audio=True),
        lambda: files.wav(4.0, loud=0.06),
    ],
    ids=["wav", "mp3", "mp4", "faint"],
)
def test_peaks_follow_the_loudness(tmp_path: Path, make: Callable[[], bytes]) -> None:
    drawn = peaks(files.write(tmp_path, "s", make()), 80)
    assert len(drawn) == 80
    assert max(drawn) == 100
    assert min(drawn) >= 0
    # The tone swells once a second: four hills of twenty peaks, high in the middle and low at the
    # edges.
    for hill in range(4):
        assert drawn[20 * hill + 10] > 85
        assert drawn[20 * hill] < 35 or drawn[20 * hill + 1] < 35


def test_peaks_of_silence_and_of_a_click_shorter_than_the_drawing(tmp_path: Path) -> None:
    assert peaks(files.write(tmp_path, "s", files.wav(1.0, loud=0.0))) == [0] * 200
    assert len(peaks(files.write(tmp_path, "c", files.wav(0.05)), 200)) == 200


def test_peaks_of_a_long_recording_stay_in_place(tmp_path: Path) -> None:
    # Long enough that bins are joined several times; loud only in its last tenth.
    quiet, loud = files.wav(54.0, 8000, 0.0), files.wav(6.0, 8000)
    data = bytearray(quiet + loud[44:])
    data[4:8], data[40:44] = struct.pack("<I", len(data) - 8), struct.pack("<I", len(data) - 44)
    drawn = peaks(files.write(tmp_path, "s", bytes(data)), 100)
    assert max(drawn[:89]) <= 1
    assert min(drawn[91:]) > 20


@pytest.mark.parametrize("make", [files.mp4, files.mov], ids=["mp4", "mov"])
def test_titles_and_places_leave_a_video_and_its_frames_stay(
    tmp_path: Path, make: Callable[..., bytes]
) -> None:
    data = make(0.6, audio=True, title="SecretTitle")
    assert b"SecretTitle" in data
    place = b"+48.2000" if make is files.mov else b"loci"
    assert place in data
    path = files.write(tmp_path, "f", data)
    facts = probe(path)
    assert strip_av_metadata(path, facts, tmp_path / "t") == facts == probe(tmp_path / "t")
    clean = (tmp_path / "t").read_bytes()
    assert b"Secret" not in clean
    assert place not in clean
    assert len(clean) == len(data)
    assert verify_video(tmp_path / "t") == verify_video(path)
    assert peaks(tmp_path / "t") == peaks(path)


def test_tags_leave_sound_and_its_samples_stay(tmp_path: Path) -> None:
    info = b"INFOINAM" + struct.pack("<I", 12) + b"SecretTitle\0"
    tagged = files.wav(1.0) + b"LIST" + struct.pack("<I", len(info)) + info
    tagged = tagged[:4] + struct.pack("<I", len(tagged) - 8) + tagged[8:]
    trailer = b"TAG" + b"SecretSong".ljust(125, b"\0")
    for data in (tagged, files.mp3_with_cover(1.0) + trailer):
        path = files.write(tmp_path, "s", data)
        facts = strip_av_metadata(path, probe(path), tmp_path / "t")
        again = probe(tmp_path / "t")
        assert b"Secret" not in (tmp_path / "t").read_bytes()
        assert facts.size == again.size
        assert again.seconds == pytest.approx(probe(path).seconds, abs=0.001)
        assert peaks(tmp_path / "t") == peaks(path)


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    junk = b"Exif\0\0JUNKSecret"
    data = files.jpeg(90, 60)
    path = files.write(
        tmp_path, "p", data[:2] + b"\xff\xe1" + struct.pack(">H", len(junk) + 2) + junk + data[2:]
    )
    facts = probe(path)
    assert (facts.width, facts.height) == (90, 60)
    normalise_image(path, facts, tmp_path / "t")
    assert b"Secret" not in (tmp_path / "t").read_bytes()
    assert thumbnail(path, facts, tmp_path / "s", 30) == (30, 20)


def test_a_sound_joined_of_two_rates_is_drawn_to_its_end(tmp_path: Path) -> None:
    """Recordings that were put one behind the other, as players take them."""
    drawn = peaks(
        files.write(
            tmp_path, "s", files.mp3(1.0, 44100, header=False) + files.mp3(1.0, 22050, header=False)
        ),
        80,
    )
    # The tone swells once a second.
    assert min(drawn[20], drawn[60]) > 85
