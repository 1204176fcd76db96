"""The tracks of an opened container: which of them play, and what they hold."""

from __future__ import annotations

from typing import Any

from av.container import InputContainer
from av.stream import Disposition

from studio.common.translatable import phrase
from studio.media.facts import MediaError
from studio.media.tone import is_bright

SLOWEST = 5  # frames a second: a track with fewer, beside another, is a preview


def streams(container: InputContainer) -> tuple[Any, Any]:
    """The (video, audio) stream that plays, None where there is none; cover art is no video, a
    stream without a codec is none at all. Of several videos the one a player shows: no preview,
    marked as the one, the largest."""
    found: dict[str, list[Any]] = {"video": [], "audio": []}
    for stream in container.streams:
        if getattr(stream, "codec_context", None) is None or stream.type not in found:
            continue
        if stream.disposition & Disposition.attached_pic:
            continue
        if stream.type == "video" or codec_name(stream):
            found[stream.type].append(stream)
    video = max(found["video"], key=_shown, default=None)
    return video, max(found["audio"], key=_marked, default=None)


def _marked(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.default)


def _shown(stream: Any) -> tuple[bool, bool, bool, int]:
    rate = stream.average_rate or stream.guessed_rate
    context = stream.codec_context
    return (
        bool(codec_name(stream)),
        not rate or rate >= SLOWEST,
        _marked(stream),
        (context.width or 0) * (context.height or 0),
    )


def codec_name(stream: Any) -> str:
    """The codec's own name ("mp3", "h264"), not that of the decoder chosen for it; "" when nothing
    here decodes it."""
    codec = getattr(stream.codec_context, "codec", None)
    return str(codec.canonical_name) if codec is not None else ""


def picture_codec(stream: Any, frame: Any) -> str:
    """The codec of a video with what is unusual about its pictures, which models and browsers do
    not take: “hevc HDR”, “h264 4:4:4”, “h264 odd”."""
    name = codec_name(stream)
    if is_bright(frame.color_trc):
        return f"{name} HDR"
    parts = frame.format.components
    if len(parts) >= 3 and not frame.format.is_rgb:
        across, down = (
            round(parts[0].width / max(parts[1].width, 1)),
            round(parts[0].height / max(parts[1].height, 1)),
        )
        sampling = {(1, 1): "4:4:4", (2, 1): "4:2:2", (4, 1): "4:1:1", (1, 2): "4:4:0"}
        if (across, down) in sampling and frame.width > 1:
            return f"{name} {sampling[across, down]}"
    elif frame.format.is_rgb and name in ("h264", "hevc"):
        return f"{name} RGB"
    if name in ("h264", "hevc") and (frame.width % 2 or frame.height % 2):
        return f"{name} odd"
    return name


def refuse_rate(audio: Any) -> None:
    """Raise MediaError when the sound states a sample rate that no recorder makes."""
    rate = audio.codec_context.sample_rate or 0
    if not 1000 <= rate <= 768_000:
        raise MediaError(
            "broken",
            phrase(
                "This sound says that it has %(rate)s samples a second, so it is damaged; export "
                "it again.",
                rate=rate,
            ),
        )
