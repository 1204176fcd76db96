"""The house rules that a test can hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from jobs.common import states
from studio.config.variables import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for folder in ("studio", "jobs")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
]


TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES, FUNCTION_LINES, METHODS = 400, 50, 25
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TOP_OF_JOBS = {"__init__.py", "apps.py", "tasks.py", "urls.py"}


def too_large(path: Path, text: str = "") -> list[str]:
    """What is over the limits in one file, or in `text` in its place: "path" or "path:name"."""
    name, text = str(path.relative_to(ROOT)), text or path.read_text()
    found = [name] if len(text.splitlines()) > LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno >= FUNCTION_LINES:
            found.append(f"{name}:{node.name}")
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(part, FUNCTIONS) for part in node.body)
            found += [f"{name}:{node.name}"] if methods > METHODS else []
    return found


def test_files_functions_and_classes_stay_small() -> None:
    """A file of more than 400 lines, a function of more than 50 or a class of more than 25 methods
    is split by noun."""
    assert [one for path in SOURCES for one in too_large(path)] == []


# Tests that are not split yet; an entry goes with its length, none is added.
LONG_TESTS_LEFT = {
    "tests/browser/seed.py",
    "tests/files.py",
    "tests/jobs/engine/test_machine.py",
    "tests/studio/media/test_edits_video.py",
    "tests/test_admin.py",
    "tests/test_postgres.py",
}


def too_long(path: Path, text: str = "") -> bool:
    return len((text or path.read_text()).splitlines()) > LINES


def test_files_of_tests_stay_short() -> None:
    """A file of tests of more than 400 lines is split by subject."""
    found = {str(path.relative_to(ROOT)) for path in TESTS if too_long(path)}
    assert found - LONG_TESTS_LEFT == set()
    assert LONG_TESTS_LEFT - found == set(), "it is short now: off the list"


def test_a_long_file_of_tests_is_found() -> None:
    assert TESTS
    assert too_long(TESTS[0], "x = 1\n" * (LINES + 1))
    assert not too_long(TESTS[0], "x = 1\n" * LINES)


def says_nothing(path: Path) -> bool:
    """Whether the name of a file tells nobody what is in it."""
    return path.stem in ("utils", "helpers", "misc")


def test_every_file_has_a_name_that_says_something() -> None:
    assert [str(path.relative_to(ROOT)) for path in SOURCES + TESTS if says_nothing(path)] == []


def test_a_name_that_says_nothing_is_found() -> None:
    assert [name for name in ("utils", "helpers", "misc", "lanes") if says_nothing(Path(name))] == [
        "utils",
        "helpers",
        "misc",
    ]


def test_what_is_too_large_is_found() -> None:
    long = "    x = 1\n" * FUNCTION_LINES
    source = ROOT / "jobs" / "urls.py"  # any path of the project names it
    assert too_large(source, f"def long():\n{long}") == ["jobs/urls.py:long"]
    methods = "".join(f"    def m{n}(self): ...\n" for n in range(METHODS + 1))
    assert too_large(source, f"class Big:\n{methods}") == ["jobs/urls.py:Big"]
    assert too_large(source, "x = 1\n" * (LINES + 1)) == ["jobs/urls.py"]


def test_every_file_of_jobs_is_in_a_wing() -> None:
    assert {path.name for path in (ROOT / "jobs").glob("*.py")} == TOP_OF_JOBS


ALL_ROWS = re.compile(
    r"\b(Job|Asset|Check|Template|Account|ApiKey|Lane|LedgerEntry|Budget|JobEvent)\.objects"
)


def starts_elsewhere(path: Path, text: str) -> bool:
    """Whether `path` answers requests and `text`, what it holds, starts at the rows of all."""
    answers = (
        path.stem.endswith("views")
        or path.stem == "forms"
        or path.name in ("draft.py", "draft_form.py")
        or "site_pages" in path.parts
    )
    return answers and bool(ALL_ROWS.search(text))


def test_views_and_forms_start_at_the_team() -> None:
    found = [
        str(path.relative_to(ROOT)) for path in SOURCES if starts_elsewhere(path, path.read_text())
    ]
    assert found == [], "start at request.team"


@pytest.mark.parametrize(
    "name", ["job_views.py", "forms.py", "create/draft.py", "draft_form.py", "site_pages/home.py"]
)
def test_a_view_that_starts_elsewhere_is_found(name: str) -> None:
    assert starts_elsewhere(Path(name), "job = Job.objects.get(pk=pk)")
    assert not starts_elsewhere(Path(name), "job = request.team.jobs.get(pk=pk)")
    assert not starts_elsewhere(Path("engine/poll.py"), "job = Job.objects.get(pk=pk)")


MOVES_JOBS = {"jobs.engine.transitions", "jobs.engine.deleted_jobs"}
MOVES_CHECKS = {"jobs.engine.checks", "jobs.engine.detect"}
MOVES_PENDING = {"jobs.orders.approval", "jobs.orders.rest", "jobs.orders.stored_orders"}
WRITES_LEDGER = {"jobs.billing.ledger"}
WRITES_BALANCES = {"jobs.billing.balances"}
STATE_COLUMNS = {"state", "code", "group"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def calls(text: str) -> list[tuple[str, ast.Call]]:
    """The method calls of a source: ("Job.objects.create", call); what is not a plain name on the
    way is left out."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names, part = [node.func.attr], node.func.value
            while isinstance(part, ast.Attribute | ast.Call):
                if isinstance(part, ast.Attribute):
                    names.append(part.attr)
                part = part.value if isinstance(part, ast.Attribute) else part.func
            names += [part.id] if isinstance(part, ast.Name) else []
            found.append((".".join(reversed(names)), node))
    return found


