"""A large photograph in stripes is the photograph: as its whole decoded, to a shade that no eye
sees, turned, cut and scaled alike; and it takes less memory than its pixels."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from studio.media import MediaError, stripes
from studio.media.decoders.decoder import Decoder
from studio.media.edits import EditError, edit_picture
from studio.media.edits import picture as edits_of_pictures
from studio.media.kinds import KINDS
from studio.media.picture import normalise_image, probe_picture
from tests import bombs, files

MEGABYTE = 1_000_000
_grey = io.BytesIO()
Image.linear_gradient("L").save(_grey, "JPEG")
GREY = _grey.getvalue()


def photograph(
    orientation: int = 1, size: tuple[int, int] = (700, 900), subsampling: int = 2
) -> bytes:
    """Something with edges and every colour."""
    rings = Image.effect_mandelbrot(size, (-2, -1.5, 1, 1.5), 60)
    down = Image.linear_gradient("L").resize(size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.merge("RGB", (rings, down, down.transpose(Image.Transpose.FLIP_TOP_BOTTOM))).save(
        out, "JPEG", quality=90, subsampling=subsampling, exif=exif
    )
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def apart(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of a value, of 255."""
    assert (one.size, one.mode) == (other.size, other.mode)
    return max(high for _low, high in ImageChops.difference(one, other).getextrema())


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripes, "LARGE", 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_the_picture_upright(orientation: int) -> None:
    data = photograph(orientation)
    plain = ImageOps.exif_transpose(opened(data))
    striped = stripes.in_stripes(lambda: opened(data), lambda picture: picture)
    assert striped is not None
    whole = striped.whole()
    assert apart(plain, whole) <= 4
    part = (33, 55, 400, 651)
    assert apart(striped.crop(part).whole(), whole.crop(part)) == 0
    small = striped.resize((333, 217), Image.Resampling.LANCZOS).whole()
    other = whole.resize((333, 217), Image.Resampling.LANCZOS)
    assert apart(small, other) <= 40, "single pixels of an edge"
    assert max(ImageStat.Stat(ImageChops.difference(small, other)).mean) < 1.5


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("size", [(700, 900), (48, 1100), (1026, 18)])
def test_its_jpeg_is_the_one_that_is_written_at_once(
    size: tuple[int, int], subsampling: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = photograph(size=size)
    striped = stripes.in_stripes(lambda: opened(data), lambda picture: picture)
    assert striped is not None
    at_once = io.BytesIO()
    striped.whole().save(at_once, "JPEG", quality=85, subsampling=subsampling)
    # Few blocks between restarts make low stripes, whose colours round otherwise before they are
    # coded.
    for blocks, shades in ((stripes.BLOCKS, 0), (200, 16)):
        monkeypatch.setattr(stripes, "BLOCKS", blocks)
        written = striped.jpeg(quality=85, subsampling=subsampling)
        assert apart(opened(written), opened(at_once.getvalue())) <= shades


@pytest.mark.parametrize(
    "data",
    [
        photograph(subsampling=0),
        photograph(size=(701, 900)),
        files.png(64, 64),
        GREY,
    ],
    ids=["whole colours", "odd side", "PNG", "grey"],
)
def test_what_is_stored_otherwise_is_read_as_a_whole(data: bytes) -> None:
    assert stripes.in_stripes(lambda: opened(data), lambda picture: picture) is None


def test_its_colours_are_brought_to_srgb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = opened(files.wide_gamut_jpeg())
    path = tmp_path / "p.jpg"
    picture.save(path, subsampling=2, quality=95, icc_profile=picture.info["icc_profile"])
    facts = probe_picture(path, KINDS["jpeg"])
    normalise_image(path, facts, tmp_path / "striped")
    monkeypatch.setattr(stripes, "LARGE", 10**9)
    normalise_image(path, facts, tmp_path / "whole")
    assert apart(Image.open(tmp_path / "striped"), Image.open(tmp_path / "whole")) <= 12
    assert apart(Image.open(tmp_path / "striped"), picture) > 12


@pytest.mark.parametrize(
    "wish",
    [
        {"box": (10, 20, 610, 820)},
        {"box": (10, 20, 610, 820), "max_side": 300},
        {"format": "png"},
        {"max_bytes": 20_000},
    ],
    ids=str,
)
def test_an_edit_is_the_same_in_stripes(
    wish: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "p.jpg", photograph(6))
    made = edit_picture(path, tmp_path / "striped", **wish)  # type: ignore[arg-type]
    monkeypatch.setattr(edits_of_pictures, "_in_stripes", lambda *_: None)
    whole = edit_picture(path, tmp_path / "whole", **wish)  # type: ignore[arg-type]
    assert (made.width, made.height, made.format) == (whole.width, whole.height, whole.format)
    assert apart(Image.open(tmp_path / "striped"), Image.open(tmp_path / "whole")) <= 40
    assert abs(made.size - whole.size) < 0.12 * whole.size


def test_a_frame_beside_a_large_picture_is_refused(tmp_path: Path) -> None:
    path = files.write(tmp_path, "p.jpg", photograph())
    with pytest.raises(EditError):
        edit_picture(path, tmp_path / "t", box=(2000, 0, 2100, 50))


def test_a_cut_jpeg_is_damaged_at_an_eighth_of_its_size_too(tmp_path: Path) -> None:
    path = files.write(tmp_path, "p.jpg", photograph()[:-5000])
    with pytest.raises(MediaError) as caught:
        probe_picture(path, KINDS["jpeg"])
    assert caught.value.code == "broken"


@pytest.mark.parametrize(
    ("call", "args", "most"),
    [
        ("studio.media.decoders.work:prepared", {"digest": "", "clean": True}, 160),
        ("studio.media.edits:edit_picture", {"box": (900, 900, 6900, 7900)}, 250),
        ("studio.media.edits:edit_picture", {"box": (900, 900, 6900, 7900), "max_side": 6800}, 250),
    ],
)
def test_63_million_pixels_take_less_memory_than_their_pixels(
    call: str, args: dict[str, object], most: int, tmp_path: Path
) -> None:
    """252 MB as Pillow keeps them; the libraries take 40 MB of what is left."""
    path = files.write(tmp_path, "p.jpg", bombs.large_jpeg())
    places = {"folder": str(tmp_path)} if "digest" in args else {"target": str(tmp_path / "t")}
    decoder = Decoder()
    asked = {"call": call, "args": args | places | {"path": str(path)}, "memory": 10**9}
    answer = decoder.ask(asked | {"processor": 60, "clock": 300.0})
    decoder.close()
    assert "value" in answer, answer
    assert answer["rss"] < most * MEGABYTE
