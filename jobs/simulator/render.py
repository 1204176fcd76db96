"""The films themselves. They are no good acting: they prove that the right picture met the right
sound in the right shape.

A picture with speech talks: the mouth opens with the loudness and the head moves a little. A
picture with a video dances: the person is cut out of the picture and sways in front of the video
(or of the picture itself). What the film must be comes from the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.catalogue.entries import Output
from jobs.simulator.face_detection import Box
from jobs.simulator.request_bodies import aspect_of
from jobs.simulator.video_file import even, loudness, video_frames, write_film

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PIXELS = {"480": 310_000, "720": 920_000}
LIVELY = {"calm": 0.4, "normal": 1.0, "active": 2.0}


def talk(
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
    """A talking film of `seconds`: the part `frame` of `picture` (all of it when None), the mouth
    inside `face`."""
    import cv2
    import numpy as np

    left, top, right, bottom = frame or (0, 0, picture.shape[1], picture.shape[0])
    width, height = _talk_size(output, right - left, bottom - top, choices)
    still = cv2.resize(
        picture[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA
    )
    scale_x, scale_y = width / (right - left), height / (bottom - top)
    box = face or (
        left + (right - left) // 3,
        top + (bottom - top) // 4,
        right - (right - left) // 3,
        bottom - (bottom - top) // 3,
    )
    mouth_x = (box[0] + box[2]) / 2 * scale_x - left * scale_x
    mouth_y = (box[1] + 0.78 * (box[3] - box[1])) * scale_y - top * scale_y
    face_w, face_h = (box[2] - box[0]) * scale_x, (box[3] - box[1]) * scale_y
    fps = output.fps or 15.0
    count = max(1, round(seconds * fps))
    opening = loudness(speech, fps, count)
    lively = LIVELY.get(str(choices.get("style_level", "normal")), 1.0)

    # Only the patch around the mouth is bent; the rest of the head moves as one.
    x1, x2 = max(0, round(mouth_x - 0.35 * face_w)), min(width, round(mouth_x + 0.35 * face_w))
    y1, y2 = max(0, round(mouth_y - 0.05 * face_h)), min(height, round(mouth_y + 0.5 * face_h))
    y_grid, x_grid = np.mgrid[y1:y2, x1:x2].astype(np.float32)
    across = np.clip(1 - ((x_grid - mouth_x) / (0.34 * face_w)) ** 2, 0, 1)
    below = np.clip((y_grid - mouth_y) / (0.06 * face_h), 0, 1) * np.clip(
        1 - (y_grid - mouth_y) / (0.5 * face_h), 0, 1
    )
    pull = (across * below * 0.13 * face_h).astype(np.float32)

    def frames() -> Iterator[Picture]:
        for index in range(count):
            time = index / fps
            open_ = opening[index]
            shown: Any = still.copy()
            if open_ > 0.08 and pull.size:
                shown[y1:y2, x1:x2] = cv2.remap(
                    still,
                    x_grid,
                    y_grid - pull * open_,
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
                centre = (round(mouth_x), round(mouth_y + 0.05 * face_h * open_))
                axes = (max(2, round(0.15 * face_w)), max(1, round(0.06 * face_h * open_)))
                cv2.ellipse(shown, centre, axes, 0, 0, 360, (34, 24, 64), -1, cv2.LINE_AA)
            angle = lively * (0.9 * math.sin(2.1 * time) + 0.7 * open_)
            turn: Any = cv2.getRotationMatrix2D(
                (mouth_x, min(height, mouth_y + face_h)),
                angle,
                1.0 + 0.006 * lively * math.sin(1.3 * time),
            )
            turn[0, 2] += lively * 0.006 * width * math.sin(1.7 * time)
            turn[1, 2] += lively * 0.004 * height * math.sin(2.9 * time)
            yield np.asarray(
                cv2.warpAffine(shown, turn, (width, height), borderMode=cv2.BORDER_REFLECT),
                np.uint8,
            )

    write_film(
        path, frames(), fps=fps, width=width, height=height, sound=speech if output.sound else None
    )


def dance(
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
    """A dancing film of `seconds` and `size` px: `person` of `picture` sways in front of the video,
    or of the picture itself."""
    import cv2
    import numpy as np

    width, height = size
    fps = output.fps or 15.0
    count = max(1, round(seconds * fps))
    scale = (
        min(height * 0.86 / picture.shape[0], width * 0.98 / picture.shape[1])
        if not own_background
        else height / picture.shape[0]
    )
    small = np.asarray(
        cv2.resize(
            picture,
            (round(picture.shape[1] * scale), round(picture.shape[0] * scale)),
            interpolation=cv2.INTER_AREA,
        ),
        np.uint8,
    )
    at = tuple(round(edge * scale) for edge in person)
    mask = _cut_out(small, (at[0], at[1], at[2], at[3]))
    rows, columns = np.nonzero(mask > 8)
    x1, x2, y1, y2 = (
        int(columns.min()),
        int(columns.max()) + 1,
        int(rows.min()),
        int(rows.max()) + 1,
    )
    figure, cover = small[y1:y2, x1:x2], mask[y1:y2, x1:x2]
    behind: Picture | None = None
    if own_background:
        behind = _without(small, mask, width, height)
    pictures = iter([]) if own_background else video_frames(video, fps, width, height, count)
    figure, cover = figure[:height, :width], cover[:height, :width]
    high, wide = cover.shape
    room = max(0, (width - wide) // 2)

    def frames() -> Iterator[Picture]:
        for index in range(count):
            beat = 2 * math.pi * 1.7 * index / fps
            base = behind.copy() if behind is not None else next(pictures)
            if not base.flags.writeable:
                base = base.copy()
            lean = 0.10 * math.sin(beat / 2)
            sink = 0.03 * abs(math.sin(beat))
            bend = np.array([[1, lean, -lean * high * 0.9], [0, 1 - sink, sink * high]], np.float32)
            moved = cv2.warpAffine(figure, bend, (wide, high), borderMode=cv2.BORDER_REPLICATE)
            shape = np.asarray(cv2.warpAffine(cover, bend, (wide, high)), np.uint8)
            left = min(
                max(0, (width - wide) // 2 + round(min(room, 0.06 * width) * math.sin(beat / 4))),
                width - wide,
            )
            top = max(0, min(height - high, round(height * 0.96) - high))
            part = base[top : top + high, left : left + wide]
            cv2.copyTo(moved, (shape > 127).astype(np.uint8), part)
            yield base

    write_film(
        path, frames(), fps=fps, width=width, height=height, sound=video if output.sound else None
    )


def dance_size(choices: dict[str, Any], video_size: tuple[int, int]) -> tuple[int, int]:
    """720P class: the asked shape with the picture's background, else the shape of the video; its
    short side is 720 px."""
    aspect = video_size[0] / video_size[1]
    if choices.get("use_ref_img_bg") is True:
        aspect = aspect_of(str(choices.get("video_ratio", "9:16")))
    return (720, even(720 / aspect)) if aspect <= 1 else (even(720 * aspect), 720)


def _talk_size(output: Output, wide: int, high: int, choices: dict[str, Any]) -> tuple[int, int]:
    if output.frames:
        _, width, height = min(
            output.frames, key=lambda shape: abs(aspect_of(shape[0]) - wide / high)
        )
        return width, height
    pixels = PIXELS.get(str(choices.get("resolution", "480P")).rstrip("Pp"), PIXELS["480"])
    scale = math.sqrt(pixels / (wide * high))
    return even(wide * scale), even(high * scale)


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
