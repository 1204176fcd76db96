"""RQ's inner steps that our worker replaces or counts on are the ones it was written for."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from django_rq import get_worker
from rq import Worker

from jobs.engine import rq_worker

ROOT = Path(__file__).resolve().parents[3]

# RQ 2.12.0 and django-rq 4.2.0: the beginning of the SHA-256 of each step's source.
REPLACED = {
    "fork_work_horse": "18679b6c0638",
    "handle_warm_shutdown_request": "25d331e21591",
    "perform_job": "8f75687c8510",
    "set_shutdown_requested_date": "022619a0feec",
    "setup_work_horse_signals": "cfc682cb5f0a",
}
COUNTED_ON = {
    "_shutdown": "3b14ae090870",
    "execute_job": "c9c8a3920075",
    "kill_horse": "2fefa0bd4db1",
    "main_work_horse": "76b22f56b234",
    "request_force_stop": "2d066de883f3",
    "request_stop": "f934e7e7e6ee",
}
GET_WORKER = "c985c4b7cff7"

OURS = next(
    kind
    for kind in vars(rq_worker).values()
    if isinstance(kind, type) and issubclass(kind, Worker) and kind is not Worker
)


def fingerprint(step: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(step).encode()).hexdigest()[:12]


def compare(name: str, step: Callable[..., Any], known: str) -> None:
    found = fingerprint(step)
    assert found == known, (
        f"{step.__module__}.{step.__qualname__} is {found}, not {known}. Compare it between the "
        f"releases of RQ, see whether {OURS.__name__} in jobs/engine/rq_worker.py still does "
        f"what it must (its comments say what), run tests/jobs/engine/test_rq_worker.py and "
        f"`pytest -m chaos tests/chaos`, then write the new value of {name} here."
    )


def test_every_step_that_is_replaced_is_watched() -> None:
    replaced = {name for name in vars(OURS) if callable(getattr(Worker, name, None))}
    assert {name for name in replaced if not name.startswith("__")} == set(REPLACED)


@pytest.mark.parametrize(("name", "known"), sorted((REPLACED | COUNTED_ON).items()))
def test_a_step_of_the_worker_has_not_changed(name: str, known: str) -> None:
    compare(name, getattr(Worker, name), known)


def test_how_a_worker_is_made_has_not_changed() -> None:
    compare("get_worker", get_worker, GET_WORKER)


def test_another_step_is_noticed() -> None:
    def perform_job(self: Worker, job: Any, queue: Any) -> bool:
        return True

    with pytest.raises(AssertionError, match="Compare it between the releases of RQ"):
        compare("perform_job", perform_job, REPLACED["perform_job"])


@pytest.mark.parametrize("package", ["rq", "django-rq"])
def test_the_release_is_exact_everywhere(package: str) -> None:
    """Who installs without constraints.txt gets the same one."""
    project = (ROOT / "pyproject.toml").read_text()
    pinned = re.findall(rf'^    "{package}(.*?)",', project, re.M)
    assert pinned == [f"=={version(package)}"]
    assert f"{package}=={version(package)}\n" in (ROOT / "constraints.txt").read_text()
