"""Jobs through lanes against one simulator process: by our worker processes, and by callers of the
vendor's SDK beside them.

Every side has its own accounts (keys) at the same service at the same time, so whatever slows the
machine slows all of them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from tests.bench import stage
from tests.bench.service import SCATTER, VIDEO_SECONDS

SDK = "dashscope==2.0.2"
STYLES = {"one": "sdk 1.x", "two": "sdk 2.0"}
BOXES = {
    "face_bbox": [200, 200, 400, 420],
    "ext_bbox": [60, 60, 660, 660],
}  # what makers.check says of the sample portrait


@dataclass(frozen=True, slots=True)
class Work:
    """`lanes` accounts with `jobs` jobs each, of about `length` seconds of work. `at_once`: a
    caller hands over all jobs of a lane together; else one after the other."""

    lanes: int
    jobs: int
    length: float
    at_once: bool = True

    @property
    def patience(self) -> float:
        return 120 + self.jobs * (self.length * 1.3 + 10)


@dataclass(frozen=True, slots=True)
class Done:
    """What one side has: when each task's video was in its hands (epoch seconds), how many jobs
    have none, when it began, and how often it looked at tasks for their jobs (None: every query was
    such a look; ours also ask whose account is whose)."""

    at: dict[str, float]
    lost: int
    began: float
    reasons: tuple[str, ...] = ()
    looks: int | None = None


# ── ours ──────────────────────────────────────────────────────────────────────────────────────────


def learned(account: Any, length: float) -> None:
    """What a site knows that has made such videos before: twenty work times, scattered as the
    service scatters them."""
    from jobs.engine import speed
    from jobs.models import WorkTime

    dice = Random(20)
    recent = sorted(
        length / VIDEO_SECONDS * dice.uniform(1 - SCATTER, 1 + SCATTER) for _ in range(20)
    )
    name: dict[str, Any] = {
        "service": speed.service_of(account),
        "model": "emo-v1",
        "variant": "1:1",
    }
    WorkTime.objects.update_or_create(
        **name,
        defaults={"recent": recent, "median": median(recent), "p90": quantiles(recent, n=10)[8]},
    )


def ours(
    url: str, work: Work, keys: Sequence[str], *, taught: bool = True
) -> Iterator[Done | None]:
    """Create the jobs, and let the running worker make them; None again and again, at last what
    came of it."""
    from dataclasses import replace

    from django.utils import timezone

    from jobs.common.states import TERMINAL, State
    from jobs.models import Job
    from jobs.orders import create
    from studio.models import Team
    from tests import makers

    team, owner, first = stage.company(url)
    Team.objects.filter(pk=team.pk).update(waiting_limit=10_000)
    team.refresh_from_db()
    wish = stage.portrait_wish(team, owner, first)
    accounts = [makers.account(team, url, key=key) for key in keys]
    if taught:
        learned(first, work.length)
    began = timezone.now()
    for _ in range(work.jobs):
        for account in accounts:
            create.create(replace(wish, account=account))
    end = time.monotonic() + work.patience
    while Job.objects.exclude(state__in=TERMINAL).exists() and time.monotonic() < end:
        yield None
        time.sleep(1)
    made = Job.objects.filter(state=State.SUCCEEDED)
    at = {job.task_id: job.finished_at.timestamp() for job in made if job.finished_at is not None}
    reasons = tuple(
        f"{job.state} {job.code} {job.sentence}"[:200]
        for job in Job.objects.exclude(state=State.SUCCEEDED)[:3]
    )
    looks = sum(made.values_list("looks", flat=True))
    yield Done(at, work.lanes * work.jobs - len(at), began.timestamp(), reasons, looks)


# ── the SDK ───────────────────────────────────────────────────────────────────────────────────────


def python_of(style: str) -> Path:
    """The interpreter of the virtual environment in which a style of the SDK is installed; made
    when it is not there yet."""
    name = hashlib.sha256(f"{SDK} {sys.version} {style}".encode()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"footlight-peers-{name}"
    python, whole = folder / "bin" / "python", folder / "installed"
    if not whole.exists():
        print(f"making {folder} with {SDK} (a few minutes, once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", SDK], check=True
        )
        whole.touch()
    return python


@contextmanager
def files() -> Iterator[str]:
    """The sample files at an address that the service can fetch."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(stage.SAMPLES)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def order(url: str, samples: str, **more: Any) -> dict[str, Any]:
    """What a caller is told; see tests/bench/caller.py."""
    given = {"image_url": f"{samples}/portrait.jpg", "audio_url": f"{samples}/speech.mp3", **BOXES}
    return {
        "url": url,
        "model": "emo-v1",
        "input": given,
        "parameters": {"style_level": "normal"},
        **more,
    }


