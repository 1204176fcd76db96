"""The error for a wish that a file cannot meet, and the way a file appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.common.translatable import Sentence
from studio.media.facts import MediaError

EDIT_CODES = ("bad-box", "bad-range", "too-small", "too-large")


class EditError(MediaError):
    """A good file and a wish it cannot meet. `code` is one of EDIT_CODES; `sentence` says what,
    why, what to do.

    bad-box: a frame or an angle that holds no part of the picture. bad-range: a time range that
    holds no part of the sound or video. too-small: fewer pixels than asked for. too-large: more
    bytes than asked for, however hard it is squeezed.
    """

    def __init__(self, code: str, sentence: Sentence) -> None:
        if code not in EDIT_CODES:
            raise AssertionError(f"{code!r} is not a code of EditError")
        ValueError.__init__(self, sentence)
        self.code, self.sentence = code, sentence

    def __reduce__(self) -> tuple[type[MediaError], tuple[str, Sentence]]:
        return EditError, (self.code, self.sentence)


@contextmanager
def replacing(target: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `target` to write to; it takes the place of `target` when the block ends well
    and is gone when it does not."""
    target = Path(target)
    part = target.with_name(target.name + ".part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
