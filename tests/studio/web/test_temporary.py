"""What killed processes leave in the temporary folder: counted and swept."""

from __future__ import annotations

import os
import time
from pathlib import Path

from studio.web.temporary import ABANDONED, PARTS_OF_RESULTS, held, sweep


def old(path: Path, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(path, (when, when))


def test_what_nobody_writes_any_more_is_removed(tmp_path: Path) -> None:
    abandoned, young = tmp_path / "upload-a", tmp_path / "upload-b"
    left, working = tmp_path / "keep-a", tmp_path / "keep-b"
    for file in (abandoned, young):
        file.write_bytes(b"12345")
    for folder in (left, working):
        folder.mkdir()
        (folder / "part").write_bytes(b"123")
    for path in (abandoned, left / "part", left, working):
        old(path, ABANDONED + 60)
    assert held(tmp_path) == (4, 16)
    assert sweep(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keep-b", "upload-b"]
    assert held(tmp_path) == (2, 8)
    assert sweep(tmp_path) == 0


def test_the_parts_of_results_are_left_to_their_download(tmp_path: Path) -> None:
    """It goes on where it was cut, for as long as the service keeps the video."""
    part = tmp_path / PARTS_OF_RESULTS / "job.part"
    part.parent.mkdir()
    part.write_bytes(b"half a video")
    for path in (part, part.parent):
        old(path, ABANDONED + 60)
    assert sweep(tmp_path) == 0
    assert part.exists()


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "tmp"
    for place in (elsewhere, folder):
        place.mkdir()
    (elsewhere / "file").write_text("stays")
    (folder / "link").symlink_to(elsewhere)
    os.utime(folder / "link", (0, 0), follow_symlinks=False)
    assert sweep(folder) == 1
    assert (elsewhere / "file").exists()
