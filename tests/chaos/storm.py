"""The storm: many jobs over real processes, a random one of which is killed -9 every second or so,
while the service breaks its answers at random. `JOBS=200 python -m tests.chaos.storm` runs the long
one and prints its figures as one JSON line.

Environment: JOBS, ACCOUNTS, DATABASE (sqlite or postgres), SEED, KILL_EVERY (seconds), SPEED (of
the service), SUPERVISORS, STOPPED (seconds that a worker is stopped at most before it goes on),
CLOCK_OFF (seconds, for one more supervisor; needs libfaketime), KEEP (a folder that stays, with
every log). Ends with exit code 0 when
nothing was lost, nothing paid twice and the ledger is the service's bill.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from studio.local import redis_server
from studio.local.stack import (
    LOOPBACK,
    manage_command,
    port_listens,
    redis_answers,
    uvicorn_command,
    web_answers,
)
from tests.chaos import databases, weather
from tests.chaos.clicker import Clicker, wait_until_quiet
from tests.chaos.crew import ROOT, Part, age_of, kill, workers_of

# How often which kind of process is the one that dies; work horses are what a real crash hits most.
WEIGHTS = {
    "horse": 5,
    "hand": 3,
    "supervisor": 2,
    "web": 2,
    "redis": 1,
    "backend": 3,
    "wisher": 1,
    "simulator": 0.3,
}


STOPS = 0.35  # of the workers that would be killed, those that are stopped for a while instead
# On SQLite a stopped writer stops every other one: shorter than they wait for each other.
STOPPED_ON_SQLITE = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a storm is. `pages` of the jobs are made through the real pages, the others by a
    process with the runner."""

    jobs: int = 200
    accounts: int = 4
    supervisors: int = 3
    database: str = "sqlite"
    seed: int = 1
    kill_every: float = 1.0
    speed: float = 30.0
    pages: int = 40
    doubtful: bool = (
        True  # with submits that made no task and say nothing, at random; else exactly one of them
    )
    pause: float = 0.3  # between two clicks
    storm_until: float = 0.85  # the share of jobs that have ended when kills and faults stop;
    storm_seconds: float = 1800.0  # the kills stop earlier, this long after the first job was sent
    patience: float = 1800.0  # seconds for everything
    stopped: float = 120.0  # seconds that a worker is stopped (SIGSTOP) at most, and goes on then
    clock_off: float = 0.0  # seconds that the clock of the last supervisor is off (libfaketime)


