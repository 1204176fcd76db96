"""Still pictures: facts, a clean upright copy, a thumbnail."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import open_heif
from pillow_heif.as_plugin import HeifImageFile

from studio.common.translatable import Sentence, phrase
from studio.media.colours import eight_bits, is_foreign, is_transparent, srgb
from studio.media.facts import TRANSPARENT, Facts, MediaError, unreadable
from studio.media.jpeg_end import mended
from studio.media.kinds import KINDS, Kind
from studio.media.metadata import bare_picture, is_turned, upright, upright_size
from studio.media.pixel_limit import refuse_pixels
from studio.media.png_bands import bands
from studio.media.rows import Decoded, DecodedRows, reduced
from studio.media.same_pixels import alike, pixels_digest
from studio.media.stripes import HALVED, LARGE, Box, Stripes, in_stripes

JPEG_QUALITY = 95
DRAFTED = 8  # a JPEG is decoded at an eighth of its sides to be compared
HALF_COLOURS = 2  # Pillow's name for 4:2:0
WEBP_QUALITY = 95
THUMBNAIL_QUALITY = 80

# The plug-ins themselves, not Image.open: no other decoder can be reached, a multi-picture JPEG
# gives its first picture, and no warning or process-wide pixel limit stands between the header and
# our own.
OPENERS: dict[str, Any] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "heif": HeifImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
}
# Formats that no model takes: they are kept as JPEG, or as PNG when they are transparent.
CONVERTED = ("heif", "avif")


def broken(format: str) -> Sentence:
    """What is said of a picture that is not whole."""
    return phrase(
        "This %(format)s picture is cut or damaged and cannot be shown in full; export it again "
        "from where it came from.",
        format=format.upper(),
    )


def probe_picture(path: str | os.PathLike[str], kind: Kind, *, kept_next: bool = False) -> Facts:
    """Facts of a picture that has been decoded in full. With `kept_next` one that is encoded anew
    by `normalise_image` is only opened, since that decodes it. Raises MediaError: broken,
    too-large-picture, not-supported."""
    size = os.stat(path).st_size
    with unreadable(broken(kind.format)):
        if kept_next and kind.format in CONVERTED:
            with _open(path, kind.format) as picture:
                width, height = upright_size(picture)
            return Facts("image", kind.format, kind.mime, kind.extension, size, width, height)
        with _open(path, kind.format) as picture:
            picture.verify()
        # verify() lets a JPEG cut in half pass and leaves the picture unusable: open again and
        # decode every pixel.
        with _open(path, kind.format) as picture:
            width, height = upright_size(picture)
            if kind.format == "jpeg":
                # All that is coded is read at an eighth of the size too, and damage shows. (Of a
                # HEIF only the small picture inside of it would be.)
                picture.draft(None, (1, 1))
            if (parts := bands(path)) is not None:
                shows = [is_transparent(band) for band in parts]
                codec = TRANSPARENT if any(shows) else ""
            else:
                picture.load()
                codec = TRANSPARENT if is_transparent(picture) else ""
    return Facts("image", kind.format, kind.mime, kind.extension, size, width, height, codec=codec)


def normalise_image(
    path: str | os.PathLike[str], facts: Facts, target: str | os.PathLike[str]
) -> Facts:
    """Write the picture upright and without metadata to `target`, in the same format (HEIF and AVIF
    as JPEG, or as PNG when something of them is transparent); returns the facts of the new file.

    Rotation is baked in; EXIF, GPS, XMP, comments, embedded previews and whatever follows the
    picture are dropped. Pixels are encoded anew only for a rotation, a colour profile other than
    sRGB (converted to sRGB) or a colour space other than RGB and grey (CMYK becomes RGB); otherwise
    metadata is cut out of the bytes without loss, and a file without any is copied unchanged.
    `target` may be `path`; it appears whole or not at all. Raises MediaError for what `probe`
    refuses.
    """
    target = Path(target)
    part = target.with_name(target.name + ".part")
    try:
        new = _normal(path, facts, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return new


def _normal(path: str | os.PathLike[str], facts: Facts, part: Path) -> Facts:
    data: bytes | None
    kept = facts.format
    with unreadable(broken(facts.format)):
        with _open(path, facts.format) as picture:
            turned = is_turned(picture)
            anew = turned or is_foreign(picture)
            striped = _in_stripes(path, facts.format) if anew else None
            if striped is not None:
                width, height = striped.size
                data = _striped_jpeg(striped, picture)
                _refuse_unlike(_drafted(_open(path, facts.format)), data, facts.format)
            elif (rows := _heif_rows(path, facts.format, picture)) is not None:
                width, height, kept = *rows.size, "jpeg"
                data = rows.jpeg(quality=JPEG_QUALITY, subsampling=HALVED)
                _refuse_unlike(rows.reduced(DRAFTED), data, kept)
            elif anew or facts.format in CONVERTED:
                picture.load()
                straight = srgb(upright(picture))
                width, height = straight.size
                if facts.format in CONVERTED:
                    straight, kept = _storable(straight)
                data = _encoded(straight, picture, kept, facts.size)
                _refuse_unlike(straight, data, kept)
            else:
                width, height = picture.size
                data = None
        if data is None:
            data = bare_picture(path, facts.format)
            if data is not None:
                _refuse_changed(path, data, facts.format)
    if data is None:
        shutil.copyfile(path, part)
    else:
        part.write_bytes(data)
    kind = KINDS[kept]
    return replace(
        facts,
        format=kind.format,
        mime=kind.mime,
        extension=kind.extension,
        size=os.stat(part).st_size,
        width=width,
        height=height,
        codec=_codec(facts, kept),
    )


def _codec(facts: Facts, kept: str) -> str:
    """What the facts say of the copy in the format `kept`: what became PNG is transparent."""
    if facts.format not in CONVERTED:
        return facts.codec
    return TRANSPARENT if kept == "png" else ""


def _heif_rows(
    path: str | os.PathLike[str], format: str, picture: Image.Image
) -> DecodedRows | None:
    """A large HEIF in which nothing is transparent, in stripes of sRGB; `picture` is the one that
    was opened, with its profile. None of any other."""
    large = picture.width * picture.height >= LARGE
    if format != "heif" or not large or picture.mode != "RGB" or is_turned(picture):
        return None
    stored = open_heif(path, convert_hdr_to_8bit=True)
    primary = stored[stored.primary_index]
    if primary.mode != "RGB":
        return None
    info = dict(picture.info)
    decoded = Decoded(primary.data, primary.size, primary.stride)

    def convert(stripe: Image.Image) -> Image.Image:
        stripe.info = dict(info)
        stripe = srgb(stripe)
        stripe.info = {}
        return stripe

    return DecodedRows(decoded, convert)


def _storable(picture: Image.Image) -> tuple[Image.Image, str]:
    """The picture as JPEG or PNG can hold it, and which of the two."""
    if is_transparent(picture):
        return picture.convert("RGBA"), "png"
    return picture.convert("L" if picture.mode == "L" else "RGB"), "jpeg"


def _refuse_changed(path: str | os.PathLike[str], data: bytes, name: str) -> None:
    """MediaError (broken) unless `data`, cut out of the file at `path`, decodes to its pixels."""
    # One after the other: each may have hundreds of megabytes.
    with _open(path, name) as before:
        digest = pixels_digest(before, bands(path))
    with OPENERS[name](io.BytesIO(data)) as after:
        if pixels_digest(after, bands(data)) != digest:
            raise MediaError("broken", broken(name))


def _refuse_unlike(picture: Image.Image, data: bytes, name: str) -> None:
    """MediaError (broken) unless `data`, in the format `name`, shows `picture`, which may be
    drafted."""
    with OPENERS[name](io.BytesIO(data)) as after:
        # A part of the sides where the picture was reduced, which rounds up.
        after.draft(None, (max(1, picture.width - 1), max(1, picture.height - 1)))
        after.load()
        if not alike(picture, after):
            raise MediaError("broken", broken(name))


def _drafted(picture: Image.Image) -> Image.Image:
    """An opened JPEG upright and in sRGB at an eighth of its size, which costs little memory."""
    with picture:
        picture.draft(None, (picture.width // 8, picture.height // 8))
        picture.load()
        return srgb(upright(picture))


def _in_stripes(
    path: str | os.PathLike[str],
    format: str,
    part: Callable[[tuple[int, int]], Box] | None = None,
) -> Stripes | None:
    """The picture, or a part of it, in stripes when it is one that can be read like that."""
    return in_stripes(lambda: _open(path, format), srgb, part) if format == "jpeg" else None


def _striped_jpeg(striped: Stripes, source: Image.Image) -> bytes:
    """With the tables of its source: so large a picture must not grow beyond a service's limit."""
    tables = getattr(source, "quantization", None)
    return striped.jpeg(quality=JPEG_QUALITY, subsampling=HALVED, tables=tables)


