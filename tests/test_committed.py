"""What is committed runs anywhere: no file of one machine, no link out of the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = "120000"  # git's mode of a symbolic link


def links_of(listing: str) -> list[str]:
    """The symbolic links in what `git ls-files --stage` printed."""
    return [line.split("\t", 1)[1] for line in listing.splitlines() if line.startswith(LINK)]


def git(*arguments: str) -> str:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: what is committed cannot be asked")
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_nothing_that_is_ignored_is_committed() -> None:
    assert git("ls-files", "--ignored", "--cached", "--exclude-standard").splitlines() == []


def test_no_link_is_committed() -> None:
    """A link to one machine's environment stood where the next one makes its own."""
    assert links_of(git("ls-files", "--stage")) == []


def test_a_link_is_found() -> None:
    one, other = f"{LINK} 4f1a 0\t.venv", "100644 4f1a 0\tREADME.md"
    assert links_of(f"{one}\n{other}\n") == [".venv"]


def test_an_environment_is_ignored_as_a_folder_and_as_a_link() -> None:
    """`/.venv/` with a slash at its end ignores a folder only."""
    slashed = [line for line in (ROOT / ".gitignore").read_text().splitlines() if line[-1:] == "/"]
    assert [line for line in slashed if line not in ("__pycache__/", "*.egg-info/")] == []
