"""What was cleaned holds the same sound and pictures as before, whatever the order, the sizes and
the tags; and a cleaner that would change them is caught."""

from __future__ import annotations

import random
import struct
from array import array
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.media import MediaError, cleaners, normalise_image, picture, probe, strip_av_metadata
from tests import files
from tests.intake import chunks

SECRET = b"SECRET"
GENERATED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def decoded(path: Path) -> bytes:
    """Every sample of the first sound track, as a player hears it."""
    out = b""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16")
        for packet in container.demux(audio=0):
            try:
                frames: list[Any] = list(packet.decode())
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                for part in resampler.resample(frame):
                    out += bytes(part.planes[0])[: part.samples * 2 * len(part.layout.channels)]
    return out


def clean(tmp_path: Path, data: bytes) -> tuple[Any, bytes]:
    """(facts, bytes) of the copy."""
    path = files.write(tmp_path, "in", data)
    facts = strip_av_metadata(path, probe(path), tmp_path / "out")
    return facts, (tmp_path / "out").read_bytes()


# ── WAV ──────────────────────────────────────────────────────────────────────────────────────────

SOUND = chunks.samples()
END = st.sampled_from([0, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0xFFFFFFFF - 36, len(SOUND) + 1000])
EXTRA = st.lists(
    st.tuples(
        st.sampled_from([b"LIST", b"JUNK", b"axml", b"iXML", b"id3 ", b"cue ", b"PAD ", b"abcd"]),
        st.binary(min_size=0, max_size=41).map(lambda body: SECRET + body),
    ),
    max_size=3,
)


@GENERATED
@given(before=EXTRA, between=EXTRA, data_size=END, riff_size=END)
def test_a_wav_of_unknown_size_goes_on_to_the_end(
    tmp_path: Path, before: Any, between: Any, data_size: int, riff_size: int
) -> None:
    extra = [[chunks.chunk(*one) for one in some] for some in (before, between)]
    data = chunks.riff(
        *extra[0],
        chunks.chunk(b"fmt ", chunks.pcm()),
        *extra[1],
        chunks.chunk(b"data", SOUND, data_size),
        size=riff_size,
    )
    facts, copy = clean(tmp_path, data)
    assert facts.seconds == 1.0
    assert SECRET not in copy
    assert copy == chunks.riff(chunks.chunk(b"fmt ", chunks.pcm()), chunks.chunk(b"data", SOUND)), (
        "true sizes, nothing else"
    )


@GENERATED
@given(before=EXTRA, behind=EXTRA, length=st.integers(800, 4001))
def test_a_wav_of_true_sizes_loses_what_speaks_about_it(
    tmp_path: Path, before: Any, behind: Any, length: int
) -> None:
    sound = SOUND[:length]
    data = chunks.riff(
        *[chunks.chunk(*one) for one in before],
        chunks.chunk(b"fmt ", chunks.pcm()),
        chunks.chunk(b"data", sound),
        *[chunks.chunk(*one) for one in behind],
    )
    _, copy = clean(tmp_path, data)
    assert SECRET not in copy
    assert copy == chunks.riff(chunks.chunk(b"fmt ", chunks.pcm()), chunks.chunk(b"data", sound))


@pytest.mark.parametrize(
    ("form", "width"),
    [
        (chunks.pcm(16000, 1, 8), 1),
        (chunks.pcm(16000, 2, 24), 6),
        (chunks.pcm(16000, 1, 32, 3), 4),
        (chunks.pcm(8000, 1, 8, 7), 1),
        (chunks.extensible(48000, 6, 24), 18),
    ],
    ids=["8 bit", "24 bit stereo", "float", "mu-law", "24 bit six channels extensible"],
)
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, None])
def test_wavs_of_every_width(tmp_path: Path, form: bytes, width: int, size: int | None) -> None:
    rate = int.from_bytes(form[4:8], "little")
    floats = array("f", (((n * 7919) % 2000 - 1000) / 1000 for n in range(rate)))
    sound = floats.tobytes() if form[:2] == b"\3\0" else random.Random(1).randbytes(rate * width)
    fact = chunks.chunk(b"fact", bytes(4))
    data = chunks.riff(chunks.chunk(b"fmt ", form), fact, chunks.chunk(b"data", sound, size))
    facts, copy = clean(tmp_path, data)
    assert facts.seconds == pytest.approx(1.0, abs=1e-6)
    assert decoded(tmp_path / "in") == decoded(tmp_path / "out") != b""
    assert copy[-len(sound) :] == sound
    assert struct.unpack("<I", copy[4:8])[0] == len(copy) - 8
    at = copy.index(b"fact")
    assert struct.unpack("<I", copy[at + 8 : at + 12])[0] == rate, "samples of each channel"


def test_a_wav_without_samples_or_format_is_refused(tmp_path: Path) -> None:
    for parts in (
        [chunks.chunk(b"fmt ", chunks.pcm())],
        [chunks.chunk(b"data", SOUND)],
        [chunks.chunk(b"fmt ", chunks.pcm()), chunks.chunk(b"data", b"")],
    ):
        path = files.write(tmp_path, "in", chunks.riff(*parts))
        with pytest.raises(MediaError):
            strip_av_metadata(path, probe(path), tmp_path / "out")
        assert not (tmp_path / "out").exists()


