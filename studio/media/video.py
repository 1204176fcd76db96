"""Video and sound containers: facts, a poster, and the proof that a video is whole."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from studio.common.translatable import Sentence, phrase
from studio.media.display_matrix import turn_of
from studio.media.facts import Facts, MediaError, unreadable
from studio.media.frame_times import FrameTimes, frame_times, must_be_counted
from studio.media.kinds import KINDS, Kind, sniff
from studio.media.mp4_header import boxes, stated_seconds
from studio.media.pixel_limit import MAX_PIXELS, refuse_pixels
from studio.media.sound_length import COUNTED, sound_seconds
from studio.media.sound_tags import after_tags
from studio.media.tracks import codec_name, picture_codec, refuse_rate, streams

OPEN_SECONDS = 20.0  # to wait for the disk, per read
HEADER_ROOM = 64_000_000  # bytes: more than the tables of any file that may be kept
PROBE_SECONDS = 30.0  # to look at a file
VERIFY_SECONDS = 900.0  # to decode a whole video
FIRST_FRAME_PACKETS = 600
LONGEST = 24 * 3600.0  # a header that states more is not believed
# seconds, or a twentieth, by which a movie header may be longer than what plays: it is rounded and
# counts the sound's padding
HEADER_MARGIN = 0.5
BRANDED = {"mp4": "mp4", "m4a": "mp4", "mov": "mov"}


def cut_short(format: str) -> Sentence:
    """What is said of a file that does not play to its end."""
    return phrase(
        "This %(format)s file is cut or damaged and does not play to its end; export or upload it "
        "again.",
        format=format.upper(),
    )


def probe_video(path: str | os.PathLike[str], kind: Kind) -> Facts:
    """Facts of a video or sound file, proved by decoding its first frame. Raises MediaError:
    broken, no-stream, not-supported."""
    size = os.stat(path).st_size
    with opened(path, kind) as container:
        _refuse_cut(path, kind, size)
        deadline = time.monotonic() + PROBE_SECONDS
        video, audio = streams(container)
        audio_codec = codec_name(audio) if audio is not None else ""
        _refuse_tracks(kind, video, audio)
        if video is None:
            return _sound_facts(path, kind, container, audio, audio_codec, size, deadline)
        kind = KINDS["mp4"] if kind.format == "m4a" else kind
        frame = first_frame(container, video, deadline)
        width, height = frame.width, frame.height
        refuse_pixels(width, height)
        if turn_of(frame).swaps_sides:
            width, height = height, width
        codec, stated, rate = (
            picture_codec(video, frame),
            _stated(container, video),
            video.average_rate or video.guessed_rate,
        )
        named = video.base_rate or rate
        sound = _sound_end(video, audio) if audio is not None else 0.0
    fps = float(rate or 0)
    if not stated or must_be_counted(path, kind):
        times = _times(path, kind, named, deadline)
        stated, fps, sound = times.seconds, times.fps, times.sound
    return Facts(
        "video",
        kind.format,
        kind.mime,
        kind.extension,
        size,
        width,
        height,
        round(stated, 6),
        round(fps, 4),
        codec,
        audio_codec,
        audio is not None,
        round(sound, 6),
    )


def _refuse_tracks(kind: Kind, video: Any, audio: Any) -> None:
    """MediaError when there is nothing to play, or a video where the format has only sound."""
    if video is None and audio is None:
        raise MediaError(
            "no-stream",
            phrase(
                "This %(format)s file holds neither a picture nor sound that can be read; "
                "export it again.",
                format=kind.format.upper(),
            ),
        )
    if video is not None and kind.format in ("wav", "mp3", "aac", "flac", "ogg"):
        raise MediaError(
            "not-supported",
            phrase(
                "This %(format)s file holds a video, which that format is not made for; save "
                "it as MP4.",
                format=kind.format.upper(),
            ),
        )


def verify_video(path: str | os.PathLike[str]) -> Facts:
    """Decode every frame of the video at `path` and return its facts, `seconds` and `fps` as really
    decoded. Streamed.

    Raises MediaError("broken") when a frame is damaged, or when fewer seconds decode than the file
    states; "no-stream" without video.
    """
    kind = sniff(path)
    facts = probe_video(path, kind) if kind.kind != "image" else None
    if facts is None or facts.kind != "video":
        raise MediaError(
            "no-stream",
            phrase(
                "This %(format)s file is no video, so there is nothing to play; a video has to be "
                "MP4, MOV or AVI.",
                format=kind.format.upper(),
            ),
        )
    frames, first, last, span, sound = _decoded(path, kind, facts.format)
    if last > first or frames == 1:
        seconds = (
            last - first + (span or (last - first) / max(frames - 1, 1))
            if last >= first
            else facts.seconds
        )
    else:
        seconds = frames / facts.fps if facts.fps else 0.0
    header = stated_seconds(path) if kind.demuxer in ("mp4", "mov") else 0.0
    _refuse_short(facts, header, seconds, sound)
    measured = (frames - 1) / (last - first) if last > first else facts.fps
    # The stated rate is exact where the clock of the file is coarse; the measured one is for a
    # header that lies.
    fps = facts.fps if abs(measured - facts.fps) < 0.1 * facts.fps else round(measured, 4)
    return replace(facts, seconds=round(seconds, 6), fps=fps)


def _decoded(
    path: str | os.PathLike[str], kind: Kind, format: str
) -> tuple[int, float, float, float, float]:
    """Decode every frame: (how many, time of the first and of the last, how long the last is shown,
    length that the sound states), in seconds. MediaError when one is damaged or there is none."""
    deadline = time.monotonic() + VERIFY_SECONDS
    frames, first, last, span, sound = 0, math.inf, -math.inf, 0.0, 0.0
    with opened(path, kind) as container:
        video, audio = streams(container)
        video.thread_type = "AUTO"
        sound = _stated(container, audio) if audio is not None else 0.0
        for frame in container.decode(video):
            check(deadline)
            if frame.is_corrupt:
                raise MediaError("broken", cut_short(format))
            frames += 1
            moment = frame.time
            if moment is not None:
                first = min(first, moment)
                if moment >= last:
                    last, span = moment, float((frame.duration or 0) * (frame.time_base or 0))
    if not frames:
        raise MediaError("broken", cut_short(format))
    return frames, first, last, span, sound


def _refuse_short(facts: Facts, header: float, seconds: float, sound: float) -> None:
    """MediaError when the stream of pictures states more than the `seconds` that decode, or the
    movie `header` more than pictures and `sound` play (0.0: states nothing)."""
    pictures = facts.seconds - max(0.25, 3 / facts.fps if facts.fps else 0.0)
    movie = min(header, LONGEST) - max(HEADER_MARGIN, 0.05 * header)
    if seconds < pictures or max(seconds, sound) < movie:
        raise MediaError("broken", cut_short(facts.format))


@contextmanager
def opened(path: str | os.PathLike[str], kind: Kind) -> Iterator[InputContainer]:
    """The container at `path`, read by the demuxer that its bytes call for and by no other: a
    playlist in disguise opens nothing else."""
    sentence = cut_short(kind.format)
    options = {"max_pixels": str(MAX_PIXELS)}
    if kind.format in ("mp3", "aac", "flac"):
        # The demuxer gets over one tag of one sort; chance bytes of others it takes for frames.
        with open(path, "rb") as file:
            options["skip_initial_bytes"] = str(after_tags(file))
    with unreadable(sentence), _header_read(path, kind, options, sentence) as container:
        for stream in container.streams:
            # Cut files give streams without a codec; FFmpeg's own limit keeps a frame from being
            # larger than its header said.
            if getattr(stream, "codec_context", None) is not None and stream.type == "video":
                stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        yield container


def _header_read(
    path: str | os.PathLike[str], kind: Kind, options: dict[str, str], sentence: Sentence
) -> InputContainer:
    try:
        return av.open(
            os.path.abspath(path),
            "r",
            format=kind.demuxer,
            options=options,
            container_options={"protocol_whitelist": "file"},
            metadata_errors="ignore",
            timeout=OPEN_SECONDS,
        )
    except MemoryError:
        # Nothing is decoded yet: where there is room for any true header, a damaged number asked
        # for more than there is.
        bytearray(HEADER_ROOM)
        raise MediaError("broken", sentence) from None


def check(deadline: float) -> None:
    """Raise MediaError when the time for reading a file is over: some bytes keep a decoder busy for
    ever."""
    if time.monotonic() > deadline:
        raise MediaError(
            "broken",
            phrase(
                "Reading this file takes too long, so it is either far too big or damaged; export "
                "it again, shorter."
            ),
        )


def _refuse_cut(path: str | os.PathLike[str], kind: Kind, size: int) -> None:
    """Refuse a file whose media box is longer than the file: its header states a length that is not
    there."""
    with open(path, "rb") as file:
        if kind.demuxer in ("mp4", "mov"):
            cut = any(
                name in (b"mdat", b"moov") and end > size
                for name, _, _, end in boxes(file, 0, size)
            )
        elif kind.format == "avi":
            file.seek(4)
            stated = int.from_bytes(file.read(4), "little")
            cut = stated != 0xFFFFFFFF and stated + 8 > size
        else:
            return
    if cut:
        raise MediaError("broken", cut_short(kind.format))


def _stated(container: InputContainer, stream: Any) -> float:
    """The length that the stream, or else the container, states, in seconds; 0.0 when there is none
    worth believing."""
    seconds = 0.0
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration:
        seconds = container.duration / av.time_base
    return seconds if 0 < seconds <= LONGEST else 0.0


def _sound_end(video: Stream, audio: Stream) -> float:
    """When the sound ends after the first picture, in seconds, as the header states it; 0.0 when it
    does not."""
    if not (audio.duration and audio.time_base and video.time_base):
        return 0.0
    end = ((audio.start_time or 0) + audio.duration) * audio.time_base
    seconds = float(end - (video.start_time or 0) * video.time_base)
    return seconds if 0 < seconds <= LONGEST else 0.0


def _times(
    path: str | os.PathLike[str], kind: Kind, named: Fraction | None, deadline: float
) -> FrameTimes:
    """The times of the frames that are there. MediaError (broken) when there are none, or when the
    header of a Matroska file states more than all of its tracks together hold."""
    with opened(path, kind) as container:
        video, audio = streams(container)
        heard = audio.index if audio is not None else None
        times = frame_times(_checked(container.demux(), deadline), video.index, named, heard)
        stated = container.duration / av.time_base if container.duration else 0.0
    if times is None or not 0 < times.seconds <= LONGEST:
        raise MediaError("broken", cut_short(kind.format))
    if kind.demuxer == "matroska" and stated <= LONGEST:
        end = max(times.end, times.seconds)
        if end < stated - max(HEADER_MARGIN, 0.05 * stated):
            raise MediaError("broken", cut_short(kind.format))
    return times


def _checked(packets: Iterable[Packet[Stream]], deadline: float) -> Iterator[Packet[Stream]]:
    for packet in packets:
        check(deadline)
        yield packet


def _sound_facts(
    path: str | os.PathLike[str],
    kind: Kind,
    container: InputContainer,
    audio: Any,
    codec: str,
    size: int,
    deadline: float,
) -> Facts:
    refuse_rate(audio)
    stated = _stated(container, audio)
    first_frame(container, audio, deadline)
    if kind.format in ("mp4", "mov"):
        kind = KINDS["m4a"]
    elif kind.kind == "video":
        kind = Kind(
            "audio",
            kind.format,
            kind.mime.replace("video/", "audio/"),
            kind.extension,
            kind.demuxer,
        )
    if kind.format == "mp3" and codec != "mp3":
        raise MediaError(
            "not-supported",
            phrase(
                "This file looks like MP3 and holds %(codec)s sound; save it as MP3 or WAV.",
                codec=codec or phrase("unknown"),
            ),
        )
    seconds = stated
    if kind.format in COUNTED or not stated:
        with opened(path, kind) as again:
            _, audio = streams(again)
            packets = _checked(again.demux(audio), deadline)
            seconds = sound_seconds(kind, stated, packets)
    if not 0 < seconds <= LONGEST:
        raise MediaError("broken", cut_short(kind.format))
    return Facts(
        "audio",
        kind.format,
        kind.mime,
        kind.extension,
        size,
        seconds=round(seconds, 6),
        codec=codec,
        audio_codec=codec,
        has_audio=True,
    )


def first_frame(container: InputContainer, stream: Any, deadline: float) -> Any:
    """The first frame that decodes; damaged packets before it are passed over, as players do."""
    for count, packet in enumerate(container.demux(stream)):
        check(deadline)
        if count > FIRST_FRAME_PACKETS:
            break
        try:
            frames: list[Any] = list(packet.decode())
        except av.error.InvalidDataError:
            continue
        if frames:
            return frames[0]
    if stream.type == "video":
        said = phrase(
            "No picture in this file can be decoded, so it is damaged or in a format of its own; "
            "export it again as MP4, MP3 or WAV."
        )
    else:
        said = phrase(
            "No sound in this file can be decoded, so it is damaged or in a format of its own; "
            "export it again as MP4, MP3 or WAV."
        )
    raise MediaError("broken", said)
