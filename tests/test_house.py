"""The house rules that a test can hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from jobs.common import states
from studio.config import env
from tests.large import LARGE

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for folder in ("studio", "jobs")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
]


LINES, FUNCTION_LINES, METHODS = 400, 50, 25
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TOP_OF_JOBS = {"__init__.py", "apps.py", "tasks.py", "urls.py"}


def too_large(path: Path) -> list[str]:
    """What is over the limits in one file: "path" or "path:name"."""
    name, text = str(path.relative_to(ROOT)), path.read_text()
    found = [name] if len(text.splitlines()) > LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno >= FUNCTION_LINES:
            found.append(f"{name}:{node.name}")
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(part, FUNCTIONS) for part in node.body)
            found += [f"{name}:{node.name}"] if methods > METHODS else []
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_functions_and_classes_stay_small(path: Path) -> None:
    """A file of more than 400 lines, a function of more than 50 or a class of more than 25 methods
    is split by noun."""
    assert [name for name in too_large(path) if name not in LARGE] == []
    assert path.stem not in ("utils", "helpers", "misc")


def test_what_is_no_longer_large_is_taken_from_the_list() -> None:
    assert {name for path in SOURCES for name in too_large(path)} >= LARGE


def test_every_file_of_jobs_is_in_a_wing() -> None:
    assert {path.name for path in (ROOT / "jobs").glob("*.py")} == TOP_OF_JOBS


def test_views_and_forms_start_at_the_team() -> None:
    pattern = re.compile(
        r"\b(Job|Asset|Check|Template|Account|ApiKey|Lane|LedgerEntry|Budget|JobEvent)\.objects"
    )
    for path in SOURCES:
        if (
            path.stem.endswith("views")
            or path.stem == "forms"
            or path.name in ("draft.py", "draft_form.py")
            or "site_pages" in path.parts
        ):
            assert not pattern.search(path.read_text()), f"{path.name}: start at request.team"


def test_only_the_runner_moves_a_job() -> None:
    pattern = re.compile(r"\.update\([^)]*\b(state|code|group)=")
    for path in SOURCES:
        if "studio" in path.relative_to(ROOT).parts or (
            path.parent.name == "engine" and path.stem in ("transitions", "checks")
        ):
            continue  # studio knows no jobs
        assert not pattern.search(path.read_text()), f"{path} moves a job"


def test_only_money_writes_the_ledger() -> None:
    for path in SOURCES:
        if path.name != "ledger.py":
            assert "LedgerEntry.objects.create" not in path.read_text(), path


def test_save_names_its_columns() -> None:
    """A full save() of a row can write an old status back; only new rows (…().save() in a maker)
    may go whole."""
    for path in SOURCES:
        if "admin" in path.parts or path.stem in ("fields",):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(
                r"\b(job|lane|check|account|asset|user|team|key|template)\.save\(\)", line
            ):
                raise AssertionError(f"{path.relative_to(ROOT)}:{number}: name the columns")


def test_readme_has_every_variable() -> None:
    text = (ROOT / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| ", text, re.M))
    assert set(rows) == {variable.name for variable in env.VARIABLES}
    for variable in env.VARIABLES:
        assert f"| `{variable.name}` | {variable.default} | {variable.meaning} |" in text, (
            variable.name
        )


def test_readme_draws_the_machine() -> None:
    assert f"```mermaid\n{states.mermaid()}\n```" in (ROOT / "README.md").read_text()


def test_every_read_variable_is_listed() -> None:
    names = {variable.name for variable in env.VARIABLES}
    for path in SOURCES:
        for name in re.findall(
            r"env\.(?:text|flag|words|choice|address)\(\"([A-Z_]+)\"", path.read_text()
        ):
            assert name in names
