"""What `probe` says of good files, and the sentence it has for every bad one."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.media import (
    Facts,
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


@pytest.mark.parametrize(
    ("data", "name", "mime", "extension"),
    [
        (files.jpeg, "jpeg", "image/jpeg", "jpg"),
        (files.png, "png", "image/png", "png"),
        (files.webp, "webp", "image/webp", "webp"),
        (files.bmp, "bmp", "image/bmp", "bmp"),
    ],
)
def test_picture_facts(
    tmp_path: Path, data: Callable[..., bytes], name: str, mime: str, extension: str
) -> None:
    path = files.write(tmp_path, "wrong.mp3", data(120, 90))
    assert probe(path) == Facts("image", name, mime, extension, path.stat().st_size, 120, 90)


@pytest.mark.parametrize(
    ("orientation", "size"),
    [(1, (120, 90)), (3, (120, 90)), (5, (90, 120)), (6, (90, 120)), (8, (90, 120))],
)
def test_sides_are_those_of_the_picture_as_shown(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    for make in (files.jpeg, files.webp, files.png):
        facts = probe(files.write(tmp_path, "p", make(120, 90, exif_orientation=orientation)))
        assert (facts.width, facts.height) == size, make


@pytest.mark.parametrize(
    ("make", "name", "codec", "seconds", "tolerance"),
    [
        (lambda: files.wav(2.5), "wav", "pcm_s16le", 2.5, 0),
        (lambda: files.wav(0.50004, 44100), "wav", "pcm_s16le", 22052 / 44100, 1e-6),
        (lambda: files.endless_wav(2.0), "wav", "pcm_s16le", 2.0, 0),
        (lambda: files.truncated(files.wav(2.0)), "wav", "pcm_s16le", 1.0, 0.002),
        (lambda: files.mp3(2.0), "mp3", "mp3", 2.0, 0.001),
        (lambda: files.mp3(2.0, header=False), "mp3", "mp3", 2.0, 0.06),
        (lambda: files.truncated(files.mp3(2.0)), "mp3", "mp3", 1.0, 0.06),
        (lambda: files.mp3(4.0, header=False, vbr=True), "mp3", "mp3", 4.0, 0.06),
        (lambda: files.mp3_with_cover(2.0), "mp3", "mp3", 2.0, 0.06),
        (lambda: files.aac(1.0), "aac", "aac", 1.0, 0.06),
        (lambda: files.m4a(1.0), "m4a", "aac", 1.0, 0.03),
        (lambda: files.flac(1.0), "flac", "flac", 1.0, 0.001),
        (lambda: files.ogg(1.0), "ogg", "opus", 1.0, 0.03),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_sound_facts(
    tmp_path: Path,
    make: Callable[[], bytes],
    name: str,
    codec: str,
    seconds: float,
    tolerance: float,
) -> None:
    data = make()
    facts = probe(files.write(tmp_path, "speech.png", data))
    assert (facts.kind, facts.format, facts.codec, facts.audio_codec, facts.has_audio) == (
        "audio",
        name,
        codec,
        codec,
        True,
    )
    assert (facts.width, facts.height, facts.fps, facts.size) == (0, 0, 0.0, len(data))
    assert facts.seconds == pytest.approx(seconds, abs=tolerance)


@pytest.mark.parametrize(
    ("data", "name", "codec", "audio_codec", "fps", "seconds"),
    [
        (lambda: files.mp4(1.0, 25), "mp4", "h264", "", 25, 1.0),
        (lambda: files.mp4(1.0, 24, 160, 120, audio=True), "mp4", "h264", "aac", 24, 1.0),
        (lambda: files.mp4(1.0, 20, 160, 120, codec="libx265"), "mp4", "hevc", "", 20, 1.0),
        (lambda: files.mov(1.0, 30, 160, 120), "mov", "h264", "", 30, 1.0),
        (lambda: files.avi(1.0, 25, 160, 120, audio=True), "avi", "mpeg4", "mp3", 25, 1.04),
        (lambda: files.webm(1.0, 25), "webm", "vp8", "", 25, 1.0),
        (
            lambda: files.video(1.0, width=160, height=120, muxer="matroska"),
            "mkv",
            "h264",
            "",
            25,
            1.0,
        ),
    ],
)
def test_video_facts_and_verify(
    tmp_path: Path,
    data: Callable[[], bytes],
    name: str,
    codec: str,
    audio_codec: str,
    fps: float,
    seconds: float,
) -> None:
    path = files.write(tmp_path, "video.jpg", data())
    facts = probe(path)
    assert (facts.kind, facts.format, facts.codec, facts.audio_codec) == (
        "video",
        name,
        codec,
        audio_codec,
    )
    assert facts.has_audio is bool(audio_codec)
    assert facts.fps == pytest.approx(fps, abs=0.01)
    assert facts.seconds == pytest.approx(seconds, abs=0.03)
    seen = verify_video(path)
    assert (seen.width, seen.height, seen.codec, seen.has_audio) == (
        facts.width,
        facts.height,
        codec,
        bool(audio_codec),
    )
    assert seen.seconds == pytest.approx(seconds, abs=0.05)
    assert seen.fps == pytest.approx(fps, abs=0.01)


@pytest.mark.parametrize(
    ("quarter", "size"), [(0, (320, 240)), (1, (240, 320)), (2, (320, 240)), (3, (240, 320))]
)
def test_video_of_a_turned_phone(tmp_path: Path, quarter: int, size: tuple[int, int]) -> None:
    from PIL import Image

    path = files.write(tmp_path, "f", files.turned_mp4(quarter))
    facts = probe(path)
    assert (facts.width, facts.height) == size
    assert poster(path, tmp_path / "p.webp") == size
    with Image.open(tmp_path / "p.webp") as picture:
        corner = picture.convert("RGB").getpixel((12, 12))
    # The stored top left is red; turned clockwise the stored bottom left (blue) comes to the top
    # left, and so on.
    expected = [files.RED, files.BLUE, files.YELLOW, files.GREEN][quarter]
    assert isinstance(corner, tuple)
    assert all(abs(a - b) < 40 for a, b in zip(corner, expected, strict=True)), (corner, expected)


def test_mp4_with_sound_only_is_sound_and_mov_is_told_by_its_brand(tmp_path: Path) -> None:
    assert probe(files.write(tmp_path, "a", files.sound(1.0, "mp4", "aac"))).format == "m4a"
    branded = bytearray(files.mp4(1.0))
    branded[8:12] = b"qt  "
    assert probe(files.write(tmp_path, "b", bytes(branded))).format == "mov"


REFUSALS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "empty", "empty"),
    "text": (lambda: b"Dear team,\nthe portrait is attached.\n", "unknown-type", "text file"),
    "utf-16 text": (lambda: "Hello".encode("utf-16"), "unknown-type", "text file"),
    "web page": (files.html, "unknown-type", "web page"),
    "zip": (files.archive, "unknown-type", "ZIP"),
    "pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "unknown-type", "PDF"),
    "noise": (lambda: random.Random(7).randbytes(5000), "unknown-type", "bytes of this file"),
    "playlist": (lambda: b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "unknown-type", "playlist"),
    "gif": (files.gif, "not-supported", "GIF"),
    "svg": (files.svg, "not-supported", "SVG"),
    "heic": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "broken", "HEIF"),
    "tiff": (lambda: b"II*\0\x08\0\0\0", "not-supported", "TIFF"),
    "animated webp": (files.moving_webp, "not-supported", "moves"),
    "animated png": (files.moving_png, "not-supported", "moves"),
    "half a jpeg": (lambda: files.truncated(files.jpeg()), "broken", "JPEG"),
    "half a png": (lambda: files.truncated(files.png()), "broken", "PNG"),
    "half a webp": (lambda: files.truncated(files.webp()), "broken", "WEBP"),
    "half a bmp": (lambda: files.truncated(files.bmp(50, 50)), "broken", "BMP"),
    "head of a jpeg": (lambda: files.jpeg()[:20], "broken", "JPEG"),
    "30000 x 30000 png": (files.png_bomb, "too-large-picture", "30000×30000"),
    "webp canvas": (files.webp_bomb, "too-large-picture", "16384×16384"),
    "half an mp4": (lambda: files.truncated(files.mp4(1.0)), "broken", "MP4"),
    "half a faststart mp4": (
        lambda: files.truncated(files.mp4(0.4, faststart=True)),
        "broken",
        "MP4",
    ),
    "half a mov": (lambda: files.truncated(files.mov(0.4)), "broken", "MOV"),
    "half an avi": (lambda: files.truncated(files.avi(0.4)), "broken", "AVI"),
    "head of a wav": (lambda: files.wav()[:44], "broken", "damaged"),
    "wav of 8 million samples a second": (
        lambda: files.wav()[:24] + b"\x80\x3e\x7f\0" + files.wav()[28:],
        "broken",
        "8339072",
    ),
    "tag of an mp3": (lambda: files.mp3_with_cover()[:500], "broken", "MP3"),
    "mp4 without media": (
        lambda: b"\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x08mdat",
        "broken",
        "MP4",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_files_get_their_sentence(tmp_path: Path, name: str) -> None:
    make, code, words = REFUSALS[name]
    with pytest.raises(MediaError) as caught:
        probe(files.write(tmp_path, "portrait.jpg", make()))
    sentence = str(caught.value)
    assert caught.value.code == code
    assert words in sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    assert len(sentence) < 220


def test_a_missing_file_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.jpg")


def test_seven_thousand_pixels_a_side_pass(tmp_path: Path) -> None:
    facts = probe(files.write(tmp_path, "p", files.png_bomb(7000, 7000)))
    assert (facts.width, facts.height) == (7000, 7000)


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    path = files.write(tmp_path, "bomb.png", files.png_bomb())
    spent = _memory("probe", path)
    assert spent < 60_000_000, spent


def test_a_big_video_is_streamed(tmp_path: Path) -> None:
    path = files.big_mp4(tmp_path, 200)
    assert path.stat().st_size == 200_000_000
    spent = _memory("verify_video", path)
    assert spent < 120_000_000, spent


def _memory(function: str, path: Path) -> int:
    """Bytes that one call adds to the peak memory of a process of its own."""
    code = (
        "import resource, sys\nfrom studio import media\nbefore = "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"try:\n    media.{function}(sys.argv[1])\nexcept media.MediaError as error:\n    "
        "print(error.code, file=sys.stderr)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


def test_facts_survive_json(tmp_path: Path) -> None:
    facts = probe(files.write(tmp_path, "f", files.mp4(0.4, audio=True)))
    stored = json.loads(json.dumps(facts.as_dict()))
    assert Facts.from_dict({**stored, "later": 1}) == facts


SEEDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: files.jpeg(96, 64, exif_orientation=6, gps=True),
    "png": lambda: files.png(96, 64, text="x"),
    "webp": lambda: files.webp(96, 64, gps=True),
    "bmp": lambda: files.bmp(24, 16),
    "wav": lambda: files.wav(0.2),
    "mp3": lambda: files.mp3(0.4),
    "aac": lambda: files.aac(0.4),
    "m4a": lambda: files.m4a(0.4),
    "flac": lambda: files.flac(0.2),
    "ogg": lambda: files.ogg(0.2),
    "mp4": lambda: files.mp4(0.2, audio=True),
    "mov": lambda: files.mov(0.2),
    "avi": lambda: files.avi(0.2),
    "webm": lambda: files.webm(0.4),
}


@pytest.mark.parametrize("name", SEEDS)
def test_nothing_but_media_error_escapes(tmp_path: Path, name: str) -> None:
    """Mutated, cut, spliced and random bytes behind a true beginning: every function answers or
    raises MediaError."""
    good = SEEDS[name]()
    chance = random.Random(name)
    path, target = tmp_path / "f", tmp_path / "t"
    answers = refusals = 0
    for turn in range(15):
        data = bytearray(good)
        # The first turn goes through untouched: formats with checksums hardly ever pass otherwise.
        for _ in range(chance.choice((1, 3, 12, 60)) if turn else 0):
            # Headers are where the interesting lies are.
            data[chance.randrange(min(len(data), 300) if turn % 2 else len(data))] = chance.choice(
                (0, 255, chance.randrange(256))
            )
        if turn % 5 == 4:
            del data[chance.randrange(len(data)) :]
        if turn % 7 == 6:
            data[40:] = chance.randbytes(len(data))
        path.write_bytes(_mended_png(data) if name == "png" else data)
        try:
            facts = probe(path)
            answers += 1
            json.dumps(facts.as_dict())
            if facts.kind == "image":
                probe(tmp_path / "t") if normalise_image(path, facts, target) else None
                thumbnail(path, facts, target, 32)
            else:
                strip_av_metadata(path, facts, target)
                peaks(path, 10)
                if facts.kind == "video":
                    thumbnail(path, facts, target, 32)
                    verify_video(path)
        except MediaError:
            refusals += 1
    assert refusals, "every mutation of this file passed: they change nothing"
    assert answers, "no mutation of this file can be read: the test sees nothing behind probe"


def _mended_png(data: bytearray) -> bytes:
    """The PNG with true checksums again, so that its lies are read and not only its sums."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")[
            : max(len(data) - end, 0)
        ]
        at = end + 4
    return bytes(data)


