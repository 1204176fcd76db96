"""Videos as phones, screen recorders and pipes write them: length, rate, which track, which way up,
and what colour."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from jobs.catalogue.entries import MODELS
from studio.media import MediaError, poster, probe, strip_av_metadata, thumbnail, verify_video
from studio.media.edits import remake_video
from tests import files
from tests.intake import pictures

FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)


@pytest.mark.parametrize(
    ("muxer", "codec"),
    [("matroska", "libx264"), ("webm", "libvpx"), ("mp4", "libx264"), ("mov", "libx264")],
)
def test_a_video_lasts_as_long_as_its_pictures(tmp_path: Path, muxer: str, codec: str) -> None:
    """A screen recording whose sound went on."""
    path = files.write(tmp_path, "in", pictures.tracks(muxer, 1.5, 3.0, codec))
    facts = probe(path)
    assert (facts.seconds, facts.fps, facts.has_audio) == (pytest.approx(1.5), 30.0, True)
    copy = strip_av_metadata(path, facts, tmp_path / "clean")
    assert probe(tmp_path / "clean") == copy
    made = remake_video(path, tmp_path / "out.mp4")
    assert made.seconds == pytest.approx(1.5, abs=0.04)
    assert made.has_audio
    assert verify_video(tmp_path / "out.mp4").seconds == pytest.approx(1.5, abs=0.04)


@pytest.mark.parametrize("fps", [24, 25, 30])
@pytest.mark.parametrize("sound", [0.0, 2.3])
def test_a_fragmented_video_has_the_rate_of_its_frames(
    tmp_path: Path, fps: int, sound: float
) -> None:
    path = files.write(tmp_path, "in", pictures.tracks("mp4", 2, sound, fps=fps, options=FRAGMENTS))
    facts = probe(path)
    assert facts.fps == fps
    assert facts.seconds == pytest.approx(2.0, abs=0.001)
    assert remake_video(path, tmp_path / "out").seconds == pytest.approx(2.0, abs=0.05)


def test_a_video_of_a_pipe_is_counted(tmp_path: Path) -> None:
    data = pictures.piped_avi()
    path = files.write(tmp_path, "in", data)
    facts = probe(path)
    assert (facts.seconds, facts.fps) == (3.0, 30.0)
    copy = strip_av_metadata(path, facts, tmp_path / "clean")
    assert probe(tmp_path / "clean") == copy
    assert remake_video(tmp_path / "clean", tmp_path / "out").seconds == pytest.approx(3.0)


def test_frames_at_uneven_times(tmp_path: Path) -> None:
    """Price, length and sound agree within a frame."""
    path = files.write(tmp_path, "in", pictures.tracks("mp4", 2.0, 2.0, jitter=9))
    facts = probe(path)
    assert facts.seconds == pytest.approx(2.0, abs=1 / 30)
    assert facts.fps == pytest.approx(30, abs=0.5)
    made = remake_video(path, tmp_path / "out")
    assert made.seconds == pytest.approx(facts.seconds, abs=1 / 30)
    with av.open(str(tmp_path / "out")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        lengths = [float(s.duration * s.time_base) for s in (video, audio)]
    assert lengths[0] == pytest.approx(lengths[1], abs=1 / 30)


def test_of_two_tracks_the_one_that_a_player_shows(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", pictures.preview_first())
    facts = probe(path)
    assert (facts.width, facts.height, facts.fps, facts.codec) == (96, 64, 30.0, "h264")
    poster(path, tmp_path / "p")
    with Image.open(tmp_path / "p") as shown:
        assert shown.size == (96, 64)
    assert remake_video(path, tmp_path / "out").fps == 30.0


# matrix (a, b, c, d) → where the stored corners come to stand: top left, top right, bottom left
MATRICES = {
    (-1, 0, 0, 1): (files.GREEN, files.RED, files.YELLOW),
    (1, 0, 0, -1): (files.BLUE, files.YELLOW, files.RED),
    (0, 1, 1, 0): (files.RED, files.BLUE, files.GREEN),
    (0, -1, -1, 0): (files.YELLOW, files.GREEN, files.BLUE),
    (0, 1, -1, 0): (files.BLUE, files.RED, files.YELLOW),
    (-1, 0, 0, -1): (files.YELLOW, files.BLUE, files.GREEN),
}


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_mirrored_video_is_shown_as_players_show_it(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    data = pictures.with_matrix(files.mp4(0.4, 25, 96, 64), *matrix)
    path = files.write(tmp_path, "in", data)
    facts = probe(path)
    upright = matrix[0] != 0
    assert (facts.width, facts.height) == ((96, 64) if upright else (64, 96))
    thumbnail(path, facts, tmp_path / "t.webp")
    remake_video(path, tmp_path / "out.mp4")
    poster(tmp_path / "out.mp4", tmp_path / "p.webp")
    for name in ("t.webp", "p.webp"):
        with Image.open(tmp_path / name) as shown:
            picture: Any = shown.convert("RGB")
        right, low = picture.width - 9, picture.height - 9
        corners = [picture.getpixel(at) for at in ((8, 8), (right, 8), (8, low))]
        for found, meant in zip(corners, MATRICES[matrix], strict=True):
            assert max(abs(a - b) for a, b in zip(found, meant, strict=True)) < 50, (name, corners)


@pytest.mark.parametrize(
    ("pix_fmt", "size", "label"),
    [
        ("yuv444p", (96, 64), "h264 4:4:4"),
        ("yuv422p", (96, 64), "h264 4:2:2"),
        ("yuv444p", (95, 63), "h264 4:4:4"),
        ("yuv420p", (96, 64), "h264"),
    ],
)
def test_pictures_that_no_model_takes_are_offered_a_conversion(
    tmp_path: Path, pix_fmt: str, size: tuple[int, int], label: str
) -> None:
    path = files.write(tmp_path, "in", pictures.tracks("mp4", 1.0, 0, pix_fmt=pix_fmt, size=size))
    facts = probe(path)
    assert facts.codec == label
    limits = next(
        one.limits
        for model in MODELS.values()
        for one in model.inputs
        if one.limits is not None and one.limits.kind == "video" and one.limits.codecs
    )
    missed = {problem.kind for problem in limits.problems(facts)}
    assert ("codec" in missed) == (label != "h264")
    made = remake_video(path, tmp_path / "out")
    assert made.codec == "h264"
    assert made.width % 2 == made.height % 2 == 0


@pytest.mark.parametrize("pq", [False, True], ids=["HLG", "PQ"])
def test_a_bright_recording_has_the_colours_that_were_seen(tmp_path: Path, pq: bool) -> None:
    path = files.write(tmp_path, "in", pictures.hlg_video(pq=pq))
    facts = probe(path)
    assert facts.codec == "hevc HDR"
    thumbnail(path, facts, tmp_path / "t.webp")
    with Image.open(tmp_path / "t.webp") as shown:
        _assert_bands(shown.convert("RGB"))
    made = remake_video(path, tmp_path / "out.mp4")
    assert made.codec == "h264"
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame: Any = next(container.decode(video=0))
    assert frame.format.name == "yuv420p"
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)
    _assert_bands(frame.to_image())


def _assert_bands(picture: Any) -> None:
    third = picture.width / 3
    for number, meant in enumerate(pictures.BANDS):
        found = picture.getpixel((round(third * (number + 0.5)), picture.height // 2))
        assert max(abs(a - b) for a, b in zip(found, meant, strict=True)) < 14, (found, meant)


def heard(path: Path) -> float:
    """Seconds that decode of a file that may end in the middle."""
    samples = 0
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for packet in container.demux(stream):
            with suppress(av.error.FFmpegError):
                samples += sum(frame.samples for frame in packet.decode())
        return samples / stream.rate


@pytest.mark.parametrize("make", [files.flac, files.ogg])
def test_a_cut_recording_says_how_much_of_it_is_there(tmp_path: Path, make: Any) -> None:
    whole = make(6.0)
    if make is files.ogg:
        # The last page, which says how long it is, and half of the others.
        last = whole.rindex(b"OggS")
        half = whole.rindex(b"OggS", 0, len(whole) // 2)
        data = whole[:half] + whole[last:]
    else:
        data = whole[: len(whole) // 2]
    path = files.write(tmp_path, "in", data)
    with pytest.raises(
        MediaError, match=r"lasts 6\.0 s and only \d+\.\d s of it are there"
    ) as caught:
        probe(path)
    said = float(str(caught.value).partition("only ")[2].partition(" s")[0])
    assert said == pytest.approx(heard(path), abs=0.15)