def moves(module: str, text: str) -> list[str]:
    """Where `module` writes the state of a job without being the one that may: by update(), by
    bulk_update() or by a save() that names one of its columns."""
    if module in MOVES_JOBS or not any(word in text for word in ("update", "save")):
        return []
    found = []
    for name, call in calls(text):
        words = {keyword.arg for keyword in call.keywords} & STATE_COLUMNS
        named = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant)}
        saves = name.endswith((".bulk_update", ".save")) and named & STATE_COLUMNS
        if not ((name.endswith(".update") and words) or saves):
            continue
        if module in MOVES_CHECKS and name.startswith("Check.objects."):
            continue
        if module in MOVES_PENDING and name.startswith("PendingOrder.objects."):
            continue
        found.append(f"{module}:{call.lineno}")
    return found


def writes_ledger(module: str, text: str) -> list[str]:
    """Where `module` makes, changes or deletes a ledger entry without being the one that may."""
    if module in WRITES_LEDGER or not any(word in text for word in ("LedgerEntry", "ledger")):
        return []
    writing = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "delete"}
    return [
        f"{module}:{call.lineno}"
        for name, call in calls(text)
        if name.split(".")[-1] in writing | {"bulk_update"}
        and (name.startswith("LedgerEntry.") or ".ledger." in f".{name}")
    ]


def writes_balances(module: str, text: str) -> list[str]:
    """Where `module` writes a balance, or has one written, without being the one that may."""
    if module in WRITES_BALANCES | WRITES_LEDGER:
        return []
    writing = ("create", "bulk_create", "get_or_create", "update_or_create", "update", "delete")
    tables = ("Balance.", "DayBalance.", "HoldDay.", "KeyUse.")
    return [
        f"{module}:{call.lineno}"
        for name, call in calls(text)
        if name == "balances.add"
        or (name.endswith(writing) and (name.startswith(tables) or ".balances." in f".{name}"))
    ]


