"""A picture straightened, cropped, scaled and saved below a limit of bytes."""

from __future__ import annotations

import math
import os

from PIL import Image

from studio.common.translatable import phrase
from studio.media.colours import eight_bits, srgb
from studio.media.edits.behind import ground_of, with_behind
from studio.media.edits.byte_limit import below
from studio.media.edits.refusal import EditError, replacing
from studio.media.facts import Facts, MediaError, unreadable
from studio.media.kinds import KINDS, Kind, sniff
from studio.media.metadata import ORIENTATION, upright
from studio.media.picture import _in_stripes, _open, broken, probe_picture
from studio.media.rows import few_pixels, in_rows, is_for_rows, smaller
from studio.media.stripes import Box, Stripes

FORMATS = ("", "jpeg", "png")
STEEPEST = 45.0  # degrees
FACE_HEIGHTS = 2.2  # height of the closest frame, in heights of the face
# Of the spare height goes above the frame of a tall picture: faces are in its upper half.
EYE_LEVEL = 0.4


def edit_picture(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    box: tuple[int, int, int, int] | None = None,
    angle: float = 0.0,
    format: str = "",
    max_side: int | None = None,
    max_bytes: int | None = None,
    min_side: int | None = None,
    behind: str = "",
) -> Facts:
    """Write the picture at `path`, straightened, cropped and scaled down in this order, to
    `target`; returns the facts of the new file.

    `angle`: degrees clockwise, -45 to 45; the empty corners are cut away (`straight_size`). `box`:
    (left, top, right, bottom) in px of the straightened picture, clamped to it. `max_side`,
    `min_side`: px of the long and of the short side; nothing is ever scaled up. `max_bytes`: the
    file stays strictly below, first by JPEG quality (95 to 60), then by fewer pixels, never below
    `min_side`. `format`: "jpeg", "png", or "" for the source's own (JPEG when it is another, or
    when a PNG does not fit into `max_bytes`). `behind` (of BEHIND) is put behind a transparent
    picture; without it transparency is laid on white for JPEG. The file holds pixels in sRGB and no
    metadata. `target` may be `path`.

    Raises MediaError for what `studio.media.probe` refuses and for what is no picture (no-stream),
    EditError: bad-box, too-small, too-large.
    """
    if format not in FORMATS:
        raise AssertionError(f"{format!r} is no format that pictures are written in")
    kind = _picture_kind(path)
    with unreadable(broken(kind.format)):
        picture: Image.Image | Stripes | None = None if angle else _striped(path, kind, box, behind)
    if picture is None:
        whole = _whole(path, kind)
        if behind:
            whole = with_behind(whole, behind)
        picture = _cropped(_straightened(whole, angle), box)
        del whole  # hundreds of megabytes of a large one, which nothing needs any more
    picture = _scaled(picture, max_side)
    _refuse_small(picture.size, min_side)
    name = format or (kind.format if kind.format in ("jpeg", "png") else "jpeg")
    name, data = below(picture, name, format, max_bytes, min_side)
    with replacing(target) as part:
        part.write_bytes(data)
        return probe_picture(part, KINDS[name])


def _striped(
    path: str | os.PathLike[str], kind: Kind, box: Box | None, behind: str
) -> Stripes | None:
    """The part `box` of a large picture in stripes; None of one that has to be there as a whole."""

    def part(size: tuple[int, int]) -> Box:
        return _clamped(size, box)

    def opened() -> Image.Image:
        return _open(path, kind.format)

    def convert(one: Image.Image) -> Image.Image:
        return _plain(srgb(one))

    striped = _in_stripes(path, kind.format, part)
    if striped is not None or not behind:
        return striped or in_rows(opened, convert, part)
    with opened() as picture:
        if not is_for_rows(picture):
            return None
        size = picture.size
    few = few_pixels(opened, convert) if behind == "blur" else None
    return in_rows(opened, convert, part, ground_of(behind, size, few))


def _whole(path: str | os.PathLike[str], kind: Kind) -> Image.Image:
    """All of the picture, upright and in sRGB."""
    with unreadable(broken(kind.format)), _open(path, kind.format) as opened:
        opened.load()
        # No copies that nobody needs: each of a large picture has hundreds of megabytes.
        return _plain(srgb(upright(opened)))


def _picture_kind(path: str | os.PathLike[str]) -> Kind:
    kind = sniff(path)
    if kind.kind != "image":
        raise MediaError(
            "no-stream",
            phrase(
                "This %(format)s file is no picture, so there is nothing to crop; choose a JPEG or "
                "PNG.",
                format=kind.format.upper(),
            ),
        )
    return kind


def straight_size(width: int, height: int, angle: float) -> tuple[int, int]:
    """Size in px after straightening by `angle` degrees: the largest upright rectangle of the same
    shape inside the turned picture."""
    _refuse_angle(angle)
    turn = math.radians(abs(angle))
    cosine, sine = math.cos(turn), math.sin(turn)
    keep = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    return max(1, math.floor(width * keep + 1e-9)), max(1, math.floor(height * keep + 1e-9))


