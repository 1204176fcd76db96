"""Large pictures that are worked on in stripes look as if they had been worked on as a whole."""

from __future__ import annotations

import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from studio.media import Facts, MediaError, normalise_image, picture, png_bands, probe, rows
from studio.media.decoders.decoder import Decoder
from studio.media.decoders.limits import EDIT
from studio.media.edits import edit_picture
from studio.media.kinds import sniff
from tests import bombs, files
from tests.bench import decoders as bench
from tests.intake import pictures


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones count as large, so that the test does not take minutes."""
    monkeypatch.setattr(picture, "LARGE", 1)
    monkeypatch.setattr(rows, "LARGE", 1)


def unlike(one: Path, other: Path) -> float:
    with Image.open(one) as left, Image.open(other) as right:
        assert left.size == right.size
        difference = ImageChops.difference(left.convert("RGB"), right.convert("RGB"))
    return max(ImageStat.Stat(difference).mean)


def kept(path: Path, target: Path) -> Facts:
    return normalise_image(path, picture.probe_picture(path, sniff(path), kept_next=True), target)


@pytest.mark.parametrize("size", [(640, 480), (517, 389), (130, 700)])
def test_a_heif_in_stripes_is_the_heif(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "in.heic", pictures.heic(*size))
    whole = kept(path, tmp_path / "whole.jpg")
    monkeypatch.setattr(picture, "LARGE", 1)
    striped = kept(path, tmp_path / "striped.jpg")
    assert (striped.width, striped.height, striped.codec) == (*size, "")
    assert (striped.format, striped.mime) == (whole.format, whole.mime)
    assert unlike(tmp_path / "whole.jpg", tmp_path / "striped.jpg") < 1.5


@pytest.mark.usefixtures("large")
def test_a_cut_heif_is_refused_although_it_is_decoded_once(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in.heic", files.truncated(pictures.heic(640, 480), 0.7))
    with pytest.raises(MediaError) as refused:
        kept(path, tmp_path / "out.jpg")
    assert refused.value.code == "broken"
    assert not (tmp_path / "out.jpg").exists()


@pytest.mark.usefixtures("large")
def test_a_transparent_heif_is_kept_with_what_shows_through(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in.heic", pictures.heic(640, 480, "RGBA"))
    found = probe(path)
    copy = kept(path, tmp_path / "out")
    assert (copy.codec, copy.format == "png") == (found.codec, found.codec == "transparent")


@pytest.mark.parametrize("bands", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(
    "wishes",
    [
        {"box": (37, 41, 561, 733)},
        {"box": (37, 41, 561, 733), "max_side": 333},
        {"max_side": 401},
        {"box": (0, 0, 600, 800), "format": "jpeg"},
        {"box": (10, 0, 90, 800), "max_side": 700, "format": "jpeg", "max_bytes": 40_000},
    ],
)
def test_an_edit_in_stripes_is_the_edit(
    tmp_path: Path,
    mode: str,
    wishes: dict[str, object],
    bands: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = files.write(tmp_path, "in.png", files.png(600, 800, mode=mode))
    whole = edit_picture(path, tmp_path / "whole", **wishes)  # type: ignore[arg-type]
    monkeypatch.setattr(rows, "LARGE", 1)
    if bands:
        monkeypatch.setattr(png_bands, "LARGE", 1)
        monkeypatch.setattr(png_bands, "BAND", 600 * 50)
    striped = edit_picture(path, tmp_path / "striped", **wishes)  # type: ignore[arg-type]
    assert (striped.width, striped.height, striped.format) == (
        whole.width,
        whole.height,
        whole.format,
    )
    assert unlike(tmp_path / "whole", tmp_path / "striped") < 0.7


@pytest.mark.parametrize("width", [130, 517, 600])
@pytest.mark.parametrize("quality", [95, 60])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_of_stripes_is_the_jpeg_of_the_whole(
    tmp_path: Path, mode: str, quality: int, width: int
) -> None:
    """One of grey has blocks of eight rows, however its colours would be stored."""
    source = Image.linear_gradient("L").resize((width, 700)).rotate(45).convert(mode)
    striped = rows.PictureRows(source, lambda stripe: stripe)
    sampling = 0 if quality == 95 else 2
    coded = striped.jpeg(quality=quality, subsampling=sampling)
    path = files.write(tmp_path, "striped.jpg", coded)
    source.save(tmp_path / "whole.jpg", quality=quality, subsampling=sampling)
    with Image.open(path) as one, Image.open(tmp_path / "whole.jpg") as other:
        assert one.size == other.size
        assert ImageChops.difference(one, other).getbbox() is None


@pytest.mark.usefixtures("large")
def test_colours_of_stripes_are_those_of_the_profile(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(files.write(tmp_path, "w.jpg", files.wide_gamut_jpeg())) as source:
        wide = bytes(source.info["icc_profile"])
        source.save(tmp_path / "wide.png", icc_profile=wide)
        source.save(tmp_path / "plain.png", icc_profile=profile)
    edit_picture(tmp_path / "wide.png", tmp_path / "a")
    edit_picture(tmp_path / "plain.png", tmp_path / "b")
    assert unlike(tmp_path / "a", tmp_path / "b") > 20
    edits_of_whole = Image.open(tmp_path / "a")
    assert "icc_profile" not in edits_of_whole.info


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
@pytest.mark.parametrize("height", [1, 255, 800])
def test_a_png_in_bands_is_the_png(
    tmp_path: Path, mode: str, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of every filter, of which a band takes the row above it from the band before."""
    monkeypatch.setattr(png_bands, "LARGE", 1)
    monkeypatch.setattr(png_bands, "BAND", 517 * 40)
    source = Image.effect_noise((517, height), 60).convert("RGB").convert("RGBA")
    source.putalpha(Image.linear_gradient("L").resize((517, height)))
    path = tmp_path / "in.png"
    made = source.convert(mode) if mode != "P" else source.convert("RGB").convert("P")
    made.save(path, optimize=True)
    found = png_bands.bands(path)
    assert found is not None
    with Image.open(path) as whole:
        whole.load()
        assert b"".join(band.tobytes() for band in found) == whole.tobytes()
    facts = probe(path)
    assert (facts.codec == "transparent") == (mode in ("RGBA", "LA"))
    normalise_image(path, facts, tmp_path / "out.png")
    with Image.open(path) as one, Image.open(tmp_path / "out.png") as other:
        assert one.tobytes() == other.tobytes()


