"""How a stored frame is to be shown: mirrored, turned, or as it is.

Source: ISO/IEC 14496-12 §8.3.2 (matrix of a track), FFmpeg libavutil/display.h (its 32-bit words).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from PIL import Image


@dataclass(frozen=True, slots=True)
class Turn:
    """What brings a stored frame upright: first mirrored, left for right, when `mirrored`; then
    `quarters` quarter turns counter-clockwise, 0 to 3."""

    mirrored: bool = False
    quarters: int = 0

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.quarters % 2 == 1

    def upright(self, picture: Image.Image) -> Image.Image:
        """The picture of a stored frame as it is shown."""
        if self.mirrored:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return picture.rotate(90 * self.quarters, expand=True) if self.quarters else picture

    def filters(self) -> list[tuple[str, str | None]]:
        """The same as FFmpeg filters, in their order."""
        ways: dict[int, list[tuple[str, str | None]]] = {
            0: [],
            1: [("transpose", "cclock")],
            2: [("hflip", None), ("vflip", None)],
            3: [("transpose", "clock")],
        }
        return [*([("hflip", None)] if self.mirrored else []), *ways[self.quarters]]


def turn_of(frame: VideoFrame) -> Turn:
    """The turn that the display matrix of `frame` asks for; none when it has no matrix or one that
    makes no sense."""
    sides: Any = frame.side_data
    data = next((bytes(one) for one in sides if one.type == Type.DISPLAYMATRIX), b"")
    if len(data) < 36:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", data[:36])
    determinant = a * d - b * c
    if not determinant:
        return Turn()
    mirrored = determinant < 0
    if mirrored:
        a, b = -a, -b
    wide, high = math.hypot(a, c), math.hypot(b, d)
    return Turn(mirrored, round(-math.atan2(b / high, a / wide) / (math.pi / 2)) % 4)
