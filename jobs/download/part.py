"""The part of a file that is on our disk already, and the note beside it that says how to go on.
Both survive a crash."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from jobs.download.errors import Busy, of_disk
from studio.common.translatable import phrase


@dataclass(frozen=True, slots=True)
class Mark:
    """How a part may be gone on with. `where`: its address without the query. `validator`: a strong
    ETag or a Last-Modified, "" when the host gave none. `total`: bytes of the whole file, -1 when
    unknown. `proven`: its sha256 once it was proven whole."""

    where: str
    validator: str = ""
    total: int = -1
    proven: str = ""


class Part:
    """A file that is being fetched, with a note beside it (JSON of a Mark). Both survive a crash;
    `drop` removes them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.note = self.path.with_suffix(".json")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process of this machine is in here at a time, whatever became of leases. Raises
        Busy, NoRoom or OSError."""
        try:
            file = self._open_locked()
        except OSError as error:
            raise of_disk(error) from error
        with file:
            yield

    def _open_locked(self) -> BinaryIO:
        while True:
            file = self.path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever had the lock before us may have removed the file that we opened.
                if self.path.exists() and os.path.samestat(
                    os.fstat(file.fileno()), self.path.stat()
                ):
                    return file
            except FileNotFoundError:
                pass
            except BlockingIOError:
                file.close()
                raise Busy(phrase("Another process is fetching it.")) from None
            except BaseException:
                file.close()
                raise
            file.close()

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def mark(self) -> Mark | None:
        """The note; None when there is none that can be read."""
        try:
            found = json.loads(self.note.read_text())
            mark = Mark(
                str(found["where"]),
                str(found["validator"]),
                int(found["total"]),
                str(found["proven"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return mark

    def write(self, mark: Mark) -> None:
        """Write the note: all of it or none."""
        draft = self.note.with_suffix(".json.new")
        draft.write_text(json.dumps(asdict(mark)))
        draft.replace(self.note)

    def prove(self) -> str:
        """Note that the file was proven whole, by its sha256, which is returned."""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.write(replace(self.mark or Mark(""), total=self.size, proven=digest))
        return digest

    @property
    def proven(self) -> bool:
        """The file is the one that was proven whole, to the byte."""
        mark = self.mark
        if mark is None or not mark.proven or self.size != mark.total:
            return False
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == mark.proven

    def drop(self) -> None:
        """Remove the file and its note."""
        for path in (self.note, self.note.with_suffix(".json.new"), self.path):
            path.unlink(missing_ok=True)
