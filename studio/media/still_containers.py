"""Still pictures in containers that look like videos: HEIF and AVIF by their brands, and camera raw
told from TIFF.

Sources: ISO/IEC 23008-12 (HEIF), ISO/IEC 23000-22 (MIAF), AV1 Image File Format, TIFF 6.0.
"""

from __future__ import annotations

import struct

HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
HEIF |= {b"mif1", b"mif2", b"msf1", b"miaf", b"heif", b"MiHB", b"MiHA", b"MiHE", b"1pic", b"pred"}
AVIF = {b"avif", b"avis", b"avio", b"MA1A", b"MA1B"}
RAW = {b"crx ": "Canon"}
# TIFF tags that cameras write and nobody else does.
DNG_VERSION, MAKE, SUB_IFDS = 0xC612, 0x010F, 0x014A
OTHER_RAW = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"IIRO"),
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),
    (0, b"FOVb"),
    (0, b"\0MRM"),
    (0, b"II\x1a\0\0\0HEAPCCDR"),
    (8, b"CR\2\0"),
)


def still_format(head: bytes) -> str:
    """ "heif" or "avif" when the file that begins with `head` holds a still picture, "raw" for a
    camera's, "" for anything else with or without a first box."""
    if head[4:8] != b"ftyp":
        return ""
    size = int.from_bytes(head[:4], "big")
    major = head[8:12]
    brands = {major} | {head[at : at + 4] for at in range(16, min(size, len(head), 512) - 3, 4)}
    if major in RAW:
        return "raw"
    # Brands are a promise; the handler of the file's own meta box is what it is.
    if not (major in HEIF | AVIF or _is_picture(head, size)):
        return ""
    return "avif" if brands & AVIF or b"av01" in head else "heif"


def _is_picture(head: bytes, at: int) -> bool:
    """Whether the box behind the first is the table of a still picture."""
    return head[at + 4 : at + 8] == b"meta" and head[at + 8 + 4 + 16 : at + 8 + 4 + 20] == b"pict"


def is_raw(head: bytes) -> bool:
    """Whether a file that begins with `head` is a camera's raw picture."""
    if any(head[at : at + len(sign)] == sign for at, sign in OTHER_RAW):
        return True
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return False
    tags = _first_tags(head)
    return DNG_VERSION in tags or (MAKE in tags and SUB_IFDS in tags)


def _first_tags(head: bytes) -> set[int]:
    """The tags of the first directory of a TIFF, as far as it lies in `head`."""
    order = "<" if head.startswith(b"II") else ">"
    try:
        (at,) = struct.unpack_from(order + "I", head, 4)
        (count,) = struct.unpack_from(order + "H", head, at)
    except struct.error:
        return set()
    last = min(count, (len(head) - at - 2) // 12)
    return {struct.unpack_from(order + "H", head, at + 2 + 12 * n)[0] for n in range(last)}
