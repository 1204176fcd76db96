"""A picture that talks: the mouth opens with the loudness of the speech, the head moves a little.

The video is no good acting: it proves that the right picture met the right sound in the right
shape. What it must be comes from the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.catalogue.entries import Output
from jobs.simulator.face_detection import Box
from jobs.simulator.request_bodies import aspect_of
from jobs.simulator.video_file import even_side, loudness_per_frame, write_video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PIXELS = {"480": 310_000, "720": 920_000}
MOVEMENT = {"calm": 0.4, "normal": 1.0, "active": 2.0}  # style_level → how much the head moves


def render(
    path: Path,
    picture: Picture,
    speech: Path,
    seconds: float,
    *,
    output: Output,
    frame: Box | None,
    face: Box | None,
    choices: dict[str, Any],
) -> None:
    """A talking video of `seconds`: the part `frame` of `picture` (all of it when None), the mouth
    inside `face`."""
    import cv2

    left, top, right, bottom = frame or (0, 0, picture.shape[1], picture.shape[0])
    width, height = _size(output, right - left, bottom - top, choices)
    still = cv2.resize(
        picture[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA
    )
    box = face or (
        left + (right - left) // 3,
        top + (bottom - top) // 4,
        right - (right - left) // 3,
        bottom - (bottom - top) // 3,
    )
    scale_x, scale_y = width / (right - left), height / (bottom - top)
    mouth = _Mouth(
        (box[0] + box[2]) / 2 * scale_x - left * scale_x,
        (box[1] + 0.78 * (box[3] - box[1])) * scale_y - top * scale_y,
        (box[2] - box[0]) * scale_x,
        (box[3] - box[1]) * scale_y,
    )
    fps = output.fps or 15.0
    opening = loudness_per_frame(speech, fps, max(1, round(seconds * fps)))
    movement = MOVEMENT.get(str(choices.get("style_level", "normal")), 1.0)
    write_video(
        path,
        _frames(still, mouth, opening, fps, movement),
        fps=fps,
        width=width,
        height=height,
        sound=speech if output.sound else None,
    )


@dataclass(frozen=True, slots=True)
class _Mouth:
    """Where the mouth is, and how large the face around it, in px of the video."""

    x: float
    y: float
    face_width: float
    face_height: float


@dataclass(frozen=True, slots=True)
class _Bend:
    """How the patch around the mouth is bent: where it is, and how far each pixel is pulled down
    when the mouth is wide open."""

    rows: slice
    columns: slice
    x_grid: Any
    y_grid: Any
    pull: Any


def _bend_of(mouth: _Mouth, width: int, height: int) -> _Bend:
    """Only the patch around the mouth is bent; the rest of the head moves as one."""
    import numpy as np

    x1 = max(0, round(mouth.x - 0.35 * mouth.face_width))
    x2 = min(width, round(mouth.x + 0.35 * mouth.face_width))
    y1 = max(0, round(mouth.y - 0.05 * mouth.face_height))
    y2 = min(height, round(mouth.y + 0.5 * mouth.face_height))
    y_grid, x_grid = np.mgrid[y1:y2, x1:x2].astype(np.float32)
    across = np.clip(1 - ((x_grid - mouth.x) / (0.34 * mouth.face_width)) ** 2, 0, 1)
    below = np.clip((y_grid - mouth.y) / (0.06 * mouth.face_height), 0, 1) * np.clip(
        1 - (y_grid - mouth.y) / (0.5 * mouth.face_height), 0, 1
    )
    pull = (across * below * 0.13 * mouth.face_height).astype(np.float32)
    return _Bend(slice(y1, y2), slice(x1, x2), x_grid, y_grid, pull)


def _frames(
    still: Any, mouth: _Mouth, opening: list[float], fps: float, movement: float
) -> Iterator[Picture]:
    """`still` once for each value of `opening` (0..1), with the mouth that far open."""
    import cv2
    import numpy as np

    height, width = still.shape[:2]
    bend = _bend_of(mouth, width, height)
    for index, open_ in enumerate(opening):
        time = index / fps
        shown: Any = still.copy()
        if open_ > 0.08 and bend.pull.size:
            shown[bend.rows, bend.columns] = cv2.remap(
                still,
                bend.x_grid,
                bend.y_grid - bend.pull * open_,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            centre = (round(mouth.x), round(mouth.y + 0.05 * mouth.face_height * open_))
            axes = (
                max(2, round(0.15 * mouth.face_width)),
                max(1, round(0.06 * mouth.face_height * open_)),
            )
            cv2.ellipse(shown, centre, axes, 0, 0, 360, (34, 24, 64), -1, cv2.LINE_AA)
        angle = movement * (0.9 * math.sin(2.1 * time) + 0.7 * open_)
        turn: Any = cv2.getRotationMatrix2D(
            (mouth.x, min(height, mouth.y + mouth.face_height)),
            angle,
            1.0 + 0.006 * movement * math.sin(1.3 * time),
        )
        turn[0, 2] += movement * 0.006 * width * math.sin(1.7 * time)
        turn[1, 2] += movement * 0.004 * height * math.sin(2.9 * time)
        yield np.asarray(
            cv2.warpAffine(shown, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
        )


def _size(output: Output, wide: int, high: int, choices: dict[str, Any]) -> tuple[int, int]:
    if output.frames:
        _, width, height = min(
            output.frames, key=lambda shape: abs(aspect_of(shape[0]) - wide / high)
        )
        return width, height
    pixels = PIXELS.get(str(choices.get("resolution", "480P")).rstrip("Pp"), PIXELS["480"])
    scale = math.sqrt(pixels / (wide * high))
    return even_side(wide * scale), even_side(high * scale)