def test_random_bytes_with_every_known_beginning(tmp_path: Path) -> None:
    chance = random.Random(2)
    path = tmp_path / "f"
    for make in SEEDS.values():
        for size in (1, 4, 12, 16, 40):
            for tail in (0, 2000):
                path.write_bytes(make()[:size] + chance.randbytes(tail))
                with contextlib.suppress(MediaError):
                    assert probe(path).size == path.stat().st_size


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    fds = Path("/proc/self/fd")
    if not fds.exists():
        pytest.skip("this system has no /proc/self/fd to count open files in")
    good, bad = (
        files.write(tmp_path, "g", files.mp4(0.2)),
        files.write(tmp_path, "b", files.truncated(files.jpeg())),
    )
    probe(good)
    before = len(list(fds.iterdir()))
    for _ in range(5):
        probe(good)
        with pytest.raises(MediaError):
            probe(bad)
    assert len(list(fds.iterdir())) <= before
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > before


def test_a_turned_picture_of_pure_noise_is_kept(tmp_path: Path) -> None:
    """Pillow writes an optimized JPEG into one buffer of a guessed size, and noise does not fit
    it."""
    noise = Image.frombytes("RGB", (1400, 1400), random.Random(5).randbytes(1400 * 1400 * 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    noise.save(tmp_path / "noise.jpg", quality=100, subsampling=0, exif=exif)
    facts = normalise_image(
        tmp_path / "noise.jpg", probe(tmp_path / "noise.jpg"), tmp_path / "kept.jpg"
    )
    assert (facts.format, facts.width, facts.height) == ("jpeg", 1400, 1400)