@contextmanager
def calling(style: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(python_of(style)), str(Path(__file__).with_name("caller.py")), style]
    with stage.running(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        yield process


def tell(process: subprocess.Popen[str], what: str) -> None:
    assert process.stdin is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()


class Peer:
    """A caller of the SDK at work in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], told: dict[str, Any]) -> None:
        self.began = time.time()
        self.answer: dict[str, Any] | None = None
        tell(process, json.dumps(told))
        self._thread = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._thread.start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        self.answer = (
            json.loads(line) if line.strip() else {"done": [], "lost": ["the caller died"]}
        )

    def done(self, patience: float) -> Done:
        self._thread.join(patience)
        answer = self.answer or {"done": [], "lost": ["the caller never ended"]}
        reasons = sorted(set(answer["lost"]))
        return Done(
            {one["task_id"]: one["at"] for one in answer["done"]},
            len(answer["lost"]),
            self.began,
            tuple(reasons[:3]),
        )


def _end(task: dict[str, Any]) -> int:
    return int(task["end_ms"])


# ── what it came to ───────────────────────────────────────────────────────────────────────────────


def figures(service: str, keys: Sequence[str], work: Work, done: Done) -> dict[str, Any]:
    """The numbers of one side, from what the service saw of its keys."""
    tasks = [
        task
        for task in stage.asked_of(service, "/simulator/tasks")["tasks"]
        if task["account"] in keys
    ]
    seen = stage.asked_of(service, "/simulator/seen")["seen"]
    calls = {
        name: sum(seen.get(key, {}).get(name, 0) for key in keys)
        for name in ("submit", "get", "list", "429")
    }
    ended = [task for task in tasks if task["end_ms"] is not None]
    spent = {
        key: sum(task["end_ms"] - task["scheduled_ms"] for task in ended if task["account"] == key)
        / 1000
        for key in keys
    }
    late = sorted(
        done.at[task["task_id"]] - task["end_ms"] / 1000
        for task in ended
        if task["task_id"] in done.at
    )
    told: dict[str, Any] = {
        "jobs": work.lanes * work.jobs,
        "lost": done.lost,
        "tasks": len(tasks),
        "posts": calls["submit"],
        "answers_429": calls["429"],
        "queries_per_video": (calls["get"] + calls["list"]) / max(1, len(done.at)),
        **({} if done.looks is None else {"looks_per_video": done.looks / max(1, len(done.at))}),
    }
    if late:
        lasts = {
            task["account"]: done.at[task["task_id"]]
            for task in sorted(ended, key=_end)
            if task["task_id"] in done.at
        }
        ratios = [(last - done.began) / spent[key] for key, last in lasts.items()]
        told |= {
            "ratio": sum(ratios) / len(ratios),
            "late_p50_s": stage.percentile(late, 50),
            "late_p95_s": stage.percentile(late, 95),
            "late_max_s": late[-1],
        }
        told["work_each_s"] = sum(spent.values()) / len(ended)
    if done.reasons:
        told["reasons"] = done.reasons
    return told
