"""A picture that dances: the person is cut out of it and sways in front of the video, or of the
picture itself.

The video is no good acting: it proves that the right picture met the right dance in the right
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
from jobs.simulator.video_file import even_side, video_frames, write_video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


def render(
    path: Path,
    picture: Picture,
    video: Path,
    seconds: float,
    *,
    output: Output,
    person: Box,
    size: tuple[int, int],
    own_background: bool,
) -> None:
    """A dancing video of `seconds` and `size` px: `person` of `picture` sways in front of the
    video, or of the picture itself."""
    import cv2
    import numpy as np

    width, height = size
    fps = output.fps or 15.0
    count = max(1, round(seconds * fps))
    scale = (
        height / picture.shape[0]
        if own_background
        else min(height * 0.86 / picture.shape[0], width * 0.98 / picture.shape[1])
    )
    scaled = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = np.asarray(cv2.resize(picture, scaled, interpolation=cv2.INTER_AREA), np.uint8)
    at = tuple(round(edge * scale) for edge in person)
    mask = _cut_out(small, (at[0], at[1], at[2], at[3]))
    figure = _figure(small, mask, size)
    backgrounds = (
        _copies(_without(small, mask, width, height), count)
        if own_background
        else video_frames(video, fps, width, height, count)
    )
    write_video(
        path,
        _frames(figure, backgrounds, fps, size),
        fps=fps,
        width=width,
        height=height,
        sound=video if output.sound else None,
    )


@dataclass(frozen=True, slots=True)
class _Figure:
    """The person alone: its pixels, and how much each belongs to it (0..255)."""

    picture: Any
    mask: Any


def _figure(picture: Picture, mask: Any, size: tuple[int, int]) -> _Figure:
    """What `mask` covers of `picture`, at most `size` px."""
    import numpy as np

    width, height = size
    rows, columns = np.nonzero(mask > 8)
    part = (
        slice(int(rows.min()), int(rows.max()) + 1),
        slice(int(columns.min()), int(columns.max()) + 1),
    )
    return _Figure(picture[part][:height, :width], mask[part][:height, :width])


def _copies(picture: Picture, count: int) -> Iterator[Picture]:
    for _number in range(count):
        yield picture.copy()


def _frames(
    figure: _Figure, backgrounds: Iterator[Picture], fps: float, size: tuple[int, int]
) -> Iterator[Picture]:
    """Each of `backgrounds` with `figure` in front of it, swaying."""
    import cv2
    import numpy as np

    width, height = size
    high, wide = figure.mask.shape
    room = max(0, (width - wide) // 2)
    for index, background in enumerate(backgrounds):
        beat = 2 * math.pi * 1.7 * index / fps
        base = background if background.flags.writeable else background.copy()
        lean = 0.10 * math.sin(beat / 2)
        sink = 0.03 * abs(math.sin(beat))
        bend = np.array([[1, lean, -lean * high * 0.9], [0, 1 - sink, sink * high]], np.float32)
        moved = cv2.warpAffine(figure.picture, bend, (wide, high), borderMode=cv2.BORDER_REPLICATE)
        shape = np.asarray(cv2.warpAffine(figure.mask, bend, (wide, high)), np.uint8)
        left = min(
            max(0, (width - wide) // 2 + round(min(room, 0.06 * width) * math.sin(beat / 4))),
            width - wide,
        )
        top = max(0, min(height - high, round(height * 0.96) - high))
        part = base[top : top + high, left : left + wide]
        cv2.copyTo(moved, (shape > 127).astype(np.uint8), part)
        yield base


def size_of(choices: dict[str, Any], video_size: tuple[int, int]) -> tuple[int, int]:
    """720P class: the asked shape with the picture's background, else the shape of the video; its
    short side is 720 px."""
    aspect = video_size[0] / video_size[1]
    if choices.get("use_ref_img_bg") is True:
        aspect = aspect_of(str(choices.get("video_ratio", "9:16")))
    return (720, even_side(720 / aspect)) if aspect <= 1 else (even_side(720 * aspect), 720)


def _without(picture: Picture, mask: Any, width: int, height: int) -> Picture:
    """The place without the person, painted over from its surroundings on a small copy, stretched
    to `width` × `height`."""
    import cv2
    import numpy as np

    scale = min(1.0, 160 / max(picture.shape[:2]))
    size = (max(8, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale)))
    hidden = cv2.dilate(
        cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.ones((9, 9), np.uint8)
    )
    painted = cv2.inpaint(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA), hidden, 3, cv2.INPAINT_TELEA
    )
    return np.asarray(cv2.resize(painted, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _cut_out(picture: Picture, person: Box) -> Any:
    """A mask 0..255 of the person inside `person`: GrabCut on a small copy, else a soft-edged
    box."""
    import cv2
    import numpy as np

    high, wide = picture.shape[:2]
    scale = min(1.0, 160 / max(high, wide))
    small = cv2.resize(
        picture,
        (max(8, round(wide * scale)), max(8, round(high * scale))),
        interpolation=cv2.INTER_AREA,
    )
    x1, y1, x2, y2 = (round(edge * scale) for edge in person)
    x1, y1 = max(1, x1), max(1, y1)
    x2, y2 = min(small.shape[1] - 1, x2), min(small.shape[0] - 1, y2)
    marks = np.zeros(small.shape[:2], np.uint8)
    if x2 - x1 >= 8 and y2 - y1 >= 8:
        cv2.grabCut(
            small,
            marks,
            (x1, y1, x2 - x1, y2 - y1),
            np.zeros((1, 65)),
            np.zeros((1, 65)),
            1,
            cv2.GC_INIT_WITH_RECT,
        )
    mask = np.where((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    share = float(np.count_nonzero(mask)) / max(1, (x2 - x1) * (y2 - y1))
    if not 0.08 < share < 0.98:
        mask[:] = 0
        mask[max(0, y1) : max(y1 + 1, y2), max(0, x1) : max(x1 + 1, x2)] = 255
    return cv2.resize(mask, (wide, high), interpolation=cv2.INTER_LINEAR)
