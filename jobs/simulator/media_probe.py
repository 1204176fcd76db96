"""What a file is, from its bytes, and how the service words what is wrong with it (CONTRACT §11.3).

The service is another company: it looks for itself and shares no probing code with the site. Pillow
for pictures, PyAV for the rest.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from PIL import Image

from jobs.catalogue.limits import MIB, Limits, Problem
from jobs.simulator.answers import BAD_IMAGE_URL, Refusal

_CONTAINERS = {
    "mp3": "mp3",
    "wav": "wav",
    "avi": "avi",
    "flac": "flac",
    "ogg": "ogg",
    "matroska": "webm",
    "aac": "aac",
}
_PICTURES = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """The facts that `Limits.problems` asks for. Sides in px as shown (EXIF turn applied), length
    in seconds, size in bytes."""

    kind: str
    format: str
    size: int
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    codec: str = ""
    has_sound: bool = False


def probe(path: Path) -> MediaFacts | None:
    """What the file at `path` is; None when nothing can open it."""
    return _probe_picture(path) or _probe_stream(path)


def _probe_picture(path: Path) -> MediaFacts | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_PICTURES) as picture:
                picture.load()
                name = (picture.format or "").lower()
                width, height = picture.size
                turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        return None
    if turned:
        width, height = height, width
    return MediaFacts("image", name, path.stat().st_size, width, height)


def _probe_stream(path: Path) -> MediaFacts | None:
    try:
        with av.open(str(path)) as container:
            return _facts(container, path)
    except (av.error.FFmpegError, OSError, ValueError):
        return None


def _facts(container: InputContainer, path: Path) -> MediaFacts | None:
    size = path.stat().st_size
    names = container.format.name.split(",")
    brand = container.metadata.get("major_brand", "").strip()
    if "mp4" in names:
        name = "mov" if brand == "qt" else "mp4"
    else:
        name = next((_CONTAINERS[n] for n in names if n in _CONTAINERS), names[0])
    video = next((s for s in container.streams.video if s.codec_context is not None), None)
    sound = next((s for s in container.streams.audio if s.codec_context is not None), None)
    seconds = (container.duration or 0) / 1_000_000
    if video is not None and not name.startswith("mp3"):
        if next(container.decode(video), None) is None:
            return None
        if video.duration and video.time_base:
            seconds = float(video.duration * video.time_base)
        fps = float(video.average_rate or 0)
        return MediaFacts(
            "video",
            name,
            size,
            video.width,
            video.height,
            seconds,
            fps,
            video.codec_context.name,
            sound is not None,
        )
    if sound is not None:
        if next(container.decode(sound), None) is None:
            return None
        return MediaFacts(
            "audio", name, size, seconds=seconds, codec=sound.codec_context.name, has_sound=True
        )
    return None


def check_limits(limits: Limits, found: MediaFacts | None) -> None:
    """Raise the Refusal that the service answers for the first limit that `found` misses; None
    means it does not open."""
    if found is None or found.kind != limits.kind:
        raise _unreadable(limits.kind)
    problems = limits.problems(found)
    if problems:
        raise {"image": _image_fault, "audio": _audio_fault, "video": _video_fault}[limits.kind](
            limits, problems[0]
        )


def _unreadable(kind: str) -> Refusal:
    if kind == "audio":
        return Refusal(
            400, "InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3."
        )
    if kind == "image":
        return Refusal(400, "InvalidURL", BAD_IMAGE_URL)
    return Refusal(400, "InvalidFile.Openerror")


def _audio_fault(limits: Limits, problem: Problem) -> Refusal:
    """Audio faults surface under InvalidURL (CONTRACT §3)."""
    if problem.kind == "size":
        return Refusal(
            400, "InvalidURL", f"File size is larger than {(limits.max_bytes or 0) // MIB}MB."
        )
    if problem.kind == "duration":
        return Refusal(
            400, "InvalidURL", f"The input audio is longer than {limits.max_seconds or 0:g}s."
        )
    return _unreadable("audio")


def _image_fault(limits: Limits, problem: Problem) -> Refusal:
    if problem.kind == "size":
        return Refusal(
            400,
            "InvalidFile.Size",
            "Invalid file size, The image file size must be smaller than "
            f"{(limits.max_bytes or 0) // MIB}MB.",
        )
    if problem.kind == "side":
        least = (limits.min_side or 0) - (
            1 if limits.open_size else 0
        )  # the 225 px of a strict limit read “larger than 224”
        return Refusal(
            400,
            "InvalidFile.Resolution",
            "The image resolution is invalid, please make sure that the largest length of image "
            f"is smaller than {limits.max_side}, "
            f"and the smallest length of image is larger than {least}.",
        )
    if problem.kind == "aspect":
        return Refusal(
            400,
            "InvalidFile.AspectRatio",
            f"Invalid file ratio. The file aspect ratio (height/width) must be {_aspect(limits)}.",
        )
    return _unreadable("image")


def _video_fault(limits: Limits, problem: Problem) -> Refusal:
    texts = {
        "size": (
            "InvalidFile.Size",
            "Invalid file size. The video file size must be less than 200MB, and the audio file "
            "size must be less than 15MB.",
        ),
        "side": (
            "InvalidFile.Resolution",
            f"Invalid video resolution. The height or width of video must be {limits.min_side} ~ "
            f"{limits.max_side}.",
        ),
        "aspect": (
            "InvalidFile.AspectRatio",
            f"Invalid file ratio. The file aspect ratio (height/width) must be {_aspect(limits)}.",
        ),
        "duration": (
            "InvalidFile.Duration",
            f"Invalid file duration. The file duration must be {limits.min_seconds or 0:g} s ~ "
            f"{limits.max_seconds or 0:g} s.",
        ),
        "fps": ("InvalidFile.FPS", ""),
    }
    code, message = texts.get(problem.kind, ("InvalidFile.Format", ""))
    return Refusal(400, code, message)


def _aspect(limits: Limits) -> str:
    return (
        "between 3:1 and 1:3"
        if limits.max_aspect == 3
        else f"between {limits.max_aspect or 0:.1f} and {1 / (limits.max_aspect or 1):.1f}"
    )