def picture_thumbnail(
    path: str | os.PathLike[str], facts: Facts, target: str | os.PathLike[str], box: int
) -> tuple[int, int]:
    """A WebP within `box` x `box` pixels, upright, in sRGB; returns its size."""
    with unreadable(broken(facts.format)), _open(path, facts.format) as picture:
        # Shrinking first lets the JPEG decoder skip most of the work; a square box does not mind
        # the later turn.
        straight: Image.Image = picture
        if picture.mode.startswith("I"):
            straight = eight_bits(picture)
        if picture.format != "JPEG":
            straight = reduced(straight, 3 * box, bands(path))
        straight.thumbnail((box, box), reducing_gap=3.0)
        small = srgb(upright(straight) if is_turned(straight) else straight.copy())
    return write_webp(small, target, THUMBNAIL_QUALITY)


def write_webp(
    picture: Image.Image, target: str | os.PathLike[str], quality: int
) -> tuple[int, int]:
    """Encode `picture` (RGB or RGBA) to `target`; returns its size in pixels."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality, method=4)
    Path(target).write_bytes(out.getvalue())
    return picture.size


def _open(path: str | os.PathLike[str], name: str) -> Image.Image:
    """The picture, header read and pixels not yet decoded, of a size that may be decoded, and
    still. The caller closes it."""
    if name == "webp":
        # This decoder asks for the memory of the whole canvas when it opens the file.
        refuse_pixels(*_webp_canvas(path))
    source = mended(path) if name == "jpeg" else None
    picture: Image.Image = OPENERS[name](source or path)
    try:
        refuse_pixels(*picture.size)
        if min(picture.size) < 1:
            raise MediaError(
                "broken",
                phrase(
                    "The picture says that it has no pixels; export it again from where it came "
                    "from."
                ),
            )
        # Of a burst or a live photo in HEIF the primary picture is opened.
        if name != "heif" and getattr(picture, "n_frames", 1) > 1:
            raise MediaError(
                "not-supported",
                phrase(
                    "This picture moves, and the studio needs a still one; save one frame of it as "
                    "PNG or JPEG."
                ),
            )
    except BaseException:
        picture.close()
        raise
    return picture


def _webp_canvas(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height that a WebP declares; (0, 0) when it declares none, which the decoder then
    refuses."""
    with open(path, "rb") as file:
        head = file.read(30)
    if len(head) < 30:
        return 0, 0
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(
                head[27:30], "little"
            ) + 1
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(
                head[28:30], "little"
            ) & 0x3FFF
    return 0, 0


