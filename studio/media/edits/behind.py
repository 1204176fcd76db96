"""What is put behind a transparent picture."""

from __future__ import annotations

from PIL import Image, ImageFilter

from studio.media.rows import Ground, laid
from studio.media.stripes import Box, Stripes

BEHIND = ("white", "grey", "black", "blur")
COLOURS = {"white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0)}
SMALL = 64  # px of the long side at which a ground is blurred: it holds no more than colours


class OnWhite(Stripes):
    """Stripes that may be RGBA, on white: RGB."""

    def __init__(self, picture: Stripes) -> None:
        self.picture = picture
        self.size = self.width, self.height = picture.size

    def stripe(self, top: int, bottom: int) -> Image.Image:
        return with_behind(self.picture.stripe(top, bottom), "white")

    def resize(self, size: tuple[int, int], resample: Image.Resampling) -> OnWhite:
        return OnWhite(self.picture.resize(size, resample))


def with_behind(picture: Image.Image, behind: str) -> Image.Image:
    """An RGBA picture as RGB with `behind` (of BEHIND) behind it; other modes as they are."""
    if picture.mode != "RGBA":
        _refuse(behind)
        return picture
    return laid(picture, ground_of(behind, picture.size, picture)((0, 0, *picture.size)))


def ground_of(behind: str, size: tuple[int, int], seen: Image.Image | None) -> Ground:
    """What stands behind the boxes of an RGBA picture of this `size`, which `seen` shows in
    whatever size: only "blur" looks at it."""
    _refuse(behind)
    if behind == "blur" and seen is not None:
        return _blurred(seen, size)
    colour = COLOURS.get(behind, COLOURS["grey"])
    return lambda box: Image.new("RGB", (box[2] - box[0], box[3] - box[1]), colour)


def _refuse(behind: str) -> None:
    if behind not in BEHIND:
        raise AssertionError(f"{behind!r} is nothing that is put behind a picture")


def _blurred(seen: Image.Image, of: tuple[int, int]) -> Ground:
    """The colours of what can be seen, spread over the whole."""
    scale = SMALL / max(of)
    size = max(1, round(of[0] * scale)), max(1, round(of[1] * scale))
    spread = _spread(seen.resize(size, Image.Resampling.BOX))
    across, down = size[0] / of[0], size[1] / of[1]

    def ground(box: Box) -> Image.Image:
        part = (
            box[0] * across,
            box[1] * down,
            min(box[2] * across, size[0]),
            min(box[3] * down, size[1]),
        )
        wanted = (box[2] - box[0], box[3] - box[1])
        return spread.resize(wanted, Image.Resampling.BICUBIC, box=part)

    return ground


def _spread(small: Image.Image) -> Image.Image:
    seen = small.getchannel("A")
    # The colours of transparent pixels were never meant to be seen: the mean of the others.
    mean = Image.new("RGB", small.size, COLOURS["grey"])
    whole = (
        small.convert("RGBa").resize((1, 1), Image.Resampling.BOX).convert("RGBA").getpixel((0, 0))
    )
    if isinstance(whole, tuple) and whole[3]:
        mean = Image.new("RGB", small.size, (int(whole[0]), int(whole[1]), int(whole[2])))
    mean.paste(small, mask=seen)
    return mean.filter(ImageFilter.GaussianBlur(SMALL / 6))
