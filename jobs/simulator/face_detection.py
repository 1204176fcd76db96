"""Who is in a picture: faces by Haar cascades, standing people by HOG, both shipped inside OpenCV 4
(no model file is fetched).

What it can: find frontal faces of photographs and of shaded drawings from 1/10 of the short side
upwards, count them, say where they are, and tell a large tilted face from none. A face counts when
two differently trained cascades agree on its place and it is not all speckle; noise, landscapes,
text and plain colour give none.

What it cannot: recognise anyone, judge hands, clothes, props or taste, see a person from behind for
certain (HOG is only supporting evidence), or find faces in deep shade and strong profile. The
remote service is stricter and cleverer; a pass here is no promise there.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

Box = tuple[int, int, int, int]

DETECTION_SIDE = 480  # the short side that cascades look at, px
MIN_FACE_SHARE = 1 / 10  # of the short side
MIN_CONTRAST = 8.0
MAX_ROUGHNESS = 0.75
_lock = threading.Lock()  # a cascade must not be used by two threads at once
_detectors: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Face:
    """A face: box in px of the picture, [x1, y1, x2, y2], from brow to chin; `tilted` when only a
    turned picture showed it."""

    box: Box
    weight: float
    tilted: bool = False

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class People:
    """What was found in a picture of `width` × `height` px. `light` is mean brightness 0..255,
    `detail` the spread of edges."""

    width: int
    height: int
    faces: tuple[Face, ...]
    bodies: tuple[Box, ...]
    light: float
    detail: float

    @property
    def face(self) -> Face | None:
        """The largest upright face."""
        return max((f for f in self.faces if not f.tilted), key=lambda f: f.height, default=None)

    @property
    def several(self) -> bool:
        """More than one face of comparable size."""
        upright = sorted((f.height for f in self.faces if not f.tilted), reverse=True)
        return len(upright) > 1 and upright[1] >= 0.4 * upright[0]


def read_picture(path: Path) -> Picture:
    """The picture at `path` as BGR rows, turned upright. Raises OSError when Pillow cannot read
    it."""
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("RGBA", "LA", "P"):
            layer = upright.convert("RGBA")
            upright = Image.new("RGBA", layer.size, (128, 128, 128, 255))
            upright.alpha_composite(layer)
        return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1])


def detect_people(picture: Picture, *, bodies: bool = False) -> People:
    """Find the people in `picture` (BGR). With `bodies`, standing figures too, but only where the
    face leaves open whether one stands: there is none, or it has 4 to 5.5 of its heights below
    it."""
    import cv2
    import numpy as np

    height, width = picture.shape[:2]
    scale = min(1.0, DETECTION_SIDE / min(width, height))
    gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    if scale < 1:
        gray = np.asarray(
            cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    light = float(gray.mean())
    detail = float(np.asarray(cv2.Laplacian(gray, cv2.CV_64F)).std())
    with _lock:
        cv2.setNumThreads(1)  # more threads only fight with the renders
        found = _faces(gray, MIN_FACE_SHARE)
        if not found:
            found = _tilted(gray)
        standing = _bodies(gray) if bodies and _open_question(found, gray.shape[0]) else []

    def back(box: Box) -> Box:
        left, top, right, bottom = (round(edge / scale) for edge in box)
        return max(0, left), max(0, top), min(width, right), min(height, bottom)

    faces = tuple(Face(back(f.box), f.weight, f.tilted) for f in found)
    return People(width, height, faces, tuple(back(b) for b in standing), light, detail)


def _cascade(name: str) -> Any:
    import cv2

    if name not in _detectors:
        if not hasattr(cv2, "CascadeClassifier"):
            raise RuntimeError(
                f"OpenCV {cv2.__version__} has no Haar cascades; install opencv-python-headless 4."
            )
        cascade = cv2.CascadeClassifier(
            str(Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml")
        )
        if cascade.empty():
            raise RuntimeError(
                f"OpenCV {cv2.__version__} ships no {name} cascade; install opencv-python-headless "
                "4."
            )
        _detectors[name] = cascade
    return _detectors[name]


def _hits(name: str, gray: Any, least: int, most: int = 0) -> list[tuple[Box, float]]:
    """Boxes of `least` to `most` px (0: any) with their weights."""
    boxes, _, weights = _cascade(name).detectMultiScale3(
        gray,
        scaleFactor=1.1,
        minNeighbors=2,
        minSize=(least, least),
        maxSize=(most, most),
        outputRejectLevels=True,
    )
    return [
        ((int(x), int(y), int(x + w), int(y + h)), float(weight))
        for (x, y, w, h), weight in zip(boxes, weights, strict=True)
    ]


def _overlap(one: Box, two: Box) -> float:
    """Shared area ÷ area of the smaller box."""
    wide = min(one[2], two[2]) - max(one[0], two[0])
    high = min(one[3], two[3]) - max(one[1], two[1])
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, two))


def _faces(gray: Any, smallest: float) -> list[Face]:
    """Faces that two cascades agree on: the first looks everywhere, the others only where it saw
    something."""
    least = max(24, int(min(gray.shape) * smallest))
    kept: list[Face] = []
    for box, weight in sorted(_hits("frontalface_alt2", gray, least), key=lambda hit: -hit[1]):
        if any(_overlap(box, face.box) > 0.4 for face in kept) or not _smooth(gray, box):
            continue
        second = _seen_again("frontalface_default", gray, box) or _seen_again(
            "frontalface_alt", gray, box
        )
        if second is not None:
            middle = tuple(round((one + two) / 2) for one, two in zip(box, second, strict=True))
            kept.append(Face((middle[0], middle[1], middle[2], middle[3]), weight))
    return kept


def _seen_again(name: str, gray: Any, box: Box) -> Box | None:
    """What another cascade sees at the place of `box`; None when it sees nothing of that size
    there."""
    size = box[2] - box[0]
    left, top = max(0, box[0] - size // 2), max(0, box[1] - size // 2)
    part = gray[top : box[3] + size // 2, left : box[2] + size // 2]
    hits = _hits(name, part, max(20, int(0.6 * size)), int(1.6 * size))
    moved = [(x1 + left, y1 + top, x2 + left, y2 + top) for (x1, y1, x2, y2), _ in hits]
    return max(
        (other for other in moved if _overlap(box, other) > 0.7),
        key=lambda other: _overlap(box, other),
        default=None,
    )


def _smooth(gray: Any, box: Box) -> bool:
    """Some light and dark, but not the speckle of noise or of text: a face is smooth over most of
    its area."""
    import cv2
    import numpy as np

    part = cv2.resize(
        gray[box[1] : box[3], box[0] : box[2]], (48, 48), interpolation=cv2.INTER_AREA
    )
    rough = float(np.abs(np.asarray(cv2.Laplacian(part, cv2.CV_64F))).mean())
    return float(np.asarray(part).std()) > MIN_CONTRAST and rough < MAX_ROUGHNESS * float(
        np.asarray(part).std()
    )


def _tilted(gray: Any) -> list[Face]:
    """A face that only a turned picture shows; the box is only roughly right. Large faces only: it
    is a hint, not a search."""
    import cv2

    half = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    high, wide = half.shape
    for degrees in (-32, 32, 90, -90):
        turn = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
        found = _faces(
            cv2.warpAffine(half, turn, (wide, high), borderMode=cv2.BORDER_REPLICATE), 0.25
        )
        if found:
            box = found[0].box
            return [
                Face((2 * box[0], 2 * box[1], 2 * box[2], 2 * box[3]), found[0].weight, tilted=True)
            ]
    return []


def _open_question(found: list[Face], height: int) -> bool:
    upright = [face for face in found if not face.tilted]
    return not upright or any(4 <= (height - face.box[3]) / face.height < 5.5 for face in upright)


def _bodies(gray: Any) -> list[Box]:
    """Standing people that HOG is sure of."""
    import cv2
    import numpy as np

    if "hog" not in _detectors:
        hog = cv2.HOGDescriptor()
        hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
        _detectors["hog"] = hog
    if gray.shape[0] < 160 or gray.shape[1] < 80:
        return []
    scale = min(1.0, 400 / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes, weights = _detectors["hog"].detectMultiScale(
        small, winStride=(8, 8), padding=(8, 8), scale=1.08
    )
    return [
        (round(x / scale), round(y / scale), round((x + w) / scale), round((y + h) / scale))
        for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
        if weight > 1.0
    ]
