"""Whether two files hold the same sound and pictures, told by a demuxer that shares no code with
the cleaners."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.stream import Disposition, Stream

from studio.media.facts import NO_MEMORY
from studio.media.kinds import Kind
from studio.media.video import VERIFY_SECONDS, check, opened


def same_tracks(path: Path, part: Path, kind: Kind) -> bool:
    """Whether both files hold the same tracks."""
    return tracks_digest(path, kind) == tracks_digest(part, kind)


def tracks_digest(path: Path, kind: Kind) -> list[str]:
    """A digest of each track of sound and of pictures (covers left out): codec, set-up, every coded
    packet and, where the container keeps them, its times.

    Two files with the same digests decode to the same samples and pictures. Reads the whole file
    once and decodes nothing. Damage that stops the reading is part of the digest. Raises
    MediaError: broken.
    """
    deadline = time.monotonic() + VERIFY_SECONDS
    with opened(path, kind) as container:
        tracks = {
            stream.index: hashlib.sha256(_setup(stream, kind.format))
            for stream in container.streams
            if _plays(stream)
        }
        streams = [stream for stream in container.streams if stream.index in tracks]
        try:
            for packet in container.demux(streams) if streams else ():
                check(deadline)
                if packet.size:
                    tracks[packet.stream.index].update(_content(packet, kind.format))
        except NO_MEMORY as error:
            raise MemoryError from error
        except av.error.FFmpegError as error:
            for track in tracks.values():
                track.update(type(error).__name__.encode())
    return [tracks[index].hexdigest() for index in sorted(tracks)]


def _plays(stream: Any) -> bool:
    return (
        stream.type in ("video", "audio")
        and getattr(stream, "codec_context", None) is not None
        and not stream.disposition & Disposition.attached_pic
    )


def _setup(stream: Any, format: str) -> bytes:
    """What sets the decoder up."""
    context = stream.codec_context
    shape = (
        (context.width, context.height)
        if stream.type == "video"
        else (context.sample_rate, context.layout.name if context.layout else "")
    )
    # In Ogg the comments are part of what sets the decoder up.
    setup = b"" if format == "ogg" else context.extradata
    return repr((stream.type, context.name, shape, setup)).encode()


def _content(packet: Packet[Stream], format: str) -> bytes:
    """The bytes of a packet, behind its times where they do not follow from the packets before: the
    samples of a WAV are cut into packets as they lie in the file."""
    data = bytes(packet)
    if format in ("wav", "mp3", "aac"):
        return data
    return f"{packet.pts} {packet.dts} {len(data)} ".encode() + data
