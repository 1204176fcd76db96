"""Pictures straightened, cropped and scaled: which pixels stay, how many bytes, and what is
refused."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from studio.media import Facts, MediaError, probe
from studio.media.edits import EditError, byte_limit, edit_picture, frame_for, straight_size
from tests import files


def noise(width: int, height: int, name: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), Random(7).randbytes(3 * width * height)).save(out, name)
    return out.getvalue()


def saved(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def read(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


def refused(folder: Path) -> list[Path]:
    """What a refusal may leave behind: nothing."""
    return [path for path in folder.iterdir() if path.name.startswith("out")]


def test_crop_keeps_exactly_the_pixels_of_the_box(tmp_path: Path) -> None:
    path, out = files.write(tmp_path, "in", noise(60, 40)), tmp_path / "out"
    facts = edit_picture(path, out, box=(7, 3, 41, 29))
    assert (
        facts == probe(out) == Facts("image", "png", "image/png", "png", out.stat().st_size, 34, 26)
    )
    assert read(out).tobytes() == read(path).crop((7, 3, 41, 29)).tobytes()
    assert edit_picture(path, out, box=(-50, 10, 500, 900)).width == 60
    assert read(out).tobytes() == read(path).crop((0, 10, 60, 40)).tobytes()


@pytest.mark.parametrize(
    "box", [(10, 10, 10, 20), (30, 5, 20, 15), (60, 0, 90, 40), (-9, -9, 0, 20), (5, 40, 20, 50)]
)
def test_a_box_that_holds_nothing(tmp_path: Path, box: tuple[int, int, int, int]) -> None:
    with pytest.raises(MediaError, match="holds no part of the 60 × 40 px picture") as caught:
        edit_picture(files.write(tmp_path, "in", files.png(60, 40)), tmp_path / "out", box=box)
    assert caught.value.code == "bad-box"
    assert refused(tmp_path) == []


@pytest.mark.parametrize("angle", [-45.0, -13.7, -0.4, 2.0, 30.0, 45.0])
@pytest.mark.parametrize("size", [(300, 200), (90, 241)])
def test_straightening_leaves_no_empty_corner_and_the_same_shape(
    tmp_path: Path, angle: float, size: tuple[int, int]
) -> None:
    path, out = (
        files.write(tmp_path, "in", saved(Image.new("RGB", size, (255, 255, 255)))),
        tmp_path / "out",
    )
    facts = edit_picture(path, out, angle=angle)
    assert (facts.width, facts.height) == straight_size(*size, angle)
    assert facts.width / facts.height == pytest.approx(
        size[0] / size[1], abs=2 / min(facts.width, facts.height)
    )
    assert read(out).getextrema() == ((255, 255), (255, 255), (255, 255))


def test_straightening_keeps_as_much_as_there_is(tmp_path: Path) -> None:
    assert straight_size(300, 200, 0) == (300, 200)
    assert straight_size(100, 100, 45) == (70, 70)  # 100 / √2
    assert straight_size(300, 200, 10) == straight_size(300, 200, -10)
    # The next larger rectangle would reach into the corners: turned back it lies outside the
    # picture.
    assert straight_size(400, 300, 5)[0] == int(400 * 300 / (400 * 0.0871557 + 300 * 0.9961947))


def test_a_positive_angle_turns_clockwise(tmp_path: Path) -> None:
    picture = Image.new("RGB", (201, 201), (255, 255, 255))
    picture.paste((0, 0, 0), (98, 0, 103, 201))
    path, out = files.write(tmp_path, "in", saved(picture)), tmp_path / "out"
    edit_picture(path, out, angle=10)
    turned = read(out).convert("L")
    row = [turned.getpixel((x, 2)) for x in range(turned.width)]
    dark = [x for x, value in enumerate(row) if isinstance(value, int) and value < 128]
    # The upper end of the line goes to the right by tan(10°) of its distance to the middle.
    middle = (dark[0] + dark[-1] + 1) / 2 - turned.width / 2
    assert middle == pytest.approx(0.1763 * (turned.height / 2 - 2), abs=1)


def test_the_order_is_straighten_crop_scale(tmp_path: Path) -> None:
    path, out = files.write(tmp_path, "in", files.jpeg(600, 800)), tmp_path / "out"
    width, height = straight_size(600, 800, 5)
    facts = edit_picture(path, out, angle=5, box=(0, 0, width // 2, height), max_side=300)
    assert facts.height == 300
    assert facts.width == round(width // 2 * 300 / height)
    assert edit_picture(path, out, max_side=5000) == probe(out)
    assert probe(out).width == 600


@pytest.mark.parametrize("angle", [45.1, -90.0, float("nan"), float("inf")])
def test_an_angle_that_straightens_nothing(tmp_path: Path, angle: float) -> None:
    with pytest.raises(EditError, match="at most 45 degrees") as caught:
        edit_picture(files.write(tmp_path, "in", files.png(60, 40)), tmp_path / "out", angle=angle)
    assert caught.value.code == "bad-box"


def test_too_small_says_by_how_much(tmp_path: Path) -> None:
    path, out = files.write(tmp_path, "in", files.jpeg(600, 800)), tmp_path / "out"
    with pytest.raises(EditError, match=r"300 × 400 px, 100 px short of the 400 px") as caught:
        edit_picture(path, out, max_side=400, min_side=400)
    assert caught.value.code == "too-small"
    assert refused(tmp_path) == []
    assert edit_picture(path, out, min_side=600).width == 600


def test_formats_and_metadata(tmp_path: Path) -> None:
    turned = files.write(
        tmp_path,
        "turned",
        files.jpeg(80, 40, exif_orientation=6, gps=True, comment=b"SecretComment"),
    )
    facts = edit_picture(turned, tmp_path / "out")
    assert (facts.format, facts.width, facts.height) == ("jpeg", 40, 80)
    picture = read(tmp_path / "out")
    assert not picture.getexif()
    assert b"Secret" not in (tmp_path / "out").read_bytes()
    # The stored bottom left, blue, is the top left of the picture as shown.
    assert all(abs(a - b) < 30 for a, b in zip(picture.getpixel((5, 5)), files.BLUE, strict=True))  # type: ignore[arg-type]
    for make, wish, got in (
        (files.png(60, 40, text="SecretText"), "", "png"),
        (files.png(60, 40), "jpeg", "jpeg"),
        (files.webp(60, 40), "", "jpeg"),
        (files.bmp(60, 40), "", "jpeg"),
        (files.jpeg(60, 40), "png", "png"),
        (files.jpeg(60, 40, mode="CMYK"), "", "jpeg"),
        (files.png(60, 40, mode="P"), "", "png"),
        (files.png(60, 40, mode="1"), "jpeg", "jpeg"),
    ):
        facts = edit_picture(
            files.write(tmp_path, "in", make), tmp_path / "out", format=wish, angle=1
        )
        assert facts == probe(tmp_path / "out")
        assert facts.format == got
        assert b"Secret" not in (tmp_path / "out").read_bytes()


def test_transparency_is_laid_on_white_for_jpeg_and_kept_for_png(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (40, 40), (200, 0, 0, 0))
    clear.paste((0, 0, 200, 255), (20, 0, 40, 40))
    path, out = files.write(tmp_path, "in", saved(clear)), tmp_path / "out"
    edit_picture(path, out, format="jpeg")
    assert all(low > 250 for low, _ in read(out).crop((2, 2, 12, 38)).getextrema())  # type: ignore[misc]
    edit_picture(path, out, box=(10, 0, 30, 40))
    assert [read(out).getpixel((x, 20)) for x in (2, 15)] == [(200, 0, 0, 0), (0, 0, 200, 255)]


def test_sixteen_bits_of_grey_keep_their_brightness(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", saved(Image.new("I;16", (32, 32), 0x8040)))
    edit_picture(path, tmp_path / "out")
    assert read(tmp_path / "out").getpixel((3, 3)) == 0x80


def test_max_bytes_is_met_by_quality_first_and_by_pixels_last(tmp_path: Path) -> None:
    path, out = files.write(tmp_path, "in", noise(240, 180, "BMP")), tmp_path / "out"
    best = edit_picture(path, out).size
    facts = edit_picture(path, out, max_bytes=best)
    assert facts.size < best
    assert (facts.width, facts.height) == (240, 180)
    facts = edit_picture(path, out, max_bytes=9000)
    assert facts.size == out.stat().st_size < 9000
    assert 20 < facts.width < 240
    assert facts.width / facts.height == pytest.approx(4 / 3, abs=0.03)
    with pytest.raises(
        EditError, match=r"does not fit into 9,000 bytes and 170 px on its short side"
    ) as caught:
        edit_picture(path, tmp_path / "out2", max_bytes=9000, min_side=170)
    assert caught.value.code == "too-large"
    assert not (tmp_path / "out2").exists()
    with pytest.raises(EditError, match="does not fit into 100 bytes"):
        edit_picture(path, tmp_path / "out2", max_bytes=100)


@pytest.mark.parametrize("quality", byte_limit.QUALITIES)
def test_the_best_quality_that_fits_is_found_in_few_tries(
    tmp_path: Path, quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out, tried = files.write(tmp_path, "in", noise(240, 180)), tmp_path / "out", []
    real = byte_limit._saved

    def counted(picture: Image.Image, name: str, quality: int) -> bytes:
        tried.append(quality)
        return real(picture, name, quality)

    with Image.open(path) as picture:
        wanted = real(picture, "jpeg", quality)
    monkeypatch.setattr(byte_limit, "_saved", counted)
    edit_picture(path, out, format="jpeg", max_bytes=len(wanted) + 1)
    assert out.read_bytes() == wanted
    assert tried[0] == 95
    assert len(tried) <= 5


def test_a_png_becomes_a_jpeg_only_where_that_helps(tmp_path: Path) -> None:
    plain, loud, out = (
        files.write(tmp_path, "a", files.png(300, 200)),
        files.write(tmp_path, "b", noise(300, 200)),
        tmp_path / "out",
    )
    assert edit_picture(plain, out, max_bytes=50_000).format == "png"
    facts = edit_picture(loud, out, max_bytes=100_000)
    assert (facts.format, facts.width) == ("jpeg", 300)
    facts = edit_picture(loud, out, max_bytes=100_000, format="png")
    assert facts.format == "png"
    assert facts.width < 300
    assert facts.size < 100_000


@pytest.mark.parametrize(
    "data",
    [
        files.truncated(files.jpeg()),
        files.truncated(files.png()),
        files.html(),
        b"",
        files.wav(0.1),
        files.gif(frames=2),
    ],
)
def test_bad_pictures(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(MediaError):
        edit_picture(files.write(tmp_path, "in", data), tmp_path / "out", max_side=50)
    assert refused(tmp_path) == []


def test_a_bomb_is_not_opened_and_a_target_survives_a_refusal(tmp_path: Path) -> None:
    out = files.write(tmp_path, "out", b"what was there")
    with pytest.raises(MediaError, match="million the studio opens") as caught:
        edit_picture(files.write(tmp_path, "in", files.webp_bomb()), out, max_side=50)
    assert caught.value.code == "too-large-picture"
    assert out.read_bytes() == b"what was there"
    with pytest.raises(MediaError, match="at most 65000 px a side"):
        edit_picture(files.write(tmp_path, "in", files.png_bomb(70_000, 2)), out, format="jpeg")


def test_the_target_may_be_the_source(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", files.png(60, 40))
    assert edit_picture(path, path, box=(0, 0, 20, 20)) == probe(path)
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


SIDES = st.integers(1, 5000)


@example(16, 6, 3, 1, 0.0, [0.0, 0.0, 0.0, 0.0], True)
@given(
    SIDES,
    SIDES,
    st.integers(1, 40),
    st.integers(1, 40),
    st.floats(0, 1),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.booleans(),
)
def test_frames_lie_in_the_picture_in_the_right_shape_around_the_face(
    width: int,
    height: int,
    across: int,
    down: int,
    closeness: float,
    spots: list[float],
    known: bool,
) -> None:
    xs, ys = sorted(spots[:2]), sorted(spots[2:])
    face = (
        int(xs[0] * (width - 1)),
        int(ys[0] * (height - 1)),
        int(xs[1] * (width - 1)) + 1,
        int(ys[1] * (height - 1)) + 1,
    )
    left, top, right, bottom = frame_for(
        width, height, (across, down), face if known else None, closeness
    )
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    wide, tall = right - left, bottom - top
    assert min(abs(wide - tall * across / down), abs(tall - wide * down / across)) <= 1
    if not known or closeness == 0:
        # The largest: it reaches from side to side in one direction.
        assert wide == width or tall == height
    if known:
        if face[2] - face[0] <= wide:
            assert left <= face[0] < face[2] <= right
        else:
            assert wide == width or tall == height
        if face[3] - face[1] <= tall:
            assert top <= face[1] < face[3] <= bottom
        else:
            assert wide == width or tall == height


def test_frames_by_hand() -> None:
    assert frame_for(1600, 900, (9, 16)) == (547, 0, 1053, 900)
    assert frame_for(1000, 2000, (1, 1)) == (0, 400, 1000, 1400)
    assert frame_for(1600, 900, (1, 1), (100, 300, 300, 500)) == (0, 0, 900, 900)
    assert frame_for(1600, 900, (1, 1), (700, 300, 900, 500)) == (350, 0, 1250, 900)
    assert frame_for(1600, 900, (1, 1), (700, 300, 900, 500), 1.0) == (580, 180, 1020, 620)
    assert (
        frame_for(1600, 900, (1, 1), (700, 300, 900, 500), 0.5)[2]
        - frame_for(1600, 900, (1, 1), (700, 300, 900, 500), 0.5)[0]
        == 670
    )
    # A face outside the picture is none.
    assert frame_for(1600, 900, (1, 1), (2000, 0, 2100, 90), 1.0) == frame_for(1600, 900, (1, 1))


def test_a_crop_of_a_large_picture_holds_it_in_memory_once(tmp_path: Path) -> None:
    """Decoded it has four bytes a pixel; several people crop at a time."""
    path, side = files.write(tmp_path, "in", files.jpeg(4000, 4000)), 4000
    script = (
        "import resource, sys\nfrom studio.media.edits import edit_picture\nbefore = "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "edit_picture(sys.argv[1], sys.argv[2], box=(0, 0, 900, "
        "900))\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script, path, tmp_path / "out"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert int(done.stdout) * (1 if sys.platform == "darwin" else 1024) < 1.7 * 4 * side * side