@dataclass
class Storm:
    plan: Plan
    folder: Path
    dice: random.Random = field(init=False)
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    parts: list[Part] = field(default_factory=list)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.plan.seed)
        self.logs = self.folder / "logs"
        self.data = self.folder / "data"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(exist_ok=True)
        self.began = time.monotonic()
        self.wipe = False
        self._struck: Counter[str] = Counter()
        self._asleep: dict[int, float] = {}  # stopped processes, and when they go on
        self._stormy = False
        self.database = databases.make(self.plan.database, self.data, self.logs)

    # ── the stack ─────────────────────────────────────────────────────────────────────────────────

    def up(self) -> dict[str, Any]:
        """Start everything in good weather and make the cast; what `cast open` told."""
        ports = [free_port() for _ in range(3)]
        self.redis_url = f"redis://{LOOPBACK}:{ports[0]}/0"
        self.service = f"http://{LOOPBACK}:{ports[1]}"
        self.web_url = f"http://{LOOPBACK}:{ports[2]}"
        unwanted = (
            "DATABASE_URL",
            "STORAGE_URL",
            "ALLOWED_HOSTS",
            "DEBUG",
            "DASHSCOPE_API_KEY",
            "EMAIL_URL",
            "MEDIA_DELIVERY",
        )
        self.env = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.env |= {
            "DJANGO_SETTINGS_MODULE": "studio.settings",
            "DATA_DIR": str(self.data),
            "PYTHONUNBUFFERED": "1",
            "REDIS_URL": self.redis_url,
            "MODELSTUDIO_URL": f"{self.service}/api/v1",
            "PUBLIC_URL": self.web_url,
            "STORM_PAUSE": str(self.plan.pause),
        }
        self.database.up()
        if self.database.url:
            self.env["DATABASE_URL"] = self.database.url
        if self.database.part is not None:
            self.parts.append(self.database.part)
        engine = redis_server.find()
        self.redis = self._add(
            "redis",
            engine.command(ports[0], self.data),
            ready=lambda: redis_answers(self.redis_url),
            pause=(0.5, 4.0),
        )
        redis_folder = engine.folder(self.data)

        def tidy() -> None:
            if self.wipe:
                shutil.rmtree(redis_folder, ignore_errors=True)
                self.wipe = False
            redis_folder.mkdir(parents=True, exist_ok=True)

        self.redis.before_start = tidy
        words = manage_command(
            "simulator",
            "--port",
            ports[1],
            "--host",
            LOOPBACK,
            "--speed",
            self.plan.speed,
            "--data-dir",
            self.data / "simulator",
        )
        self.simulator = self._add("simulator", words, ready=lambda: port_listens(ports[1]))
        self._run(manage_command("migrate", "-v", "0"))
        began = time.monotonic()
        self.web = self._add(
            "web", uvicorn_command(LOOPBACK, ports[2]), ready=lambda: web_answers(self.web_url)
        )
        self.supervisors = [
            self._add(f"worker-{n}", manage_command("worker")) for n in range(self.plan.supervisors)
        ]
        if self.plan.clock_off:
            off = self.env | faketime(self.plan.clock_off)
            self.supervisors.append(self._add("worker-off", manage_command("worker"), env=off))
        self._wait(
            lambda: all(part.alive and part.ready() for part in self.parts),
            600,
            "the stack does not come up",
        )
        # Whoever has hardly begun is no victim, and where programs start slowly they die less
        # often: else nothing would ever be done.
        self.youth = min(40.0, time.monotonic() - began)
        self.slowness = max(1.0, self.youth / 6)
        return dict(json.loads(self._cast("open", self.plan.accounts)))

    def _add(self, name: str, command: list[str], **more: Any) -> Part:
        part = Part(name, command, more.pop("env", self.env), self.logs, **more)
        self.parts.append(part)
        part.start()
        return part

    def _run(self, command: list[str], timeout: float = 900) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=timeout
        )
        assert done.returncode == 0, (
            f"{command[-3:]} ended with {done.returncode}: {done.stderr[-3000:]}"
        )
        return done.stdout

    def _cast(self, *words: object) -> str:
        return (
            self._run([sys.executable, "-m", "tests.chaos.cast", *(str(word) for word in words)])
            .strip()
            .splitlines()[-1]
        )

    def down(self) -> None:
        self._wake(everybody=True)
        for part in reversed(self.parts):
            if part is not self.database.part:
                part.stop()
        self.database.down()

    # ── the weather ───────────────────────────────────────────────────────────────────────────────

    def stormy(self) -> None:
        """Let the service draw faults, each start of it with dice of its own."""
        self._order(
            "random_faults",
            seed=self.plan.seed * 1000 + self.simulator.starts,
            rate=0.0,
            faults=weather.faults(doubtful=self.plan.doubtful),
        )
        # At least one of each of the two that money is about; what is armed dies with the service.
        for fault, times in (("cut-before", 1), ("cut-after", 2)):
            if not self.faults[f"{fault}@submit"]:
                self._order("arm", fault=fault, where="submit", times=times)
        self._stormy = True

    def calm(self) -> None:
        """No more kills, no more faults; what is dead comes back, what sleeps goes on."""
        self._wake(everybody=True)
        self._stormy = False
        self._wait(
            lambda: all(part.alive and part.ready() for part in self.parts if not part.once),
            600,
            "not everything came back",
        )
        self._note_faults()
        self._order("disarm")

    def _order(self, what: str, **words: Any) -> None:
        answer = requests.post(f"{self.service}/simulator/{what}", json=words, timeout=10)
        assert answer.status_code == 200, answer.text

    def _note_faults(self) -> None:
        """Add what struck since the last look; the counts begin anew with each start of the
        service."""
        try:
            struck = Counter(
                requests.get(f"{self.service}/simulator/faults", timeout=5).json()["faults"]
            )
        except (requests.RequestException, ValueError):
            return
        if any(struck[name] < count for name, count in self._struck.items()):
            self._struck = Counter()
        self.faults += struck - self._struck
        self._struck = struck

    def _kill_one(self) -> None:
        found: dict[str, list[int]] = {
            "horse": [],
            "hand": [],
            "supervisor": [],
            "backend": [0] if self.database.name == "postgres" else [],
        }
        for part in self.supervisors:
            hands, horses = workers_of(part)
            found["hand"] += hands
            found["horse"] += horses
            found["supervisor"] += [part.process.pid] if part.alive and part.process else []
        for name, part in (
            ("web", self.web),
            ("redis", self.redis),
            ("simulator", self.simulator),
            ("wisher", self.wisher),
        ):
            found[name] = [part.process.pid] if part.alive and part.process else []
        for kind, pids in found.items():
            if kind != "backend":
                found[kind] = [
                    pid
                    for pid in pids
                    if age_of(pid) > (self.youth / 8 if kind == "horse" else self.youth)
                ]
        kinds = [kind for kind, pids in found.items() if pids]
        if not kinds:
            return
        kind = self.dice.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        if kind in ("horse", "hand") and self.dice.random() < STOPS:
            self._stop(self.dice.choice(found[kind]))
            return
        if kind == "backend":
            kind = self.database.end_a_backend(self.dice)
            self.kills.update([kind] if kind else [])
            return
        if kind == "redis":
            self.wipe = self.dice.random() < 0.4
        if kind == "simulator":
            self._note_faults()
        if kill(self.dice.choice(found[kind])):
            self.kills["redis wiped" if kind == "redis" and self.wipe else kind] += 1

    def _stop(self, pid: int) -> None:
        """It sleeps in the middle of whatever it does, perhaps longer than its leases, and goes
        on."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            longest = self.plan.stopped if self.database.name == "postgres" else STOPPED_ON_SQLITE
            self._asleep[pid] = time.monotonic() + self.dice.uniform(2, max(3, longest))
            self.kills["stopped"] += 1

    def _wake(self, *, everybody: bool = False) -> None:
        for pid, due in list(self._asleep.items()):
            if everybody or time.monotonic() >= due:
                del self._asleep[pid]
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _mind(self) -> None:
        """Start again what is dead and was dead long enough, and wake what slept long enough."""
        self._wake()
        for part in self.parts:
            starts = part.starts
            part.mind(self.dice.uniform(*part.pause))
            self.restarts += part.starts - starts
            if part is self.simulator and part.starts != starts and self._stormy:
                self._wait(
                    lambda: listens_at(self.service),
                    300,
                    "the service does not come back",
                    minding=False,
                )
                self.stormy()

    def _wait(self, true: Any, seconds: float, otherwise: str, *, minding: bool = True) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, otherwise + "\n" + self.last_words()
            if minding:
                self._mind()
            time.sleep(0.1)

    def last_words(self) -> str:
        return "\n".join(f"── {part.name}\n{part.last_words()}" for part in self.parts)

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self.began:5.0f} s  {line}", file=sys.stderr, flush=True)

    # ── the run ───────────────────────────────────────────────────────────────────────────────────

    def blow(self, told: dict[str, Any]) -> float:
        """Create the jobs, kill and break until most have ended; then calm until all have. The
        seconds of the storm itself."""
        plan = self.plan
        began = time.monotonic()
        end = self.began + plan.patience
        by_pages = list(range(plan.jobs - plan.pages, plan.jobs))
        self.wisher = self._add(
            "wisher",
            [sys.executable, "-m", "tests.chaos.cast", "wish", "0", str(plan.jobs - plan.pages)],
            once=True,
        )
        clicker = Clicker(self.web_url, told, by_pages, plan.pause)
        clicker.start()
        self.stormy()
        due, look = time.monotonic() + plan.kill_every, time.monotonic() + 5
        sent: float | None = None
        length = plan.storm_seconds * self.slowness
        stand: Counter[str] = Counter()
        while ended(stand) < plan.storm_until * plan.jobs:
            assert time.monotonic() < end, (
                f"after {plan.patience:.0f} s: {dict(stand)}\n{self.last_words()}"
            )
            self._mind()
            if time.monotonic() >= due and time.monotonic() - (sent or began + 2 * length) < length:
                self._kill_one()
                due = (
                    time.monotonic() + self.dice.uniform(0.6, 1.4) * plan.kill_every * self.slowness
                )
            if time.monotonic() >= look:
                self._note_faults()
                stand = Counter(self.database.stand()) or stand
                sent = sent or (
                    time.monotonic()
                    if any(stand[state] for state in stand if state != "queued")
                    else None
                )
                self.say(
                    f"{dict(stand)}  killed {sum(self.kills.values())}, broken "
                    f"{sum(self.faults.values())}"
                )
                look = time.monotonic() + 5
            time.sleep(0.1)
        stormed = time.monotonic() - began
        self.say("calm")
        self.calm()
        wait_until_quiet(clicker, max(60.0, end - time.monotonic()))
        self._wait(
            lambda: self.wisher.done,
            max(60.0, end - time.monotonic()),
            "the wishes were not all made",
        )
        while ended(stand := Counter(self.database.stand())) < plan.jobs:
            assert time.monotonic() < end, (
                f"after {plan.patience:.0f} s: "
                f"{dict(stand)}\n{self.last_words()}\n{self._cast('audit')}"
            )
            for _ in range(10):
                self._mind()
                time.sleep(0.1)
        return stormed

    def figures(self, stormed: float) -> dict[str, Any]:
        """What came of it, as numbers; `wrong` names everything that must not be, and is empty."""
        told = json.loads(self._cast("audit"))
        tasks = requests.get(f"{self.service}/simulator/tasks", timeout=60).json()["tasks"]
        bill = requests.get(f"{self.service}/simulator/bill", timeout=60).json()["bill"]
        calls = requests.get(f"{self.service}/simulator/calls", timeout=60).json()["calls"]
        paid = sorted(task["task_id"] for task in tasks if task["status"] == "SUCCEEDED")
        billed = sum(int(line[5]) for line in bill)
        verify = subprocess.run(
            manage_command("verify"),
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=900,
        )
        wrong = []
        if told["jobs"] != self.plan.jobs or told["clicks"] != sorted(
            f"Take {n}" for n in range(self.plan.jobs)
        ):
            wrong.append(
                f"{self.plan.jobs} clicks became {told['jobs']} jobs of {len(told['clicks'])} names"
            )
        wrong += [f"not ended: {line}" for line in told["open"]] + [
            f"ended badly: {line}" for line in told["ended_badly"]
        ]
        if strangers := set(paid) - set(told["tasks"]):
            wrong.append(f"tasks that were paid and belong to no job: {sorted(strangers)}")
        if unpaid := set(told["tasks"]) - set(paid):
            wrong.append(f"tasks of jobs that the service never billed: {sorted(unpaid)}")
        if (told["settled"], told["held"]) != (billed, 0):
            wrong.append(
                f"the ledger has {told['settled']} settled and {told['held']} held; the bill is "
                f"{billed}"
            )
        wrong += [f"incomplete film: {line}" for line in told["broken_films"]]
        if verify.returncode != 0:
            wrong.append(f"manage.py verify: {verify.stdout[-1000:]}{verify.stderr[-1000:]}")
        return {
            "jobs": told["jobs"],
            "accounts": self.plan.accounts,
            "database": self.database.name,
            "seed": self.plan.seed,
            "lost": len(told["open"]) + len(told["ended_badly"]),
            "paid_twice": len(set(paid) - set(told["tasks"])),
            "tasks": len(tasks),
            "ledger_minus_bill_micros": told["settled"] - billed,
            "incomplete_films": len(told["broken_films"]),
            "verify": verify.returncode,
            "seconds": round(time.monotonic() - self.began, 1),
            "storm_seconds": round(stormed, 1),
            "kills": dict(self.kills),
            "killed": sum(self.kills.values()),
            "seconds_between_kills": round(self.plan.kill_every * self.slowness, 2),
            "restarts": self.restarts,
            "faults": dict(sorted(self.faults.items())),
            "injected": sum(self.faults.values()),
            "uncertain": told["uncertain"],
            "uncertain_found": told["uncertain_found"],
            "uncertain_again": told["uncertain_again"],
            "free_retries": told["retries"],
            "broken_twice": told["broken_twice"],
            "most_attempts": told["most_attempts"],
            "calls_since_last_start_of_the_service": len(calls),
            "wrong": wrong,
        }


def faketime(seconds: float) -> dict[str, str]:
    """The environment of a process whose clock is `seconds` off; needs Debian's libfaketime."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise RuntimeError("no libfaketime: apt install libfaketime")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{seconds:+.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def ended(stand: Counter[str]) -> int:
    return stand["succeeded"] + stand["failed"] + stand["canceled"]


