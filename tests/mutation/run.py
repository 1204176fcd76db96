"""Change one thing at a time in what moves jobs and money, and see whether a test notices:

    python -m tests.mutation.run                      # all of MODULES; hours on a slow machine
    python -m tests.mutation.run --only ledger plan   # modules whose path has one of these words
    python -m tests.mutation.run --missed --tests tests/jobs/billing   # what no test noticed
    python -m tests.mutation.run --most 200           # so many of them, taken at random
    python -m tests.mutation.run --report             # what came of it so far, with what was missed

Needs `pip install -c constraints.txt -e '.[dev,mutation]'`. Everything lies in var/mutation: a copy
of the tree as it is now with the changed modules, and the results, which count as long as the
function is as it was. Processes at once: MUTATION_CHILDREN (2).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents

from tests.mutation.count import MISSED, Change, changes, table

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "var" / "mutation"
TREE = FOLDER / f"tree-{os.getpid()}"
MODULES = (
    "jobs/engine/transitions.py",
    "jobs/engine/submit.py",
    "jobs/engine/submit_outcomes.py",
    "jobs/engine/uncertain.py",
    "jobs/engine/late_answers.py",
    "jobs/engine/unseen_end.py",
    "jobs/engine/checks.py",
    "jobs/engine/archive*.py",
    "jobs/engine/result_download.py",
    "jobs/billing/ledger.py",
    "jobs/billing/budget.py",
    "jobs/billing/balances.py",
    "jobs/orders/[a-z]*.py",
)
TESTS = (
    "tests/jobs/engine",
    "tests/jobs/orders",
    "tests/jobs/billing",
    "tests/jobs/accounts",
    "tests/jobs/pages/board",
    "tests/jobs/pages/create",
    "tests/jobs/management",
)
# Tests of whole processes, and one that walks the machine for seconds: they say little about one
# changed line.
LEFT_OUT = (
    "tests/jobs/billing/test_migrations.py",
    "tests/jobs/billing/test_many_processes.py",
    "tests/jobs/engine/test_rq_worker.py",
    "tests/jobs/engine/test_rq_steps.py",
    "tests/jobs/engine/test_rq_cleanup.py",
    "tests/jobs/engine/test_machine.py",
    "tests/jobs/management/test_worker.py",
    "tests/jobs/pages/create/test_fixes.py",
    "tests/jobs/pages/create/test_fix_videos.py",
    "tests/jobs/pages/create/fixes",
)


def copy_tree() -> None:
    """The files of the repository as they lie here, committed or not."""
    shutil.rmtree(TREE, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)


def change_modules(words: list[str]) -> tuple[dict[str, str], list[Change]]:
    """The changed texts of the modules by path, and all their changes."""
    texts: dict[str, str] = {}
    found: list[Change] = []
    for pattern in MODULES:
        for path in sorted(ROOT.glob(pattern)):
            name = str(path.relative_to(ROOT))
            if not words or any(word in name for word in words):
                texts[name], its = changed(name, path.read_text())
                found += its
    return texts, found


def changed(name: str, source: str) -> tuple[str, list[Change]]:
    """The changed text of a module, and its changes. It takes seconds, so it is kept."""
    kept = FOLDER / "changed" / f"{hashlib.sha256((name + source).encode()).hexdigest()}.json"
    if not kept.exists():
        made = mutate_file_contents(name, source)
        found = [asdict(one) for one in changes(name, made.code, made.mutant_names)]
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps([made.code, found]))
    code, found = json.loads(kept.read_text())
    return code, [Change(**one) for one in found]


def known() -> dict[str, int]:
    """What came of each change so far, by digest. Noticed once is noticed: a later run may have
    been with fewer tests."""
    kept: dict[str, int] = {}
    results = FOLDER / "results.txt"
    for line in results.read_text().splitlines() if results.exists() else ():
        code, digest = line.split(" ")
        kept[digest] = int(code) if kept.get(digest, 0) in MISSED else kept[digest]
    return kept


def run_tests(todo: list[Change], tests: list[str]) -> None:
    (TREE / "todo.json").write_text(json.dumps([(one.name, one.digest) for one in todo]))
    left_out = [f"--ignore={path}" for path in LEFT_OUT]
    # With a folder of its own for files, or another session would tidy it up meanwhile.
    files = [f"--basetemp={TREE}-files", "-o", "tmp_path_retention_policy=none"]
    options = ["-p", "tests.mutation.plugin", "-n0", "-s", "-q", "-p", "no:cacheprovider", *files]
    with (FOLDER / f"log-{os.getpid()}.txt").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *left_out, *tests],
            cwd=TREE,
            env={**os.environ, "MUTATION_RESULTS": str(FOLDER / "results.txt")},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )


def report(found: list[Change], kept: dict[str, int], *, missed: bool) -> None:
    print("\n".join(table(found, kept)))
    for one in found if missed else ():
        if one.missed(kept) and not one.is_text:
            print(f"\n{one.name}")
            print("\n".join(f"    {line}" for line in one.lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="modules")
    parser.add_argument("--tests", nargs="+", default=list(TESTS), metavar="PATH")
    parser.add_argument("--missed", action="store_true", help="only what no test noticed so far")
    parser.add_argument("--most", type=int, metavar="N", help="try so many, taken at random")
    parser.add_argument("--text", action="store_true", help="also changes of text")
    parser.add_argument("--report", action="store_true", help="run nothing")
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts, found = change_modules(asked.only)
    if not asked.report:
        kept = known()
        todo = [
            one
            for one in found
            if (asked.text or not one.is_text)
            and (one.missed(kept) if asked.missed else one.digest not in kept)
        ]
        # In any order but always the same one, so that those tried before an end are a fair sample.
        random.Random(1).shuffle(todo)
        copy_tree()
        for name, text in texts.items():
            (TREE / name).write_text(text)
        try:
            run_tests(todo[: asked.most], asked.tests)
        finally:
            for folder in (TREE, Path(f"{TREE}-files")):
                shutil.rmtree(folder, ignore_errors=True)
    report(found, known(), missed=asked.report)


if __name__ == "__main__":
    main()
