"""Names are the terms of the field: no word that was a picture comes back."""

from __future__ import annotations

import ast
import re

import pytest

from tests.test_house import FUNCTIONS, SOURCES, module_of

# Words that named something by a picture or meant several things; what they stood for has its term
# in the field. A wing that has lost another one adds it here.
GONE_WORDS = {
    "bell": "wake-up, wake",
    "desk": "page, thread pool",
    "door": "pause state, access mark",
    "doorbell": "wake-up",
    "doors": "pause states, access marks",
    "ears": "listener",
    "gate": "pause state",
    "gated": "pausable",
    "gates": "pause states",
    "hand": "prepare, worker",
    "hands": "workers",
    "kept": "trim, saved",
    "mending": "picture_tools",
    "purse": "budget",
    "rang": "woken",
    "remix": "compare",
    "ring": "wake, enqueue",
    "rings": "wakeups",
    "shift": "dispatcher run",
    "shifts": "dispatcher runs",
    "sooner": "ask_now",
    "standing": "status",
    "story": "events, log",
    "tell": "notify, report",
    "told": "notified, forecast, confirmed",
    "twin": "shared account",
    "twins": "shared accounts",
}
# Where such a word is meant as it stands; an entry goes with its name.
MEANT = {
    "jobs.tasks.archive_shift",  # queues that an older version filled name it
    "jobs.tasks.shift",
    "studio.media.metadata.PNG_KEPT",  # chunks of a file that cleaning keeps
    "studio.media.metadata.WEBP_KEPT",
}


def assigned(target: ast.expr) -> list[str]:
    """The plain names that an assignment to `target` binds."""
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def defined(body: list[ast.stmt]) -> list[str]:
    """The public names that `body` defines, with the members of its classes: “Lane.wakeups”."""
    names = []
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.append(node.name)
        if isinstance(node, ast.ClassDef):
            names += [f"{node.name}.{name}" for name in defined(node.body)]
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        names += [name for target in targets for name in assigned(target)]
    return [name for name in names if not name.startswith("_")]


def public_names(module: str, text: str) -> list[str]:
    """A module's own name and what it defines for others, with the members of its classes."""
    own = module.rsplit(".", 1)[-1]
    return [name for name in (own, *defined(ast.parse(text).body)) if not name.startswith("_")]


def pictures(module: str, text: str) -> list[str]:
    """Public names of `module` that hold a word of GONE_WORDS."""
    found = []
    for name in public_names(module, text):
        last = name.rsplit(".", 1)[-1]
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower().split("_")
        if set(words) & set(GONE_WORDS):
            found.append(f"{module}.{name}")
    return found


def test_public_names_are_no_pictures() -> None:
    found = {name for path in SOURCES for name in pictures(module_of(path), path.read_text())}
    assert found == MEANT


@pytest.mark.parametrize(
    "line",
    [
        "def ring_lane(): ...",
        "class Desk: ...",
        "BELL = 'x'",
        "TWINS: list[int] = []",
        "shift, other = run, run",
        "class Lane:\n    rings = 0",
        "class Account:\n    told_at: str",
    ],
)
def test_a_picture_is_found(line: str) -> None:
    assert len(pictures("jobs.engine.submit", line)) == 1
    assert pictures("jobs.engine.desk", "") == ["jobs.engine.desk.desk"]
    assert pictures("jobs.engine.submit", "def _ring(): ...\ndef spring(): ...") == []
