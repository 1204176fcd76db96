"""Wide and bright colours brought into sRGB, which is what models, browsers and small pictures
speak.

The mapping is an approximation of what phones do when they share an HDR recording: the reference
white of ITU-R BT.2408 (75 % of HLG, 203 cd/m² of PQ) becomes white, everything below stays in
proportion, and what is brighter is rolled off over the last tenth of light. Colours outside of
BT.709 are clipped. Scene light is kept for HLG; no display gamma is applied.

Sources: ITU-T H.273 (code points), ITU-R BT.2100-2 (HLG, PQ), SMPTE EG 432-1 (P3), IEC 61966-2-1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

from PIL import Image, ImageFilter

Colour = tuple[float, float, float]
Mapping = Callable[[float, float, float], Colour]

PQ, HLG = 16, 18  # transfer characteristics of H.273
BT2020, P3_DCI, P3_D65 = 9, 11, 12  # colour primaries of H.273
BRIGHT = (PQ, HLG)
TO_709: dict[int, tuple[Colour, Colour, Colour]] = {
    BT2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    P3_D65: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
    P3_DCI: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
}
KNEE = 0.9  # of white, in light: what is brighter is rolled off
PQ_WHITE = 203.0  # cd/m²
CUBE = 33  # points a side


def is_bright(transfer: int) -> bool:
    """Whether code point `transfer` is that of an HDR recording."""
    return transfer in BRIGHT


def needs_mapping(primaries: int, transfer: int) -> bool:
    """Whether colours of these code points are no sRGB."""
    return transfer in BRIGHT or primaries in TO_709


def mapping(primaries: int, transfer: int) -> Mapping:
    """A function from coded red, green and blue, 0 to 1 each, to those of sRGB."""
    light = {HLG: _light_of_hlg, PQ: _light_of_pq}.get(transfer, _light_of_srgb)
    # HDR without primaries is in those of BT.2020, which its standards ask for.
    rows = TO_709.get(primaries) or (TO_709[BT2020] if transfer in BRIGHT else None)

    def mapped(red: float, green: float, blue: float) -> Colour:
        one, two, three = light(red), light(green), light(blue)
        if rows is not None:
            one, two, three = (
                max(0.0, row[0] * one + row[1] * two + row[2] * three) for row in rows
            )
        brightest = max(one, two, three)
        if brightest > KNEE and transfer in BRIGHT:
            # All three by one factor, so that no colour turns into another.
            scale = _rolled_off(brightest) / brightest
            one, two, three = one * scale, two * scale, three * scale
        return _coded(one), _coded(two), _coded(three)

    return mapped


@lru_cache(maxsize=8)
def cube(primaries: int, transfer: int) -> tuple[Colour, ...]:
    """The mapping at CUBE points a side, red changing first."""
    mapped = mapping(primaries, transfer)
    return tuple(mapped(*point) for point in _points())


def in_srgb(picture: Image.Image, primaries: int, transfer: int) -> Image.Image:
    """An RGB or RGBA picture whose numbers have these code points, in sRGB."""
    table = [part for colour in cube(primaries, transfer) for part in colour]
    return picture.filter(ImageFilter.Color3DLUT(CUBE, table))


def cube_file(primaries: int, transfer: int) -> str:
    """The mapping as the text of a .cube file."""
    rows = [f"{red:.6f} {green:.6f} {blue:.6f}" for red, green, blue in cube(primaries, transfer)]
    return "\n".join([f"LUT_3D_SIZE {CUBE}", *rows, ""])


def _points() -> Iterator[Colour]:
    steps = [step / (CUBE - 1) for step in range(CUBE)]
    return ((red, green, blue) for blue in steps for green in steps for red in steps)


def _light_of_hlg(code: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073

    def scene(value: float) -> float:
        return value * value / 3 if value <= 0.5 else (math.exp((value - c) / a) + b) / 12

    return scene(code) / scene(0.75)


def _light_of_pq(code: float) -> float:
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = code ** (1 / m2)
    return float(10000.0 * (max(power - c1, 0.0) / (c2 - c3 * power)) ** (1 / m1)) / PQ_WHITE


def _light_of_srgb(code: float) -> float:
    return code / 12.92 if code <= 0.04045 else float(((code + 0.055) / 1.055) ** 2.4)


def _rolled_off(light: float) -> float:
    return KNEE + (1 - KNEE) * (1 - math.exp(-(light - KNEE) / (1 - KNEE)))


def _coded(light: float) -> float:
    light = min(light, 1.0)
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
