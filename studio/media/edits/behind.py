"""What is put behind a transparent picture."""

from __future__ import annotations

from PIL import Image, ImageFilter

BEHIND = ("white", "grey", "black", "blur")
COLOURS = {"white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0)}
SMALL = 64  # px of the long side at which a ground is blurred: it holds no more than colours


def with_behind(picture: Image.Image, behind: str) -> Image.Image:
    """An RGBA picture as RGB with `behind` (of BEHIND) behind it; other modes as they are."""
    if behind not in BEHIND:
        raise AssertionError(f"{behind!r} is nothing that is put behind a picture")
    if picture.mode != "RGBA":
        return picture
    ground = (
        _blurred(picture) if behind == "blur" else Image.new("RGB", picture.size, COLOURS[behind])
    )
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _blurred(picture: Image.Image) -> Image.Image:
    """The colours of what can be seen, spread over the whole."""
    scale = SMALL / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = picture.resize(size, Image.Resampling.BOX)
    seen = small.getchannel("A")
    # The colours of transparent pixels were never meant to be seen: the mean of the others.
    mean = Image.new("RGB", size, COLOURS["grey"])
    whole = (
        small.convert("RGBa").resize((1, 1), Image.Resampling.BOX).convert("RGBA").getpixel((0, 0))
    )
    if isinstance(whole, tuple) and whole[3]:
        mean = Image.new("RGB", size, (int(whole[0]), int(whole[1]), int(whole[2])))
    mean.paste(small, mask=seen)
    return mean.filter(ImageFilter.GaussianBlur(SMALL / 6)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