def deep_png(width: int, height: int, colour: int) -> bytes:
    """One of sixteen bits whose rows are random, of every filter."""
    random, samples = Random(height), png_bands.SAMPLES[colour]
    coded = b"".join(
        bytes([number % 5]) + random.randbytes(2 * samples * width) for number in range(height)
    )
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((16, colour, 0, 0, 0))
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(coded, 1)), (b"IEND", b""))
    return png_bands.SIGNATURE + b"".join(png_bands.chunk(*one) for one in chunks)


@pytest.mark.parametrize("colour", [2, 6])
@pytest.mark.parametrize("height", [1, 255, 300])
def test_a_png_of_sixteen_bits_in_bands_is_the_png(
    tmp_path: Path, colour: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a band takes of the row above it are all sixteen, of which the picture keeps eight."""
    monkeypatch.setattr(png_bands, "LARGE", 1)
    monkeypatch.setattr(png_bands, "BAND", 117 * 6 * 20)
    path = files.write(tmp_path, "in.png", deep_png(117, height, colour))
    assert png_bands.bands(path) is None
    found = png_bands.bands(path, deep=True)
    assert found is not None
    with Image.open(path) as whole:
        whole.load()
        assert b"".join(band.tobytes() for band in found) == whole.tobytes()


@pytest.mark.parametrize("colour", [2, 6])
def test_an_edit_of_sixteen_bits_in_bands_is_the_edit(
    tmp_path: Path, colour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "in.png", deep_png(217, 300, colour))
    wishes = {"box": (17, 31, 201, 290), "max_side": 200}
    edit_picture(path, tmp_path / "whole", **wishes)  # type: ignore[arg-type]
    monkeypatch.setattr(rows, "LARGE", 1)
    monkeypatch.setattr(png_bands, "LARGE", 1)
    monkeypatch.setattr(png_bands, "BAND", 217 * 6 * 40)
    edit_picture(path, tmp_path / "bands", **wishes)  # type: ignore[arg-type]
    assert far(tmp_path / "whole", tmp_path / "bands")[0] < 0.7


def veiled(mode: str, width: int = 600, height: int = 800) -> Image.Image:
    """Noise that shows through more and more towards its lower edge, and is gone in a corner."""
    picture = Image.effect_noise((width, height), 60).convert("RGB")
    picture.paste((200, 30, 90), (0, 0, width // 2, height // 3))
    if mode in ("P", "key"):
        return picture.convert("P" if mode == "P" else "RGB")
    alpha = Image.linear_gradient("L").resize((width, height))
    alpha.paste(0, (0, 0, width // 4, height // 4))
    picture.putalpha(alpha)
    return picture.convert(mode)


def far(one: Path, other: Path) -> tuple[float, int]:
    """The mean and the largest difference of two pictures where something of them shows."""
    with Image.open(one) as left, Image.open(other) as right:
        assert (left.size, left.mode) == (right.size, right.mode)
        found = [one.convert("RGBA").convert("RGBa") for one in (left, right)]
    difference = ImageStat.Stat(ImageChops.difference(*found))
    return max(difference.mean), max(high for _, high in difference.extrema)


@pytest.mark.parametrize("bands", [False, True])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "key", "I;16", "1"])
@pytest.mark.parametrize(
    "wishes",
    [
        {"box": (37, 41, 561, 733)},
        {"box": (37, 41, 561, 733), "max_side": 333},
        {"max_side": 90},
        {"box": (0, 0, 600, 800), "format": "jpeg"},
        {"box": (10, 0, 90, 800), "max_side": 700, "format": "jpeg", "max_bytes": 21_500},
        {"max_side": 700, "behind": "white"},
        {"box": (37, 41, 561, 733), "max_side": 300, "behind": "black"},
        {"box": (37, 41, 561, 733), "behind": "blur"},
        {"box": (37, 41, 561, 733), "max_side": 300, "behind": "blur", "format": "jpeg"},
    ],
)
def test_an_edit_of_what_shows_through_in_stripes_is_the_edit(
    tmp_path: Path,
    mode: str,
    wishes: dict[str, object],
    bands: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "in.png"
    options = {"P": {"transparency": bytes(range(256))}, "key": {"transparency": (200, 30, 90)}}
    if mode == "I;16":
        Image.linear_gradient("L").resize((600, 800)).convert("I;16").point(
            lambda value: value * 257
        ).save(path)
    elif mode == "1":
        files.write(tmp_path, "in.png", files.png(600, 800, mode="1"))
    else:
        veiled(mode).save(path, **options.get(mode, {}))
    whole = edit_picture(path, tmp_path / "whole", **wishes)  # type: ignore[arg-type]
    monkeypatch.setattr(rows, "LARGE", 1)
    if bands:
        monkeypatch.setattr(png_bands, "LARGE", 1)
        monkeypatch.setattr(png_bands, "BAND", 600 * 50)
    read = []
    real = rows.PictureRows.stripe
    monkeypatch.setattr(
        rows.PictureRows, "stripe", lambda *args: read.append(args[1:]) or real(*args)
    )
    striped = edit_picture(path, tmp_path / "striped", **wishes)  # type: ignore[arg-type]
    assert read, "it was worked on as a whole"
    assert replace(striped, size=0) == replace(whole, size=0)
    mean, most = far(tmp_path / "whole", tmp_path / "striped")
    # The mean of all that can be seen is rounded to steps of two, a JPEG of low quality to more.
    rounded = wishes.get("behind") == "blur"
    assert mean < (2.0 if rounded or "max_bytes" in wishes else 0.7)
    if whole.format == "png":
        assert most <= (8 if rounded else 2)


@pytest.mark.parametrize("name", ["cmyk.jpg", "veiled.webp", "palette.bmp", "turned.png"])
@pytest.mark.parametrize("behind", ["", "blur", "grey"])
def test_an_edit_of_other_formats_in_stripes_is_the_edit(
    tmp_path: Path, name: str, behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, exif = tmp_path / name, Image.Exif()
    exif[0x0112] = 6
    mode = {"cmyk": "CMYK", "palette": "P"}.get(path.stem, "RGBA")
    source = veiled("RGBA") if mode == "RGBA" else veiled("key").convert(mode)
    source.save(path, **({"exif": exif} if path.stem == "turned" else {}))
    wishes = {"box": (37, 41, 561, 533), "max_side": 300, "format": "png", "behind": behind}
    whole = edit_picture(path, tmp_path / "whole", **wishes)  # type: ignore[arg-type]
    monkeypatch.setattr(rows, "LARGE", 1)
    striped = edit_picture(path, tmp_path / "striped", **wishes)  # type: ignore[arg-type]
    assert replace(striped, size=0) == replace(whole, size=0)
    mean, most = far(tmp_path / "whole", tmp_path / "striped")
    assert mean < (2.0 if behind == "blur" else 0.1)
    assert most <= (8 if behind == "blur" else 2)


@pytest.mark.parametrize("format", ["png", "jpeg"])
@pytest.mark.parametrize("behind", ["", "blur"])
def test_the_crop_of_a_large_transparent_png_takes_little_memory(
    tmp_path: Path, format: str, behind: str
) -> None:
    """Of 39 million of its pixels there is one copy, of four bytes each, and no second one."""
    path = files.write(tmp_path, "in.png", bombs.large_png())
    wishes = {"box": bench.CUT, "max_side": 7000, "format": format, "behind": behind}
    decoder = Decoder()
    try:
        answer = bench.asked(
            decoder, bench.CROP, EDIT, path=str(path), target=str(tmp_path / "out"), **wishes
        )
    finally:
        decoder.close()
    assert not {"ended", "code"} & set(answer), answer
    assert answer["rss"] < 280_000_000


def test_a_png_of_one_long_chunk_is_never_whole_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither are its other chunks, which say nothing of the pixels."""
    monkeypatch.setattr(png_bands, "LARGE", 1)
    monkeypatch.setattr(png_bands, "BAND", 1 << 20)
    side = 3000
    rows_of_it = zlib.compress((b"\0" + bytes(side * 3)) * side, 0)
    head = side.to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.write(png_bands.SIGNATURE)
        for name, body in ((b"IHDR", head), (b"iTXt", bytes(20_000_000)), (b"IDAT", rows_of_it)):
            check = zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big")
            file.write(len(body).to_bytes(4, "big") + name + body + check)
    del rows_of_it, body
    tracemalloc.start()
    found = png_bands.bands(path)
    assert found is not None
    assert sum(band.height for band in found) == side
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 9_000_000, f"{peak:,} bytes of a file of 47,000,000"


def test_a_large_png_whose_data_was_changed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png_bands, "LARGE", 1)
    content = bytearray(files.png(640, 800))
    at = content.index(b"IDAT") + 4
    size = int.from_bytes(content[at - 8 : at - 4], "big")
    content[at + size] ^= 1  # its checksum
    path = files.write(tmp_path, "in.png", bytes(content))
    found = png_bands.bands(path)
    assert found is not None
    with pytest.raises(OSError, match="changed"):
        for _ in found:
            pass


def test_the_small_picture_of_a_png_in_bands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "in.png", files.png(1500, 2100))
    facts = probe(path)
    picture.picture_thumbnail(path, facts, tmp_path / "whole.webp", 200)
    monkeypatch.setattr(png_bands, "LARGE", 1)
    monkeypatch.setattr(png_bands, "BAND", 1500 * 3 * 37)
    picture.picture_thumbnail(path, facts, tmp_path / "bands.webp", 200)
    assert unlike(tmp_path / "whole.webp", tmp_path / "bands.webp") < 0.5


@pytest.mark.parametrize("part", [0.3, 0.7, 0.98])
def test_a_large_png_that_is_cut_is_refused(
    tmp_path: Path, part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png_bands, "LARGE", 1)
    path = files.write(tmp_path, "in.png", files.truncated(files.png(640, 800), part))
    with pytest.raises(MediaError) as refused:
        probe(path)
    assert refused.value.code == "broken"
