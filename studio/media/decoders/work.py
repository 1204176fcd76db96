"""What runs inside of a decoder and has no function of its own elsewhere: arguments and answers are
JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from studio.media.decoders.limits import Message
from studio.media.preparation import prepare


def prepared(path: str, digest: str, folder: str, clean: bool, preview: bool = True) -> Message:
    """`prepare`, with the paths as text."""
    ready = prepare(Path(path), digest, Path(folder), clean=clean, preview=preview)
    return asdict(ready) | {"path": str(ready.path), "thumb": ready.thumb is not None}
