"""Sound cut to the sample, its silences measured, and long speech parted."""

from __future__ import annotations

import io
import math
import struct
import tracemalloc
import wave
from array import array
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.media import MediaError, probe
from studio.media.edits import (
    EditError,
    Silences,
    cut_sound,
    find_silences,
    samples,
    split_points,
    without,
)
from tests import files

RATE = 16000


def wav(samples: array[int], rate: int = RATE, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def tone(seconds: float, level: int = 8000, rate: int = RATE) -> array[int]:
    return array(
        "h",
        (
            round(level * math.sin(2 * math.pi * 200 * n / rate))
            for n in range(round(seconds * rate))
        ),
    )


def hush(seconds: float, rate: int = RATE) -> array[int]:
    return array("h", bytes(2 * round(seconds * rate)))


def read(path: Path) -> tuple[int, int, array[int]]:
    with wave.open(str(path), "rb") as file:
        assert file.getsampwidth() == 2
        return (
            file.getframerate(),
            file.getnchannels(),
            array("h", file.readframes(file.getnframes())),
        )


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("out")]


def test_a_cut_holds_exactly_its_samples(tmp_path: Path) -> None:
    samples = array("h", ((n * 7919) % 60000 - 30000 for n in range(22050)))
    path, out = files.write(tmp_path, "in", wav(samples, 22050)), tmp_path / "out"
    facts = cut_sound(path, out, 0.1001, 0.5004)
    first, count = round(0.1001 * 22050), round((0.5004 - 0.1001) * 22050)
    assert read(out) == (22050, 1, samples[first : first + count])
    assert facts == probe(out)
    assert (facts.format, facts.codec, facts.seconds) == (
        "wav",
        "pcm_s16le",
        round(count / 22050, 6),
    )
    assert cut_sound(path, out, 0.9, 50).seconds == pytest.approx(0.1)
    assert read(out)[2] == samples[19845:]
    cut_sound(path, out, 0.0, math.inf)
    assert read(out)[2] == samples


def test_both_channels_stay_and_a_third_rate_is_halved(tmp_path: Path) -> None:
    samples = array("h", (n % 2000 for n in range(8000)))
    path, out = files.write(tmp_path, "in", wav(samples, 8000, 2)), tmp_path / "out"
    cut_sound(path, out, 0.1, 0.2)
    assert read(out) == (8000, 2, samples[1600:3200])
    cut_sound(files.write(tmp_path, "in", files.wav(1.0, 96000)), out, 0.25, 0.75)
    rate, channels, cut = read(out)
    assert (rate, channels, len(cut)) == (48000, 1, 24000)
    expected = files.wav(1.0, 48000)[44:]
    original = array("h", expected)[12000:36000]
    assert max(abs(a - b) for a, b in zip(cut, original, strict=True)) < 60


@pytest.mark.parametrize(
    ("make", "rate"),
    [
        (lambda: files.mp3(1.5), 44100),
        (lambda: files.mp3(1.5, header=False), 44100),
        (lambda: files.m4a(1.5), 44100),
        (lambda: files.flac(1.5), 44100),
        (lambda: files.ogg(1.5), 48000),
        (lambda: files.mp4(1.5, audio=True, width=64, height=64), 48000),
    ],
)
def test_parts_of_coded_sound_join_to_the_whole(
    tmp_path: Path, make: Callable[[], bytes], rate: int
) -> None:
    path = files.write(tmp_path, "in", make())
    cut_sound(path, tmp_path / "all", 0, 1.4)
    cut_sound(path, tmp_path / "a", 0, 0.3)
    cut_sound(path, tmp_path / "b", 0.3, 1.4)
    whole, first, second = read(tmp_path / "all"), read(tmp_path / "a"), read(tmp_path / "b")
    assert whole[:2] == first[:2] == second[:2] == (rate, 1)
    assert (len(whole[2]), len(first[2])) == (round(1.4 * rate), round(0.3 * rate))
    assert first[2] + second[2] == whole[2]
    assert max(whole[2]) > 15000


