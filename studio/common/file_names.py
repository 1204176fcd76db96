"""Names that file systems take: most allow 255 bytes, which is 85 characters of Chinese or Japanese
and far fewer of some emoji."""

from __future__ import annotations

MOST_BYTES = 255


def within_bytes(text: str, most: int) -> str:
    """The beginning of `text` that has at most `most` bytes of UTF-8, no character of it cut in
    two."""
    return text.encode()[: max(0, most)].decode(errors="ignore")
