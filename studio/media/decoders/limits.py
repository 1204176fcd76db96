"""What one file may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]  # an object of JSON, to a decoder or from it

MEGABYTE = 1024 * 1024
# Of address space, libraries included, which are 140 MB. The largest picture that is taken (64
# million pixels of four bytes) fits twice beside what it is encoded to, as turning it needs.
MEMORY_MB = 1000
LEAST_MEMORY_MB = 300
WRITTEN = 4 * 1024 * MEGABYTE  # bytes of one file: a WAV counts them in 32 bits


@dataclass(frozen=True, slots=True)
class Limits:
    """For one call. `processor` and `clock` in seconds; `memory` in bytes of address space, 0 for
    what the pool allows."""

    processor: int
    clock: float
    memory: int = 0


# A model takes a minute of sound or video (jobs/catalogue), sound is listened to for ten and a
# picture has 64 million pixels. On a machine that is ten times slower than most, each of these
# takes less than half of what is given here.
LOOK = Limits(60, 120.0)
PICTURE = Limits(20, 60.0)
EDIT = Limits(60, 120.0)
VIDEO = Limits(1800, 900.0)  # of several threads; RQ gives an edit half an hour
