"""What the video of a job is saved as."""

from __future__ import annotations

import unicodedata

from jobs.models import Job
from studio.common.file_names import MOST_BYTES, within_bytes

NAME_LENGTH = 80


def file_name(job: Job, extension: str, words: str = "") -> str:
    """What a film of `job` is saved as: the job’s title without what file systems refuse, then
    `words`."""
    title = unicodedata.normalize("NFC", job.title)
    kept = "".join(c if _in_names(c) else "_" for c in title)[:NAME_LENGTH]
    rest = f"{f' {words}' if words else ''}.{extension}"
    stem = within_bytes(kept, MOST_BYTES - len(rest.encode())).strip() or "film"
    return stem + rest


def _in_names(char: str) -> bool:
    """Whether file systems take this character: letters with their marks, digits, some signs."""
    return char.isalnum() or char in " -_" or unicodedata.category(char).startswith("M")
