"""DATA_DIR belongs to one user of the machine: in it are keys, sessions and people's likenesses.

Whatever a process of ours writes there is readable by its user alone (the settings set the umask);
what an older version left open is closed where the web, a worker or `dev` starts.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

log = logging.getLogger("footlight.private_files")
OTHERS = 0o077  # what the group and everybody else may do
# Folders of as many files as the site has: who may not enter them reaches none of those.
LARGE = ("files", "static", "simulator")
DEPTH = 4  # folders below DATA_DIR that are looked into; nothing of ours but LARGE is deeper


def mend(data_dir: Path) -> list[Path]:
    """Close what others could read below `data_dir`; what is still open afterwards (see
    `open_to_others`), with a line in the log. Costs the same however many files are stored."""
    for path in open_to_others(data_dir):
        try:
            if path == data_dir and _shared(path):
                continue
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
        except OSError as error:
            log.warning("%s could not be closed to others: %s", path, error.strerror)
    left = open_to_others(data_dir)
    if left:
        log.warning("%s", sentence(data_dir, left))
    return left


def open_to_others(data_dir: Path) -> list[Path]:
    """The folders and files at and below `data_dir` that other users of the machine may read, or
    that belong to another one. Of the folders with files of people only the folder itself."""
    return [path for path in _ours(data_dir, DEPTH) if _is_open(path)]


def _ours(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if depth else []
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and entry.name not in LARGE:
            yield from _ours(Path(entry.path), depth - 1)
        elif not entry.is_symlink():
            yield Path(entry.path)


def _is_open(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False  # it went meanwhile
    return bool(stat.S_IMODE(found.st_mode) & OTHERS) or found.st_uid not in (os.geteuid(), 0)


def _shared(folder: Path) -> bool:
    """Whether `folder` is one that others need: it is not ours alone to close, whatever DATA_DIR
    says."""
    mode = folder.stat().st_mode
    home = Path.home()
    return bool(mode & stat.S_ISVTX) or folder == home or folder in home.parents


def sentence(data_dir: Path, left: list[Path]) -> str:
    """What is open, why that matters, and what to do."""
    one = left[0]
    return (
        f"{one} and {len(left) - 1} more can be read by other users of this machine, or belong to "
        f"one. There are keys, sessions and files of people in DATA_DIR ({data_dir}). Start the "
        "site as the user who owns it and run chmod -R go= on it; give it a folder of its own."
    )


@register(Tags.security)
def check(**_others: object) -> list[CheckMessage]:
    """`manage.py check` says what `mend` could not do or has not done yet."""
    left = open_to_others(settings.DATA_DIR)
    if not left:
        return []
    return [Warning(sentence(settings.DATA_DIR, left), id="footlight.W001")]
