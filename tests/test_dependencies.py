"""What is installed has one version, and hashes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENTRY = re.compile(r"^([\w.-]+)(?:\[[\w, ]+\])?==([^\s;]+)", re.M)
# Of other systems and Pythons, or needed to build; not in constraints.txt, which one system made.
ELSEWHERE = {"async-timeout", "colorama", "pyyaml-ft", "setuptools"}


def _versions(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    return {re.sub(r"[-_.]+", "-", one).lower(): version for one, version in ENTRY.findall(text)}


def test_hashes_are_of_the_versions_that_are_installed() -> None:
    hashed, plain = _versions("requirements-hashed.txt"), _versions("constraints.txt")
    assert plain
    assert {name: one for name, one in hashed.items() if name not in ELSEWHERE} == plain, (
        "make requirements-hashed.txt anew, as docs/dependencies.md says"
    )


def test_everything_has_a_hash() -> None:
    text = (ROOT / "requirements-hashed.txt").read_text()
    entries = re.split(r"\n(?=\w)", text)[1:]
    assert len(entries) == len(_versions("requirements-hashed.txt"))
    assert [one.split("==")[0] for one in entries if "--hash=sha256:" not in one] == []