def _encoded(upright: Image.Image, source: Image.Image, name: str, size: int) -> bytes:
    """`upright` in the format `name`, from a source of `size` bytes: nothing but pixels, and the
    transparency of a palette."""
    keep: dict[str | tuple[int, int], Any] = (
        {"transparency": upright.info["transparency"]} if "transparency" in upright.info else {}
    )
    upright.info = keep
    if name == "jpeg":
        sampling = -1
        if source.format == "JPEG" and source.mode in ("RGB", "YCbCr"):
            sampling = JpegImagePlugin.get_sampling(source)
        elif source.format in ("HEIF", "AVIF"):
            sampling = HALF_COLOURS  # as phones store them
        options: dict[str, Any] = (
            {"subsampling": sampling if sampling >= 0 else 0} if upright.mode == "RGB" else {}
        )
        data = _saved(upright, "JPEG", quality=JPEG_QUALITY, optimize=True, **options)
        tables = getattr(source, "quantization", None)
        # A picture saved at 85 must not grow beyond a service's limit of megabytes: then its own
        # tables are used again.
        if len(data) > size and tables and source.mode == upright.mode:
            data = min(
                data, _saved(upright, "JPEG", qtables=tables, optimize=True, **options), key=len
            )
        return data
    if name == "webp":
        with open(_source_path(source), "rb") as file:
            lossless = b"VP8L" in file.read(4096)
        return _saved(
            upright,
            "WEBP",
            quality=100 if lossless else WEBP_QUALITY,
            lossless=lossless,
            exact=True,
        )
    if name == "bmp" and upright.mode not in ("1", "L", "P", "RGB", "RGBA"):
        upright = upright.convert("RGB")
    return _saved(upright, name.upper())


def _source_path(source: Image.Image) -> str:
    """The path that an opened picture came from."""
    return os.fspath(source.filename)  # type: ignore[attr-defined]


def _saved(picture: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    try:
        picture.save(out, name, **options)
    except OSError:
        if not options.pop("optimize", False):
            raise
        # An optimized JPEG has to fit one buffer, which noise does not.
        return _saved(picture, name, **options)
    return out.getvalue()