def frame_for(
    width: int,
    height: int,
    aspect: tuple[int, int],
    face: tuple[int, int, int, int] | None = None,
    closeness: float = 0.0,
) -> tuple[int, int, int, int]:
    """The crop (left, top, right, bottom) in px of the shape `aspect` (width, height; within 1 px)
    in a picture of `width` x `height` px.

    It is the largest there is, or with `face` (left, top, right, bottom) and `closeness` 0 to 1
    smaller, down to 2.2 heights of the face. It is centred on the face as far as the picture goes
    and holds all of it when the shape allows; without a face it stands in the middle, in a tall
    picture a little above.
    """
    across, down = aspect
    if min(width, height, across, down) < 1:
        raise AssertionError("a picture and a shape have two sides of at least 1")
    if width * down <= height * across:
        widest, tallest = width, min(height, max(1, round(width * down / across)))
    else:
        widest, tallest = min(width, max(1, round(height * across / down))), height
    wide, tall = widest, tallest
    known = _within(face, width, height) if face is not None else None
    if known is None:
        over = EYE_LEVEL if height > width else 0.5
        left, top = (width - wide) // 2, round((height - tall) * over)
        return left, top, left + wide, top + tall
    near = max(FACE_HEIGHTS * (known[3] - known[1]), (known[2] - known[0]) * down / across)
    # At closeness 0 it stays the largest: taken from a rounded height, a side can lose a pixel.
    if near < tallest and closeness > 0:
        exact = tallest + (near - tallest) * min(1.0, closeness)
        tall = min(tallest, math.ceil(exact - 1e-6))
        wide = min(widest, max(1, math.ceil(exact * across / down - 1e-6)))
    left = _placed(known[0], known[2], wide, width)
    top = _placed(known[1], known[3], tall, height)
    return left, top, left + wide, top + tall


def _placed(start: int, stop: int, length: int, whole_length: int) -> int:
    """Where a frame of `length` starts so that [start, stop) is in its middle, or at least inside
    it where the picture ends."""
    at = (start + stop - length) // 2
    return max(0, min(at, whole_length - length))


def _within(
    face: tuple[int, int, int, int], width: int, height: int
) -> tuple[int, int, int, int] | None:
    left, top, right, bottom = (
        max(0, face[0]),
        max(0, face[1]),
        min(width, face[2]),
        min(height, face[3]),
    )
    return (left, top, right, bottom) if left < right and top < bottom else None


def _refuse_angle(angle: float) -> None:
    if not -STEEPEST <= angle <= STEEPEST:
        raise EditError(
            "bad-box",
            phrase(
                "A picture is straightened by at most %(steepest)s degrees, and %(angle)s were "
                "asked for; turn it less.",
                steepest=f"{STEEPEST:g}",
                angle=f"{angle:g}",
            ),
        )


def _plain(picture: Image.Image) -> Image.Image:
    """The picture as L, RGB or RGBA with nothing but pixels: other modes are not interpolated well,
    and its info would be saved again."""
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = eight_bits(picture)
    elif picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    else:
        mode = "L" if picture.mode in ("1", "L") else "RGB"
        picture = picture if picture.mode == mode else picture.convert(mode)
    picture.info = {}
    exif = picture.getexif()
    if ORIENTATION in exif:
        del exif[ORIENTATION]
    return picture


def _straightened(picture: Image.Image, angle: float) -> Image.Image:
    _refuse_angle(angle)
    width, height = straight_size(*picture.size, angle)
    if not angle or (width, height) == picture.size:
        return picture
    turn = math.radians(angle)
    cosine, sine = math.cos(turn), math.sin(turn)
    middle, centre = (picture.width / 2, picture.height / 2), (width / 2, height / 2)
    # One pass from the turned picture's middle: each pixel of the result is looked up in the
    # source, and all of them lie inside it.
    lookup = (
        cosine,
        sine,
        middle[0] - cosine * centre[0] - sine * centre[1],
        -sine,
        cosine,
        middle[1] + sine * centre[0] - cosine * centre[1],
    )
    return picture.transform(
        (width, height), Image.Transform.AFFINE, lookup, Image.Resampling.BICUBIC
    )


def _cropped(picture: Image.Image, box: Box | None) -> Image.Image:
    part = _clamped(picture.size, box)
    return picture if part == (0, 0, *picture.size) else picture.crop(part)


def _clamped(size: tuple[int, int], box: Box | None) -> Box:
    """`box` as far as it lies in a picture of `size`, all of it without one. EditError: bad-box."""
    if box is None:
        return (0, 0, *size)
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(size[0], box[2]), min(size[1], box[3])
    if left >= right or top >= bottom:
        raise EditError(
            "bad-box",
            phrase(
                "The frame %(left)s, %(top)s to %(right)s, %(bottom)s holds no part of the "
                "%(width)s × %(height)s px picture; draw it again.",
                left=box[0],
                top=box[1],
                right=box[2],
                bottom=box[3],
                width=size[0],
                height=size[1],
            ),
        )
    return left, top, right, bottom


def _scaled(picture: Image.Image | Stripes, max_side: int | None) -> Image.Image | Stripes:
    long = max(picture.size)
    if max_side is None or long <= max_side:
        return picture
    if max_side < 1:
        raise EditError(
            "too-small", phrase("A picture has at least 1 px on its long side; allow more.")
        )
    size = (
        max(1, round(picture.width * max_side / long)),
        max(1, round(picture.height * max_side / long)),
    )
    return smaller(picture, size)


def _refuse_small(size: tuple[int, int], min_side: int | None) -> None:
    if min_side is not None and min(size) < min_side:
        missing = min_side - min(size)
        raise EditError(
            "too-small",
            phrase(
                "The picture would be %(width)s × %(height)s px, %(missing)s px short of the "
                "%(min_side)s px that its short side "
                "needs; crop less of it or use a larger picture.",
                width=size[0],
                height=size[1],
                missing=missing,
                min_side=min_side,
            ),
        )