# ── frames of MP3 and AAC ────────────────────────────────────────────────────────────────────────

COVER = (b"APIC", b"\0image/jpeg\0\3\0" + files.jpeg(200, 200))
TAGS = st.sampled_from(
    [
        chunks.id3((b"TIT2", b"\0SECRET")),
        chunks.id3((b"TIT2", b"\0SECRET"), COVER, padding=100),
        chunks.id3((b"COMM", b"\0SECRET\xff\xfb\x90"), version=4),
        chunks.ape(),
    ]
)
FRAMES = {"mp3": files.mp3(0.4, header=False), "aac": files.aac(0.4)}
ENDS = st.lists(
    st.sampled_from(
        [chunks.id3v1(), chunks.ape(header=False), chunks.ape(), chunks.lyrics3() + chunks.id3v1()]
    ),
    max_size=2,
)


@GENERATED
@given(
    name=st.sampled_from(sorted(FRAMES)),
    front=st.lists(TAGS, max_size=3),
    middle=st.lists(TAGS, max_size=2),
    ends=ENDS,
    parts=st.integers(1, 3),
)
def test_tags_go_from_frames_wherever_they_stand(
    tmp_path: Path, name: str, front: list[bytes], middle: list[bytes], ends: Any, parts: int
) -> None:
    frames = FRAMES[name]
    data = b"".join(front) + b"".join(middle).join([frames] * parts) + b"".join(ends)
    facts, copy = clean(tmp_path, data)
    assert (facts.format, copy) == (name, frames * parts)


# ── videos ────────────────────────────────────────────────────────────────────────────────────────


@GENERATED
@given(
    words=st.lists(
        st.sampled_from(
            [
                chunks.box(b"udta", chunks.box(b"\xa9nam", SECRET)),
                chunks.box(b"meta", SECRET),
                chunks.box(b"uuid", bytes(16) + SECRET),
                chunks.box(b"free", SECRET),
                chunks.box(b"XMP_", b""),
            ]
        ),
        max_size=4,
    ),
    name=st.sampled_from(["mp4", "mov"]),
)
def test_words_go_from_an_mp4_and_its_packets_stay(
    tmp_path: Path, words: list[bytes], name: str
) -> None:
    data = getattr(files, name)(0.4, 25, 64, 48, audio=True) + b"".join(words)
    facts, copy = clean(tmp_path, data)
    assert SECRET not in copy
    assert facts.seconds == pytest.approx(0.4, abs=0.05)
    assert decoded(tmp_path / "in") == decoded(tmp_path / "out")


# ── the rule itself ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "make",
    [
        lambda: files.wav(1.0),
        lambda: files.mp3(1.0),
        lambda: files.aac(1.0),
        lambda: files.flac(1.0),
        lambda: files.ogg(1.0),
        lambda: files.m4a(1.0),
        lambda: files.mp4(0.4, audio=True),
        lambda: files.avi(0.4, audio=True),
        lambda: files.webm(0.4, audio=True),
        lambda: files.video(0.4, muxer="matroska", audio=True),
    ],
)
def test_a_cleaner_that_destroys_is_refused(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the cleaner of this format blanked a few bytes of sound or picture."""
    path = files.write(tmp_path, "in", make())
    facts = probe(path)

    def destroy(source: Path, part: Path, kind: Any) -> None:
        data = bytearray(source.read_bytes())
        with av.open(str(source)) as container:
            packets = [packet for packet in container.demux() if packet.size > 8]
            middle = packets[len(packets) // 2]
            at = middle.pos + middle.size // 2 if facts.format not in ("webm", "mkv") else 0
            at = at or data.index(bytes(middle)[:8]) + middle.size // 2
        data[at : at + 4] = bytes(byte ^ 0x55 for byte in data[at : at + 4])
        part.write_bytes(data)

    ways = tuple((destroy, same) for _, same in cleaners.CLEANERS[facts.format])
    monkeypatch.setitem(cleaners.CLEANERS, facts.format, ways)
    with pytest.raises(MediaError) as caught:
        strip_av_metadata(path, facts, tmp_path / "out")
    assert caught.value.code == "broken"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "bmp"])
def test_a_picture_that_cleaning_would_change_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "in", getattr(files, name)(90, 60))
    facts = probe(path)
    other = files.quarters(90, 60)
    other.putpixel((45, 30), (1, 2, 3))
    other.save(tmp_path / "other", {"jpeg": "JPEG"}.get(name, name.upper()), quality=90)
    wrong = (tmp_path / "other").read_bytes()
    monkeypatch.setattr(picture, "bare_picture", lambda path, name: wrong)
    with pytest.raises(MediaError):
        normalise_image(path, facts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_encoded_anew_must_still_show_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path, "in", files.jpeg(120, 80, exif_orientation=6))
    facts = probe(path)
    normalise_image(path, facts, tmp_path / "out")
    grey = Image.new("RGB", (80, 120), (128, 128, 128))
    grey.save(tmp_path / "grey", "JPEG")
    wrong = (tmp_path / "grey").read_bytes()
    monkeypatch.setattr(picture, "_encoded", lambda *args: wrong)
    with pytest.raises(MediaError):
        normalise_image(path, facts, tmp_path / "out2")