def test_only_the_ledger_writes_balances() -> None:
    for path in SOURCES:
        assert writes_balances(module_of(path), path.read_text()) == []
    for line in (
        "balances.add([x])",
        "Balance.objects.update(held=0)",
        "team.balances.all().delete()",
    ):
        assert writes_balances("jobs.engine.checks", line) == ["jobs.engine.checks:1"]
        assert writes_balances("jobs.billing.ledger", line) == []


def test_only_transitions_moves_a_job() -> None:
    of_jobs = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == "jobs"]
    # studio knows no jobs
    assert [one for path in of_jobs for one in moves(module_of(path), path.read_text())] == []


def test_only_the_ledger_writes_the_ledger() -> None:
    found = [one for path in SOURCES for one in writes_ledger(module_of(path), path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "Job.objects.filter(pk=1).update(state=State.FAILED)",
        "Job.objects.filter(pk=1).exclude(code='').update(\n    code=Code.NONE)",
        "team.jobs.update(group=3)",
        "job.save(update_fields=['state'])",
        "Job.objects.bulk_update(jobs, ['state'])",
    ],
)
def test_a_move_elsewhere_is_found(line: str) -> None:
    for module in ("jobs.engine.submit", "jobs.orders.transitions", "jobs.pages.board.job_views"):
        assert moves(module, line) == [f"{module}:1"]
    assert moves("jobs.engine.checks", line) == ["jobs.engine.checks:1"], "it moves checks only"
    assert moves("jobs.engine.transitions", line) == []


def test_a_move_of_a_check_is_found_elsewhere() -> None:
    line = "Check.objects.filter(pk=1, state='asking').update(state='passed')"
    assert moves("jobs.engine.detect", line) == []
    assert moves("jobs.orders.create", line) == ["jobs.orders.create:1"]


@pytest.mark.parametrize(
    "line",
    [
        "LedgerEntry.objects.create(job=job)",
        "LedgerEntry.objects.filter(job=job).update(held=0)",
        "job.ledger.create(held=1)",
        "team.ledger.all().delete()",
    ],
)
def test_a_ledger_entry_written_elsewhere_is_found(line: str) -> None:
    for module in ("jobs.engine.transitions", "jobs.orders.ledger", "jobs.billing.budget"):
        assert writes_ledger(module, line) == [f"{module}:1"]
    assert writes_ledger("jobs.billing.ledger", line) == []


WHOLE_SAVE = re.compile(r"\b(job|lane|check|account|asset|user|team|key|template)\.save\(\)")


def whole_saves(text: str) -> list[int]:
    """The lines that save all columns of a row."""
    return [n for n, line in enumerate(text.splitlines(), 1) if WHOLE_SAVE.search(line)]


def test_save_names_its_columns() -> None:
    """A full save() of a row can write an old status back; only new rows (…().save() in a maker)
    may go whole."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if "admin" not in path.parts and path.stem != "fields"
        for number in whole_saves(path.read_text())
    ]
    assert found == [], "name the columns"


def test_a_whole_save_is_found() -> None:
    assert whole_saves(
        "x = 1\njob.save()\njob.save(update_fields=['title'])\nAccount().save()\n"
    ) == [2]


def test_operations_has_every_variable() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| ", text, re.M))
    assert set(rows) == {variable.name for variable in VARIABLES}
    for variable in VARIABLES:
        assert f"| `{variable.name}` | {variable.default} | {variable.meaning} |" in text, (
            variable.name
        )


def test_architecture_draws_the_machine() -> None:
    drawn = f"```mermaid\n{states.mermaid()}\n```"
    assert drawn in (ROOT / "docs" / "architecture.md").read_text()


def test_every_read_variable_is_listed() -> None:
    read = {
        name
        for path in SOURCES
        for name in re.findall(
            r"env\.(?:text|flag|words|choice|address|number)\(\"([A-Z_]+)\"", path.read_text()
        )
    }
    assert read
    assert read - {variable.name for variable in VARIABLES} == set()
