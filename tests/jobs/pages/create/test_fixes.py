"""Fixes: for every limit of every model a file that misses it, and what is made of it fits; what
cannot be mended is said to be so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.catalogue import entries
from jobs.catalogue.limits import MIB, Limits
from jobs.pages.create.fixes import crop_for, cut_for, fix_for, frames_for
from studio.files import edit_queue
from studio.media import Facts, probe
from tests import files


def limits_of(kind: str) -> dict[Limits, str]:
    """Every set of limits that a model of the catalogue has for files of a kind, with the name of
    one such model."""
    return {
        given.limits: model.name
        for model in entries.MODELS.values()
        for given in model.inputs_of(kind)
        if given.limits is not None
    }


@dataclass(frozen=True)
class Miss:
    """A real file, and limits that it misses in `kinds`."""

    limits: Limits
    name: str
    data: bytes
    kinds: set[str]

    def __str__(self) -> str:
        return f"{self.limits.kind}-{self.name}"


@cache
def _noise(width: int, height: int) -> bytes:
    import io
    from random import Random

    from PIL import Image

    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), Random(1).randbytes(3 * width * height)).save(
        out, "PNG"
    )
    return out.getvalue()


def misses() -> Iterator[Miss]:
    """For every limit of the catalogue a file that misses it and nothing that cannot be mended.
    Sizes of bytes and seconds are brought down to what a test may make; the numbers themselves are
    tested without files below."""
    for limits in limits_of("image"):
        # Small bounds in place of the model's, so that the files stay small; what is tested is that
        # each limit is met again.
        tiny = replace(limits, min_side=60, max_side=700)
        if "webp" not in limits.formats:
            yield Miss(tiny, "webp", files.webp(300, 400), {"format"})
        if "bmp" in limits.formats:
            yield Miss(replace(tiny, formats=("jpeg",)), "bmp", files.bmp(300, 400), {"format"})
        yield Miss(tiny, "side", files.jpeg(900, 500), {"side"})
        if limits.max_aspect is not None:
            yield Miss(tiny, "wide", files.jpeg(690, 140), {"aspect"})
            yield Miss(tiny, "tall", files.png(140, 690), {"aspect"})
        if limits.max_bytes is not None:
            yield Miss(replace(tiny, max_bytes=90_000), "bytes", _noise(300, 300), {"size"})
            yield Miss(
                replace(tiny, max_bytes=60_000),
                "all",
                files.webp(1500, 260, lossless=True),
                {"side", "aspect"} | (set() if "webp" in limits.formats else {"format"}),
            )
    for limits in limits_of("audio"):
        yield Miss(limits, "ogg", files.ogg(1.0), {"format"})
        yield Miss(replace(limits, max_seconds=1.5), "long", files.wav(2.0), {"duration"})
        yield Miss(
            replace(limits, max_bytes=250_000, max_seconds=1),
            "bytes",
            files.wav(3.0, rate=48000),
            {"size", "duration"},
        )
    for limits in limits_of("video"):
        small = replace(limits, min_side=100, max_side=340)
        yield Miss(small, "mkv", files.video(2.2, muxer="matroska"), {"format"})
        yield Miss(small, "side", files.mp4(2.2, width=480, height=200), {"side"})
        yield Miss(replace(small, max_seconds=3), "long", files.mp4(3.5), {"duration"})
        yield Miss(
            replace(small, max_bytes=120_000), "bytes", files.mp4(2.2, noise=4_000_000), {"size"}
        )
        if limits.min_fps is not None:
            yield Miss(small, "slow", files.mp4(2.2, fps=15), {"fps"})
        if limits.max_fps is not None:
            yield Miss(replace(small, max_fps=30), "fast", files.mp4(2.2, fps=48), {"fps"})
        if limits.codecs:
            yield Miss(small, "mpeg4", files.mp4(2.2, codec="mpeg4"), {"codec"})
            yield Miss(small, "vp9", files.video(2.2, codec="libvpx-vp9", muxer="mp4"), {"codec"})
            yield Miss(
                small,
                "all",
                files.video(2.2, fps=12, width=400, height=200, codec="libvpx", muxer="webm"),
                {"format", "side", "fps", "codec"},
            )


@pytest.mark.parametrize("miss", list(misses()), ids=str)
def test_what_is_made_of_a_file_that_misses_a_limit_fits(miss: Miss, tmp_path: Path) -> None:
    source = files.write(tmp_path, "source", miss.data)
    facts = probe(source)
    assert {problem.kind for problem in miss.limits.problems(facts)} == miss.kinds
    fix = fix_for(miss.limits, facts)
    assert fix is not None
    target = tmp_path / "made"
    edit_queue._MAKERS[fix.recipe["do"]](source, target, fix.recipe, "")
    made = probe(target)
    assert miss.limits.problems(made) == []
    assert fix.slow == (made.kind == "video")
    assert fix_for(miss.limits, made) is None


def picture(**told: object) -> Facts:
    return replace(Facts("image", "jpeg", "image/jpeg", "jpg", 900_000, 1000, 1200), **told)  # type: ignore[arg-type]


def video(**told: object) -> Facts:
    return replace(
        Facts("video", "mp4", "video/mp4", "mp4", 900_000, 720, 1280, 10.0, 30.0, "h264"), **told
    )  # type: ignore[arg-type]


def sound(**told: object) -> Facts:
    return replace(Facts("audio", "wav", "audio/wav", "wav", 900_000, seconds=10.0), **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", limits_of("image"), ids=list(limits_of("image").values()))
def test_every_limit_of_a_picture_is_named_on_the_button(limits: Limits) -> None:
    assert fix_for(limits, picture()) is None
    assert limits.max_side is not None
    large = fix_for(limits, picture(width=limits.max_side + 1, height=limits.max_side))
    assert large is not None
    assert large.label == f"Scale it to {limits.max_side} px"
    if "webp" not in limits.formats:
        told = fix_for(limits, picture(format="webp"))
        assert told is not None
        assert told.label == "Convert it to JPG"
    if limits.max_bytes:
        told = fix_for(limits, picture(size=limits.max_bytes + 1))
        assert told is not None
        assert (told.label, told.recipe["max_bytes"]) == (
            f"Make it smaller than {limits.max_bytes // MIB} MB",
            limits.max_bytes,
        )
    if limits.max_aspect:
        told = fix_for(limits, picture(width=3500, height=1000, format="webp"))
        assert told is not None
        assert told.label.startswith("Crop it")


@pytest.mark.parametrize("limits", limits_of("video"), ids=list(limits_of("video").values()))
def test_every_limit_of_a_video_is_named_on_the_button(limits: Limits) -> None:
    assert fix_for(limits, video()) is None
    if limits.min_fps:
        told = fix_for(limits, video(fps=15.0))
        assert told is not None
        assert (told.label, told.slow) == ("Make it 24 frames per second", True)
    told = fix_for(limits, video(seconds=99.0, format="mkv"))
    assert told is not None
    assert told.label == f"Keep the first {limits.max_seconds:g} s and convert it to MP4 (H.264)"


def test_what_no_edit_can_mend_has_no_button() -> None:
    emo, dance = (
        entries.EMO.input("image_url").limits,
        entries.AA_TEMPLATE.input("video_url").limits,
    )
    speech = entries.EMO.input("audio_url").limits
    assert emo is not None
    assert dance is not None
    assert speech is not None
    assert fix_for(emo, picture(width=399)) is None, "nothing is scaled up"
    assert fix_for(emo, picture(width=12_000, height=500)) is None, (
        "scaled down it would be too narrow"
    )
    assert fix_for(dance, video(seconds=1.5)) is None, "nothing is made longer"
    assert fix_for(dance, video(width=400, height=1600)) is None, "a video is not cropped"
    assert fix_for(dance, sound()) is None
    assert fix_for(replace(speech, min_seconds=1), sound(seconds=0.5)) is None


SIDES = st.integers(min_value=1, max_value=12_000)


@example(
    width=4000, height=11_999, format_="jpeg", size=1
)  # three to one, but for a pixel that scaling rounds away
@given(
    width=SIDES,
    height=SIDES,
    format_=st.sampled_from(["jpeg", "png", "bmp", "webp"]),
    size=st.integers(1, 30 * MIB),
)
@hypothesis_settings(max_examples=300, deadline=None)
def test_a_fix_of_a_picture_has_room_for_every_limit(
    width: int, height: int, format_: str, size: int
) -> None:
    """By numbers alone: the box lies in the picture, and box and scale leave both sides where every
    model wants them."""
    facts = picture(width=width, height=height, format=format_, size=size)
    for limits in limits_of("image"):
        fix = fix_for(limits, facts)
        if fix is None:
            continue
        box = fix.recipe.get("box", [0, 0, width, height])
        assert 0 <= box[0] < box[2] <= width
        assert 0 <= box[1] < box[3] <= height
        wide, tall = box[2] - box[0], box[3] - box[1]
        scale = min(1.0, fix.recipe.get("max_side", 10**9) / max(wide, tall))
        made = replace(
            facts,
            width=round(wide * scale),
            height=round(tall * scale),
            size=1,
            format=fix.recipe.get("format", format_),
        )
        assert limits.problems(made) == [], (limits, fix)


def test_a_crop_meets_what_else_the_model_wants() -> None:
    limits = entries.AA.input("image_url").limits
    assert limits is not None
    recipe = crop_for(limits, picture(format="webp"), (10, 20, 700, 800), 2.5)
    assert recipe == {
        "do": "picture",
        "box": [10, 20, 700, 800],
        "angle": 2.5,
        "format": "jpeg",
        "max_side": 4096,
        "min_side": 225,
        "max_bytes": 5 * MIB,
    }
    assert "angle" not in crop_for(limits, picture(), (0, 0, 500, 500))


def test_a_part_of_a_video_meets_what_else_the_model_wants() -> None:
    limits = entries.AA_TEMPLATE.input("video_url").limits
    assert limits is not None
    assert cut_for(limits, video(), 1000, 4000) == {
        "do": "film",
        "start": 1000,
        "stop": 4000,
        "max_bytes": 200 * MIB,
    }
    long = cut_for(limits, video(seconds=200.0, fps=15.0), 10_000, 200_000)
    assert (long["fps"], long["start"], long["stop"]) == (24, 10_000, 69_950)


def test_frames_come_closer_to_the_face_and_never_closer_than_the_model_takes() -> None:
    limits = SimpleNamespace(min_side=400)
    face = (450, 200, 550, 320)
    found = frames_for(limits, picture(), (1, 1), face)  # type: ignore[arg-type]
    sides = [right - left for left, _top, right, _bottom in found]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == 1000
    assert 1 < len(sides) < 4
    assert min(sides) >= 400
    for left, top, right, bottom in found:
        assert left <= face[0] < face[2] <= right
        assert top <= face[1] < face[3] <= bottom
    assert len(frames_for(limits, picture(), (9, 16), None)) == 1  # type: ignore[arg-type]
