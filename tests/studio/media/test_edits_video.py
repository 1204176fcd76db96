"""Videos made anew for models and browsers, and videos given a sound without a change to their
picture."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from studio.media import Facts, MediaError, probe, verify_video
from studio.media.edits import EditError, remake_video, with_sound
from studio.media.edits.samples import runs
from tests import files


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def pictures(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        frames: Any = container.decode(video=0)
        return [frame.to_image() for frame in frames]


def coded(path: Path, which: str) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, which)[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def heard(path: Path) -> tuple[int, array[int]]:
    samples = array("h")
    rate = 0
    for run in runs(path):
        rate = run.rate
        samples += run.samples
    return rate, samples


def boxes(path: Path) -> list[bytes]:
    data, at, names = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        names.append(data[at + 4 : at + 8])
        at += size or len(data)
    return names


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("out")]


def grey_video(
    path: Path,
    levels: list[int],
    fps: int = 25,
    codec: str = "libx264",
    muxer: str = "mp4",
    pix_fmt: str = "yuv420p",
    stretch: int = 1,
) -> Path:
    """A video whose frames are plain greys, to tell them apart by."""
    with av.open(str(path), "w", format=muxer) as container:
        stream: Any = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        if stretch != 1:
            stream.codec_context.sample_aspect_ratio = Fraction(stretch)
        for level in levels:
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (level, level, level)))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def levels(path: Path) -> list[int]:
    return [picture.convert("L").getpixel((30, 20)) for picture in pictures(path)]  # type: ignore[misc]


@pytest.mark.parametrize(
    "make",
    [
        lambda: files.mp4(1.0, 25, 160, 120, audio=True),
        lambda: files.mp4(1.0, 30, 160, 120, codec="libx265"),
        lambda: files.avi(1.0, 25, 160, 120, audio=True),
        lambda: files.webm(1.0, audio=True),
        lambda: files.mov(1.0, 24, 160, 120),
    ],
)
def test_a_remade_video_is_what_models_take(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path, out = files.write(tmp_path, "in", make()), tmp_path / "out"
    before = probe(path)
    facts = remake_video(path, out)
    assert facts == probe(out)
    assert (facts.format, facts.codec, facts.width, facts.height) == ("mp4", "h264", 160, 120)
    assert (facts.has_audio, facts.audio_codec) == (
        before.has_audio,
        "aac" if before.has_audio else "",
    )
    assert facts.fps == before.fps
    assert verify_video(out).seconds == pytest.approx(before.seconds, abs=0.02)
    assert boxes(out).index(b"moov") < boxes(out).index(b"mdat")
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert container.streams.video[0].start_time == 0


def test_every_rate_is_steady_and_frames_come_at_their_time(tmp_path: Path) -> None:
    shades = [20 + 20 * n for n in range(10)]
    path, out = grey_video(tmp_path / "in", shades, fps=10), tmp_path / "out"
    assert remake_video(path, out).fps == 24  # the slowest that models take
    assert times(out) == pytest.approx([n / 24 for n in range(24)], abs=1e-4)
    remake_video(path, out, fps=30)
    assert times(out) == pytest.approx([n / 30 for n in range(30)], abs=1e-4)
    assert levels(out) == pytest.approx([shade for shade in shades for _ in range(3)], abs=3)
    fast = grey_video(tmp_path / "fast", [20 + 3 * n for n in range(60)], fps=60)
    facts = remake_video(fast, out, fps=30)
    assert (facts.fps, facts.seconds) == (30, 1.0)
    assert levels(out) == pytest.approx([20 + 6 * n for n in range(30)], abs=4)


def test_a_part_starts_and_ends_at_its_frames_with_its_sound(tmp_path: Path) -> None:
    path, out = (
        files.write(tmp_path, "in", files.mp4(1.6, 25, 64, 48, audio=True)),
        tmp_path / "out",
    )
    facts = remake_video(path, out, start=0.4, stop=1.2)
    assert (facts.seconds, facts.has_audio) == (0.8, True)
    assert len(times(out)) == 20
    rate, before = heard(path)
    rate_after, after = heard(out)
    assert rate == rate_after == 48000
    assert len(after) == pytest.approx(0.8 * 48000, abs=1024)
    # The tone of the part, sample for sample: shifted by a quarter of its period the difference
    # would be as large as the tone.
    part = before[19200 : 19200 + 30000]
    assert sum(abs(a - b) for a, b in zip(part, after, strict=False)) < 0.03 * sum(map(abs, part))
    assert not remake_video(path, out, keep_sound=False).has_audio


def test_the_part_shows_the_frames_of_its_time(tmp_path: Path) -> None:
    path, out = grey_video(tmp_path / "in", [20 + 8 * n for n in range(25)]), tmp_path / "out"
    remake_video(path, out, start=0.2, stop=0.4)
    assert levels(out) == pytest.approx([60, 68, 76, 84, 92], abs=3)
    remake_video(path, out, start=0.9, stop=math.inf)
    assert len(levels(out)) == pytest.approx(2.5, abs=1)


def test_sound_that_starts_late_stays_late(tmp_path: Path) -> None:
    path = tmp_path / "in"
    late = 12000  # samples: a quarter of a second
    with av.open(str(path), "w", format="matroska") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        speech: Any = container.add_stream("pcm_s16le", rate=48000)
        speech.layout = "mono"
        for _ in range(25):
            container.mux(video.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48)))))  # type: ignore[no-untyped-call]
        container.mux(video.encode(None))
        frame = av.AudioFrame(format="s16", layout="mono", samples=4800)
        frame.planes[0].update(
            (array("h", [9000, -9000]) * 2400).tobytes().ljust(frame.planes[0].buffer_size, b"\0")
        )
        frame.sample_rate, frame.pts, frame.time_base = 48000, late, Fraction(1, 48000)
        container.mux(speech.encode(frame))
        container.mux(speech.encode(None))
    for start, begins in ((0.0, 0.25), (0.2, 0.05)):
        assert remake_video(path, tmp_path / "out", start=start).has_audio
        rate, samples = heard(tmp_path / "out")
        loud = next(n for n, value in enumerate(samples) if abs(value) > 1500)
        assert loud / rate == pytest.approx(begins, abs=0.02)


def test_sound_stays_in_step_after_a_hole_in_it(tmp_path: Path) -> None:
    """Recorders of screens leave out the sound where there is none; players wait there."""
    path, clicks = (
        tmp_path / "in",
        (0, 48000),
    )  # samples: a tenth of a second at the start and one a second later
    with av.open(str(path), "w", format="matroska") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        speech: Any = container.add_stream("pcm_s16le", rate=48000)
        speech.layout = "mono"
        for _ in range(40):
            container.mux(video.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48)))))  # type: ignore[no-untyped-call]
        container.mux(video.encode(None))
        for at in clicks:
            frame = av.AudioFrame(format="s16", layout="mono", samples=4800)
            frame.planes[0].update(
                (array("h", [9000, -9000]) * 2400)
                .tobytes()
                .ljust(frame.planes[0].buffer_size, b"\0")
            )
            frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
            container.mux(speech.encode(frame))
        container.mux(speech.encode(None))
    silent = files.write(tmp_path, "video", files.mp4(1.6, 25, 64, 48))
    makes: list[Callable[[Path], Facts]] = [
        lambda out: remake_video(path, out),
        lambda out: with_sound(silent, path, out),
    ]
    for make in makes:
        make(tmp_path / "out")
        rate, samples = heard(tmp_path / "out")
        assert max(map(abs, samples[round(0.3 * rate) : round(0.9 * rate)])) < 500
        loud = next(n for n in range(round(0.5 * rate), len(samples)) if abs(samples[n]) > 3000)
        assert loud / rate == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_turned_video_is_upright_for_good(tmp_path: Path, quarter: int) -> None:
    path, out = files.write(tmp_path, "in", files.turned_mp4(quarter, 160, 120)), tmp_path / "out"
    facts = remake_video(path, out)
    assert (facts.width, facts.height) == ((120, 160) if quarter % 2 else (160, 120))
    with av.open(str(out)) as container:
        frame: Any = next(container.decode(video=0))
        assert frame.rotation == 0
        corner = frame.to_image().getpixel((12, 12))
    expected = [files.RED, files.BLUE, files.YELLOW, files.GREEN][quarter]
    assert all(abs(a - b) < 40 for a, b in zip(corner, expected, strict=True)), (corner, expected)


def test_sides_are_even_within_the_longest_and_never_larger(tmp_path: Path) -> None:
    path, out = files.write(tmp_path, "in", files.mp4(0.2, 25, 318, 240)), tmp_path / "out"
    for max_side, size in (
        (None, (318, 240)),
        (5000, (318, 240)),
        (201, (200, 150)),
        (101, (100, 76)),
        (1, (16, 16)),
    ):
        facts = remake_video(path, out, max_side=max_side)
        assert (facts.width, facts.height) == size
    odd = tmp_path / "odd"
    with av.open(str(odd), "w", format="avi") as container:
        stream: Any = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 75, 51, "yuvj420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (75, 51)))))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    facts = remake_video(odd, out)
    assert (facts.width, facts.height) == (74, 50)


def test_pixels_become_square_and_full_range_keeps_its_brightness(tmp_path: Path) -> None:
    facts = remake_video(grey_video(tmp_path / "wide", [100] * 3, stretch=2), tmp_path / "out")
    assert (facts.width, facts.height) == (128, 48)
    full = grey_video(
        tmp_path / "full", [10, 128, 245], codec="mjpeg", muxer="avi", pix_fmt="yuvj420p"
    )
    remake_video(full, tmp_path / "out")
    assert levels(tmp_path / "out") == pytest.approx([10, 128, 245], abs=3)


def test_max_bytes_is_met_with_fewer_bits(tmp_path: Path) -> None:
    path, out = (
        files.write(tmp_path, "in", files.mp4(0.6, 25, 96, 64, audio=True, noise=2_000_000)),
        tmp_path / "out",
    )
    full = remake_video(path, out).size
    facts = remake_video(path, out, max_bytes=full // 2)
    assert facts.size == out.stat().st_size <= full // 2
    assert (facts.seconds, facts.has_audio, facts.width) == (0.6, True, 96)
    assert verify_video(out).fps == 25
    with pytest.raises(EditError, match="do not fit into 6,000 bytes") as caught:
        remake_video(path, tmp_path / "out2", max_bytes=6_000)
    assert caught.value.code == "too-large"
    assert not (tmp_path / "out2").exists()


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0.5, 0.5),
        (0.5, 0.2),
        (-1.0, None),
        (0.4, 0.3),
        (9.0, None),
        (math.nan, None),
        (0.0, math.nan),
        (math.inf, None),
    ],
)
def test_parts_without_a_video(tmp_path: Path, start: float, stop: float | None) -> None:
    with pytest.raises(EditError) as caught:
        remake_video(
            files.write(tmp_path, "in", files.mp4(0.4, 25, 64, 48)),
            tmp_path / "out",
            start=start,
            stop=stop,
        )
    assert caught.value.code == "bad-range"
    assert left_behind(tmp_path) == []


def wild_times() -> bytes:
    """A video whose every frame says that it lasts three hours."""
    data = bytearray(files.mp4(0.4, 25, 64, 48))
    at = data.index(b"stts") + 12
    struct.pack_into(">I", data, at + 4, 0x7FFFFFF)
    return bytes(data)


BAD: dict[str, Callable[[], bytes]] = {
    "cut MP4": lambda: files.truncated(files.mp4(0.4)),
    "cut WebM": lambda: files.truncated(files.webm(2.0), 0.4),
    "cut AVI": lambda: files.truncated(files.avi(0.4)),
    "sound": lambda: files.wav(0.2),
    "sound in MP4": lambda: files.m4a(0.5),
    "picture": lambda: files.jpeg(40, 40),
    "web page": files.html,
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_videos(tmp_path: Path, name: str) -> None:
    path = files.write(tmp_path, "in", BAD[name]())
    with pytest.raises(MediaError):
        remake_video(path, tmp_path / "out")
    with pytest.raises(MediaError):
        with_sound(path, files.write(tmp_path, "sound", files.wav(0.2)), tmp_path / "out")
    assert left_behind(tmp_path) == []


def test_a_clock_gone_wild_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.media.edits.video.VERIFY_SECONDS", 0.5)
    with pytest.raises(MediaError, match="takes too long"):
        remake_video(files.write(tmp_path, "in", wild_times()), tmp_path / "out")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_give_a_video_or_a_sentence(tmp_path: Path, seed: int) -> None:
    from random import Random

    chance = Random(seed)
    data = bytearray(files.mp4(0.4, 25, 64, 48, audio=True))
    for _ in range(1 + seed * 3):
        data[chance.randrange(32, len(data))] = chance.randrange(256)
    path = files.write(tmp_path, "in", bytes(data))
    good = files.write(tmp_path, "good", files.mp4(0.4, 25, 64, 48))
    wishes: list[Callable[[Path], object]] = [
        lambda out: remake_video(path, out, stop=2),
        lambda out: with_sound(path, path, out),
        lambda out: with_sound(good, path, out),
    ]
    for count, wish in enumerate(wishes):
        out = tmp_path / f"out{count}"
        try:
            wish(out)
        except MediaError:
            assert not out.exists()
        else:
            assert probe(out).kind == "video"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("make", "copied"),
    [
        (lambda: files.wav(2.0), False),
        (lambda: files.mp3(2.0), False),
        (lambda: files.aac(2.0), False),
        (lambda: files.m4a(2.0), True),
        (lambda: files.mp4(2.0, 25, 64, 48, audio=True), True),
        (lambda: files.avi(2.0, 25, 64, 48, audio=True), False),
    ],
)
def test_the_picture_is_copied_and_the_sound_ends_with_it(
    tmp_path: Path, make: Callable[[], bytes], copied: bool
) -> None:
    video, sound, out = (
        files.write(tmp_path, "video", files.mp4(1.0, 25, 160, 120)),
        files.write(tmp_path, "sound", make()),
        tmp_path / "out",
    )
    facts = with_sound(video, sound, out)
    assert (facts.codec, facts.audio_codec, facts.width, facts.seconds, facts.fps) == (
        "h264",
        "aac",
        160,
        1.0,
        25,
    )
    assert coded(out, "video") == coded(video, "video")
    assert times(out) == times(video)
    assert boxes(out).index(b"moov") < boxes(out).index(b"mdat")
    rate, samples = heard(out)
    assert 1.0 - 0.03 <= len(samples) / rate <= 1.0 + 1024 / rate
    packets = coded(out, "audio")
    assert (packets == coded(sound, "audio")[: len(packets)]) is copied
    source_rate, source = heard(sound)
    assert rate == source_rate
    # In step to the sample: the tone of 220 Hz would differ by its own size when shifted by a
    # millisecond.
    span = round(0.9 * rate)
    assert sum(abs(a - b) for a, b in zip(source[:span], samples[:span], strict=True)) < 0.1 * sum(
        map(abs, source[:span])
    )


def test_shorter_sound_just_ends(tmp_path: Path) -> None:
    video, sound = (
        files.write(tmp_path, "video", files.mp4(1.0, 25, 64, 48)),
        files.write(tmp_path, "sound", files.wav(0.4)),
    )
    facts = with_sound(video, sound, tmp_path / "out")
    assert facts.seconds == 1.0
    rate, samples = heard(tmp_path / "out")
    assert len(samples) / rate == pytest.approx(0.4, abs=1024 / rate)


def test_a_turned_video_stays_turned_and_its_own_sound_gives_way(tmp_path: Path) -> None:
    video = files.write(tmp_path, "video", files.turned_mp4(1, 160, 120))
    facts = with_sound(video, files.write(tmp_path, "sound", files.wav(0.5)), tmp_path / "out")
    assert (facts.width, facts.height) == (120, 160)
    loud = files.write(tmp_path, "loud", files.mp4(0.4, 25, 64, 48, audio=True))
    with_sound(loud, files.write(tmp_path, "silence", files.wav(1.0, loud=0.0)), tmp_path / "out")
    assert max(map(abs, heard(tmp_path / "out")[1])) < 10


def test_with_sound_needs_a_sound_and_an_mp4(tmp_path: Path) -> None:
    video, wav = (
        files.write(tmp_path, "video", files.mp4(0.4, 25, 64, 48)),
        files.write(tmp_path, "wav", files.wav(0.4)),
    )
    cases = (
        (video, video, "no-stream"),
        (video, files.write(tmp_path, "p", files.jpeg(40, 40)), "no-stream"),
        (wav, wav, "no-stream"),
    )
    prores = grey_video(
        tmp_path / "prores", [9, 9], codec="prores_ks", muxer="mov", pix_fmt="yuv422p10le"
    )
    for picture, sound, code in (
        *cases,
        (prores, wav, "not-supported"),
        (files.write(tmp_path, "avi", files.avi(0.4)), wav, "not-supported"),
    ):
        with pytest.raises(MediaError) as caught:
            with_sound(picture, sound, tmp_path / "out")
        assert caught.value.code == code
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("fps", [25.2, 28.4, 30.02])
def test_a_part_lasts_at_least_as_long_as_asked_at_every_rate(tmp_path: Path, fps: float) -> None:
    """Rounded to the nearest frame, the least length that a model takes would miss it by half a
    frame."""
    path = files.write(tmp_path, "in", files.mp4(2.6, 25, 64, 48))
    seconds = remake_video(path, tmp_path / "out", start=0.2, stop=2.2, fps=fps).seconds
    assert 2.0 <= seconds <= 2.0 + 1 / fps


def test_a_video_in_h265_with_sound_plays_in_safari(tmp_path: Path) -> None:
    """Apple's players open H.265 only under the name hvc1, which keeps its headers out of the
    frames."""
    video, sound = (
        files.write(tmp_path, "video", files.mp4(0.4, codec="libx265")),
        files.write(tmp_path, "sound", files.wav(0.4)),
    )
    out = tmp_path / "out"
    assert b"hev1" in video.read_bytes()
    facts = with_sound(video, sound, out)
    assert facts.codec == "hevc"
    assert b"hvc1" in out.read_bytes()
    assert b"hev1" not in out.read_bytes()
    assert coded(out, "video") == coded(video, "video")
