"""What the numbers of a picture mean: sRGB, another profile, sixteen bits, print colours."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageCms

from studio.media.tone import in_srgb, needs_mapping


def _profile(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded colour profile when it means anything else than sRGB; a profile that cannot be
    read counts as none."""
    data = picture.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = ImageCms.getProfileDescription(profile)
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    return (
        None
        if "srgb" in name.lower() or profile.profile.xcolor_space.strip() not in ("RGB", "CMYK")
        else profile
    )


def is_foreign(picture: Image.Image) -> bool:
    """Whether the pixels mean something else than sRGB or grey."""
    return picture.mode in ("CMYK", "YCbCr", "LAB", "HSV") or _profile(picture) is not None


def srgb(picture: Image.Image) -> Image.Image:
    """The picture in sRGB as RGB, RGBA, or its own grey or palette mode, without its profile."""
    profile = _profile(picture)
    if profile is not None:
        if picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
        if picture.mode in ("RGB", "RGBA", "CMYK") and (picture.mode == "CMYK") == (
            profile.profile.xcolor_space.strip() == "CMYK"
        ):
            mode = "RGB" if picture.mode == "CMYK" else picture.mode
            try:
                converted = ImageCms.profileToProfile(
                    picture, profile, ImageCms.createProfile("sRGB"), outputMode=mode
                )
            except ImageCms.PyCMSError:
                # A profile the library cannot use is no reason to lose a good picture: its numbers
                # are taken as they are.
                converted = None
            picture = converted or picture
    elif not picture.info.get("icc_profile"):
        picture = _from_code_points(picture)
    return picture.convert("RGB") if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV") else picture


def _from_code_points(picture: Image.Image) -> Image.Image:
    """A HEIF that names its colours by the code points of H.273 and not by a profile, in sRGB."""
    named = picture.info.get("nclx_profile")
    if not isinstance(named, dict) or picture.mode not in ("RGB", "RGBA"):
        return picture
    points = int(named.get("color_primaries", 1)), int(named.get("transfer_characteristics", 13))
    return in_srgb(picture, *points) if needs_mapping(*points) else picture


def eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of sixteen bits of grey as one of eight: the upper eight are the picture."""
    wide = picture if picture.mode == "I" else picture.convert("I")
    return wide.point(lambda value: value * (1 / 256)).convert("L")


def is_transparent(picture: Image.Image) -> bool:
    """Whether something shows through a decoded picture; a channel that is opaque all over does
    not count."""
    if picture.mode in ("RGBA", "LA"):
        alpha = picture.getchannel("A")
    elif picture.mode == "PA" or "transparency" in picture.info:
        alpha = picture.convert("RGBA").getchannel("A")
    else:
        return False
    lowest: Any = alpha.getextrema()
    return bool(lowest[0] < 255)
