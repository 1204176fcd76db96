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

from jobs.download.errors import AlreadyFetching, disk_error
from studio.common.translatable import phrase


@dataclass(frozen=True, slots=True)
class ResumeNote:
    """How a part may be gone on with. `where`: its address without the query. `validator`: a strong
    ETag or a Last-Modified, "" when the host gave none. `total`: bytes of the whole file, -1 when
    unknown. `proven`: its sha256 once it was proven whole."""

    where: str
    validator: str = ""
    total: int = -1
    proven: str = ""


class PartialFile:
    """A file that is being fetched, with a note beside it (JSON of a ResumeNote). Both survive a
    crash; `delete` removes them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.note_path = self.path.with_suffix(".json")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process of this machine is in here at a time, whatever became of leases. Raises
        AlreadyFetching, DiskFull or OSError."""
        try:
            file = self._open_locked()
        except OSError as error:
            raise disk_error(error) from error
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
                raise AlreadyFetching(phrase("Another process is fetching it.")) from None
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
    def resume_note(self) -> ResumeNote | None:
        """The note; None when there is none that can be read."""
        try:
            found = json.loads(self.note_path.read_text())
            note = ResumeNote(
                str(found["where"]),
                str(found["validator"]),
                int(found["total"]),
                str(found["proven"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return note

    @property
    def announced(self) -> bool:
        """The host said how many bytes the file has, and they are all there."""
        note = self.resume_note
        return note is not None and note.total == self.size

    @property
    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def write(self, note: ResumeNote) -> None:
        """Write the note: all of it or none."""
        draft = self.note_path.with_suffix(".json.new")
        draft.write_text(json.dumps(asdict(note)))
        draft.replace(self.note_path)

    def prove(self) -> str:
        """Note that the file was proven whole, by its sha256, which is returned."""
        digest = self.sha256
        self.write(replace(self.resume_note or ResumeNote(""), total=self.size, proven=digest))
        return digest

    @property
    def proven(self) -> bool:
        """The file is the one that was proven whole, to the byte."""
        note = self.resume_note
        if note is None or not note.proven or self.size != note.total:
            return False
        return self.sha256 == note.proven

    def delete(self) -> None:
        """Remove the file and its note."""
        for path in (self.note_path, self.note_path.with_suffix(".json.new"), self.path):
            path.unlink(missing_ok=True)