def listens_at(address: str) -> bool:
    return port_listens(int(address.rsplit(":", 1)[1]))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """The whole storm in `folder`; its figures. AssertionError with the last lines of every process
    when it does not end."""
    print(f"SEED={plan.seed} {plan}", file=sys.stderr, flush=True)
    storm = Storm(plan, folder)
    try:
        told = storm.up()
        storm.say("up")
        return storm.figures(storm.blow(told))
    finally:
        storm.down()


def main() -> int:
    env = os.environ.get
    jobs = int(env("JOBS", "200"))
    plan = Plan(
        jobs=jobs,
        accounts=int(env("ACCOUNTS", "4")),
        supervisors=int(env("SUPERVISORS", "3")),
        database=env("DATABASE", "postgres" if databases.postgres_possible() else "sqlite"),
        seed=int(env("SEED", str(random.randrange(10**6)))),
        kill_every=float(env("KILL_EVERY", "1.0")),
        speed=float(env("SPEED", "30")),
        pages=int(env("PAGES", str(jobs // 5))),
        doubtful=env("DOUBTFUL", "1") == "1",
        storm_seconds=float(env("STORM_SECONDS", "1800")),
        stopped=float(env("STOPPED", "120")),
        clock_off=float(env("CLOCK_OFF", "0")),
        patience=float(env("PATIENCE", "3600")),
    )
    kept = env("KEEP", "")
    folder = Path(kept or tempfile.mkdtemp(prefix="storm-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        figures = run(plan, folder)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures), flush=True)
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
