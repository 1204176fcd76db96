"""Videos whose pictures end before their sound: how long the sound lasts, and the last picture held
until then."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import ImageChops, ImageStat

from studio.media import Facts, probe, strip_av_metadata
from studio.media.edits import held_seconds, remake_video
from tests import files
from tests.intake import pictures
from tests.intake.test_videos import FRAGMENTS

KINDS = [
    ("matroska", "libx264", ()),
    ("webm", "libvpx", ()),
    ("mp4", "libx264", ()),
    ("mov", "libx264", ()),
    ("mp4", "libx264", FRAGMENTS),
    ("avi", "mpeg4", ()),
]


def sound_of(path: Path) -> float:
    """How long its sound plays, decoded."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = [
            (frame.time or 0.0) + frame.samples / frame.rate for frame in container.decode(stream)
        ]
    return max(frames)


def last_pictures(path: Path, count: int) -> list[object]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)][-count:]


@pytest.mark.parametrize("case", KINDS, ids=lambda kind: f"{kind[0]}{'-parts' * bool(kind[2])}")
@pytest.mark.parametrize(("fps", "seconds"), [(30, 3.0), (24, 2.27)])
def test_a_held_video_lasts_as_long_as_its_sound(
    tmp_path: Path, case: tuple[str, str, tuple[tuple[str, str], ...]], fps: int, seconds: float
) -> None:
    """Within a frame, and so does the length that its price is worked out from."""
    muxer, codec, options = case
    data = pictures.tracks(muxer, 1.0, seconds, codec, fps=fps, options=options)
    path = files.write(tmp_path, "in", data)
    facts = probe(path)
    assert facts.seconds == pytest.approx(
        1.0, abs=1.01 / fps
    )  # AVI counts a frame that a B-frame delays
    assert facts.sound_seconds == pytest.approx(sound_of(path), abs=1 / fps)
    copy = strip_av_metadata(path, facts, tmp_path / "clean")
    assert copy.sound_seconds == pytest.approx(facts.sound_seconds, abs=0.001)
    promised = held_seconds(copy)
    made = remake_video(tmp_path / "clean", tmp_path / "out.mp4", hold=True)
    assert made.seconds == pytest.approx(promised, abs=0.002)
    assert made.seconds == pytest.approx(sound_of(tmp_path / "out.mp4"), abs=1 / made.fps + 0.022)
    assert held_seconds(made) == 0.0, "nothing is left to hold"


def test_what_is_held_is_the_last_picture(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", pictures.tracks("mp4", 1.0, 2.0))
    remake_video(path, tmp_path / "out.mp4", hold=True)
    shown = last_pictures(tmp_path / "out.mp4", 31)
    assert len(shown) == 31
    for one in shown[1:]:
        change = ImageStat.Stat(ImageChops.difference(shown[0], one)).mean  # type: ignore[arg-type]
        assert max(change) < 3, "it stands still"
    last = last_pictures(path, 1)[0]
    change = ImageStat.Stat(ImageChops.difference(last, shown[-1])).mean  # type: ignore[arg-type]
    assert max(change) < 6


def test_a_held_video_keeps_what_else_is_asked(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", pictures.tracks("mp4", 1.0, 4.0))
    made = remake_video(path, tmp_path / "out.mp4", hold=True, start=0.5, stop=2.5, fps=25)
    assert (made.seconds, made.fps) == (pytest.approx(2.0, abs=0.041), 25)
    plain = remake_video(path, tmp_path / "plain.mp4", stop=2.5)
    assert plain.seconds == pytest.approx(1.0, abs=0.04), "held only when that is asked"


@pytest.mark.parametrize(
    ("seconds", "sound", "held"),
    [
        (2.0, 3.0, 3.0),
        (2.0, 2.99, 3.0),
        (2.0, 2.49, 0.0),
        (2.0, 1.0, 0.0),
        (2.0, 0.0, 0.0),
        (2.0, 700.0, 0.0),
    ],
)
def test_holding_is_offered_where_something_is_gained(
    seconds: float, sound: float, held: float
) -> None:
    facts = Facts("video", "mp4", "video/mp4", "mp4", 1, 96, 64, seconds, 30.0, sound_seconds=sound)
    assert held_seconds(facts) == held


def test_a_sound_that_begins_before_its_pictures_ends_where_it_is_heard(tmp_path: Path) -> None:
    """A camera that switches its picture on late."""
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w", format="matroska") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = out.add_stream("pcm_s16le", rate=16000)
        audio.layout = "mono"
        for n in range(25):
            frame = av.VideoFrame.from_image(files.quarters(96, 64, n))
            frame.pts, frame.time_base = n + 25, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for n in range(150):
            sound = av.AudioFrame(format="s16", layout="mono", samples=320)
            sound.planes[0].update(bytes(sound.planes[0].buffer_size))
            sound.sample_rate, sound.pts = 16000, n * 320
            sound.time_base = Fraction(1, 16000)
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    facts = probe(path)
    assert facts.sound_seconds == pytest.approx(2.0, abs=0.03)
    made = remake_video(path, tmp_path / "out.mp4", hold=True)
    assert made.seconds == pytest.approx(2.0, abs=0.04)