@pytest.mark.parametrize(
    "make",
    [files.wav, files.mp3, lambda seconds: files.mp3(seconds, vbr=True), files.m4a, files.flac],
)
def test_what_lies_long_before_a_part_is_not_decoded_and_the_part_is_the_same(
    tmp_path: Path, make: Callable[[float], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A speech of an hour is parted into sixty videos with one click."""
    path = files.write(tmp_path, "in", make(4.0))
    cut_sound(path, tmp_path / "plain", 2.9, 3.5)
    without(path, tmp_path / "parted", [(0, 2.9), (3.1, 3.2), (3.5, 9)])
    monkeypatch.setattr(samples, "SKIP_FROM", 1.0)
    assert sum(run.frames / run.rate for run in samples.runs(path, skip=2.9)) < 3.0
    wishes: dict[str, Callable[[Path], object]] = {
        "plain": lambda out: cut_sound(path, out, 2.9, 3.5),
        "parted": lambda out: without(path, out, [(0, 2.9), (3.1, 3.2), (3.5, 9)]),
    }
    for name, wish in wishes.items():
        wish(tmp_path / "quick")
        (rate, channels, now), (rate_before, channels_before, before) = (
            read(tmp_path / "quick"),
            read(tmp_path / name),
        )
        assert (rate, channels, len(now)) == (rate_before, channels_before, len(before))
        # An AAC decoder rounds as it was rounded before; one sample beside its place the tone would
        # differ by hundreds.
        assert max(abs(a - b) for a, b in zip(now, before, strict=True)) <= 2
    with pytest.raises(EditError, match="lasts 4"):
        cut_sound(path, tmp_path / "quick", 5.0, 6.0)


def test_many_cuts_leave_exactly_the_milliseconds_that_were_promised(tmp_path: Path) -> None:
    """Each edge rounded by itself would add up: a video is billed by the millisecond."""
    path, out = files.write(tmp_path, "in", wav(tone(10.0, rate=11025), 11025)), tmp_path / "out"
    pieces: list[tuple[int, int]] = []
    at = 0
    for _piece in range(60):
        # Edges whose rounding errors all point the same way.
        start = next(n for n in range(at + 20, at + 90) if 0.3 < (n * 11.025) % 1 < 0.49)
        stop = next(n for n in range(start + 60, start + 130) if 0.5 <= (n * 11.025) % 1 < 0.7)
        pieces, at = [*pieces, (start, stop)], stop
    gaps = [
        (0, pieces[0][0]),
        *((a[1], b[0]) for a, b in pairwise(pieces)),
        (pieces[-1][1], 20_000),
    ]
    facts = without(path, out, [(start / 1000, stop / 1000) for start, stop in gaps])
    assert round(facts.seconds * 1000) == sum(stop - start for start, stop in pieces)


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0.5, 0.5),
        (0.6, 0.5),
        (-0.1, 0.5),
        (1.0, 2.0),
        (9.0, 10.0),
        (math.nan, 1.0),
        (0.0, math.nan),
        (0.5, 0.500001),
    ],
)
def test_ranges_without_sound(tmp_path: Path, start: float, stop: float) -> None:
    with pytest.raises(EditError) as caught:
        cut_sound(files.write(tmp_path, "in", files.wav(1.0)), tmp_path / "out", start, stop)
    assert caught.value.code == "bad-range"
    assert left_behind(tmp_path) == []


def test_quiet_finds_every_silence(tmp_path: Path) -> None:
    parts = [hush(0.5), tone(0.4), hush(0.35), tone(0.3), hush(0.1), tone(0.2), hush(0.25)]
    samples = sum(parts[1:], parts[0])
    found = find_silences(files.write(tmp_path, "in", wav(samples)))
    assert found == Silences(
        0.5,
        pytest.approx(0.25),
        ((0.9, 1.25),),
        pytest.approx(20 * math.log10(8000 / 32768 / math.sqrt(2)), abs=0.02),
        False,
    )  # type: ignore[arg-type]
    assert found.seconds == 2.1
    assert find_silences(tmp_path / "in", least=0.05).pauses == ((0.9, 1.25), (1.55, 1.65))
    assert find_silences(tmp_path / "in", least=0.36).pauses == ()


def test_the_floor_is_relative_to_the_loudest(tmp_path: Path) -> None:
    whisper = tone(0.5, 40)
    path = files.write(tmp_path, "in", wav(whisper + tone(0.5, 20000)))
    assert find_silences(path).lead == 0.5
    assert find_silences(path, floor_db=-60).lead == 0.0
    assert find_silences(files.write(tmp_path, "in", wav(whisper))).lead == 0.0


def test_digital_silence_is_all_lead(tmp_path: Path) -> None:
    assert find_silences(files.write(tmp_path, "in", wav(hush(0.755)))) == Silences(
        0.755, 0.0, (), -120.0, False
    )


@pytest.mark.parametrize(
    ("run", "clipped"),
    [
        ([32767] * 3, True),
        ([32767] * 2, False),
        ([-32768] * 3, True),
        ([32767, -32768, 32767], False),
        ([32766] * 9, False),
    ],
)
@pytest.mark.parametrize("at", [159, 400])
def test_clipping_is_a_run_at_full_scale_even_over_the_edge_of_a_window(
    tmp_path: Path, run: list[int], clipped: bool, at: int
) -> None:
    samples = tone(0.1)
    samples[at - 1 : at - 1 + len(run)] = array("h", run)
    assert find_silences(files.write(tmp_path, "in", wav(samples))).clipped is clipped
    # In stereo the channels are looked at one by one.
    both = array("h", (value for sample in samples for value in (0, sample)))
    assert find_silences(files.write(tmp_path, "in", wav(both, channels=2))).clipped is clipped


def test_sound_is_streamed(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", wav(hush(15.0, 48000), 48000))
    tracemalloc.start()
    try:
        cut_sound(path, tmp_path / "out", 1.0, 14.0)
        without(path, tmp_path / "out", [(5.0, 9.0)])
        assert tracemalloc.get_traced_memory()[1] < 300_000  # of 1.4 million bytes
    finally:
        tracemalloc.stop()


def test_without_joins_what_is_left_and_fades_at_the_joint_only(tmp_path: Path) -> None:
    level = array("h", [10000]) * RATE
    path, out = files.write(tmp_path, "in", wav(level)), tmp_path / "out"
    facts = without(path, out, [(0.7, 0.8), (0.25, 0.5), (0.4, 0.5)])
    assert facts == probe(out)
    samples = read(out)[2]
    assert len(samples) == round(0.65 * RATE)
    joints = [4000, 4000 + 3200]
    for at in joints:
        assert max(abs(samples[at - 1]), abs(samples[at])) < 100
        assert list(samples[at - 80 : at]) == sorted(samples[at - 80 : at], reverse=True)
        assert list(samples[at : at + 80]) == sorted(samples[at : at + 80])
    faded = {n for at in joints for n in range(at - 80, at + 80)}
    assert {samples[n] for n in range(len(samples)) if n not in faded} == {10000}


def test_without_the_ends(tmp_path: Path) -> None:
    ramp = array("h", (n % 30000 for n in range(RATE)))
    path, out = files.write(tmp_path, "in", wav(ramp)), tmp_path / "out"
    without(path, out, [(-1.0, 0.25), (0.75, math.inf)])
    assert read(out)[2][80:-80] == ramp[4080:11920]
    without(path, out, [])
    assert read(out)[2] == ramp
    without(path, out, [(5.0, 6.0)])
    assert read(out)[2] == ramp
    stereo = array("h", (value for n in range(RATE) for value in (n % 9000, -(n % 9000))))
    without(files.write(tmp_path, "in", wav(stereo, channels=2)), out, [(0.25, 0.75)])
    cut = read(out)
    assert cut[:2] == (RATE, 2)
    assert cut[2][:7840] == stereo[:7840]
    assert cut[2][0::2] == array("h", (-value for value in cut[2][1::2]))


@pytest.mark.parametrize(
    "cuts",
    [
        [(0.0, 2.0)],
        [(0.0, 0.6), (0.5, math.inf)],
        [(0.5, 0.5)],
        [(0.6, 0.5)],
        [(math.nan, 0.5)],
        [(0.1, math.nan)],
    ],
)
def test_cuts_that_leave_nothing_or_are_none(
    tmp_path: Path, cuts: list[tuple[float, float]]
) -> None:
    with pytest.raises(EditError) as caught:
        without(files.write(tmp_path, "in", files.wav(1.0)), tmp_path / "out", cuts)
    assert caught.value.code == "bad-range"
    assert left_behind(tmp_path) == []


def absurd(rate: int) -> bytes:
    data = bytearray(files.wav(0.1))
    struct.pack_into("<I", data, 24, rate)
    return bytes(data)


BAD = {
    "no samples": wav(array("h")),
    "absurd rate": absurd(0x7FFFFFFF),
    "no rate": absurd(0),
    "cut to its header": files.wav(1.0)[:44],
    "cut MP4": files.truncated(files.mp4(0.5, audio=True)),
    "picture": files.jpeg(40, 40),
    "silent video": files.mp4(0.2),
    "web page": files.html(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_sound(tmp_path: Path, name: str) -> None:
    path, out = files.write(tmp_path, "in", BAD[name]), tmp_path / "out"
    wishes: list[Callable[[], object]] = [
        lambda: cut_sound(path, out, 0, 0.5),
        lambda: find_silences(path),
        lambda: without(path, out, [(0.1, 0.2)]),
    ]
    for wish in wishes:
        with pytest.raises(MediaError):
            wish()
    assert left_behind(tmp_path) == []


def test_a_cut_mp3_gives_what_there_is(tmp_path: Path) -> None:
    path = files.write(tmp_path, "in", files.truncated(files.mp3(2.0)))
    assert cut_sound(path, tmp_path / "out", 0.5, 5).seconds == pytest.approx(0.5, abs=0.06)


PAUSES = st.lists(st.tuples(st.floats(0, 400), st.floats(0.3, 4)), max_size=30).map(
    lambda rows: [(start, start + length) for start, length in rows]
)


@given(st.floats(0.1, 400), PAUSES, st.floats(2, 80), st.floats(0.1, 5))
def test_parts_cover_all_without_a_gap(
    seconds: float, pauses: list[tuple[float, float]], longest: float, least: float
) -> None:
    parts = split_points(seconds, pauses, longest, least)
    assert parts[0][0] == 0.0
    assert parts[-1][1] == seconds
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    assert len(parts) == math.ceil(seconds / longest)
    lengths = [stop - start for start, stop in parts]
    assert max(lengths) <= longest + 1e-6
    assert min(lengths) >= min(least, seconds / len(parts)) - 1e-6


def test_parts_by_hand() -> None:
    assert split_points(50, [(20, 21)], 60) == [(0.0, 50)]
    assert split_points(90, [], 60) == [(0.0, 45.0), (45.0, 90)]
    # The long pause is early, the shorter one is in the last third: the later one is taken.
    assert split_points(90, [(34, 38), (50, 51), (54, 54.5)], 60) == [(0.0, 50.5), (50.5, 90)]
    assert split_points(90, [(33, 35)], 60) == [(0.0, 34.0), (34.0, 90)]
    assert split_points(90, [(2, 9), (80, 85)], 60) == [(0.0, 45.0), (45.0, 90)]
    # A pause around the only moment that is left is used there.
    assert split_points(100, [(49, 52)], 50) == [(0.0, 50.0), (50.0, 100)]
    assert split_points(61, [(59.2, 59.6)], 60) == [
        (0.0, pytest.approx(59.4)),
        (pytest.approx(59.4), 61),
    ]
    for seconds, longest in (
        (0.0, 60.0),
        (-1.0, 60.0),
        (math.nan, 60.0),
        (math.inf, 60.0),
        (10.0, 0.0),
        (10.0, math.nan),
    ):
        with pytest.raises(EditError):
            split_points(seconds, [], longest)
