"""The storm: many jobs over real processes, a random one of which is killed -9 every second or so,
while the service breaks its answers at random, two sites use one account, and the database of one
becomes that of seconds before. `JOBS=200 python -m tests.chaos.storm` runs the long one and prints
its figures as one JSON line.

Environment: JOBS (of each site), SITES, ONE_KEY (1: they share their keys, too), DANCES (that are
ordered from one new video at once), RESTORES, ACCOUNTS, DATABASE (sqlite or postgres), SEED,
KILL_EVERY (seconds), STORM_SECONDS, SPEED (of the service), SUPERVISORS, STOPPED (seconds that a
worker is stopped at most before it goes on), CLOCK_OFF (seconds, for one more supervisor; needs
libfaketime), KEEP (a folder that stays, with every log). Ends with exit code 0 when nothing was
lost, nothing paid twice, no site touched another's task and every ledger is the service's bill.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from studio.local import redis_server
from studio.local.stack import LOOPBACK, redis_answers
from tests.chaos import plan as plans
from tests.chaos.clicker import wait_until_quiet
from tests.chaos.crew import Part
from tests.chaos.databases import Away
from tests.chaos.figures import figures_of
from tests.chaos.plan import Plan
from tests.chaos.provider import Provider
from tests.chaos.site import Site
from tests.chaos.victims import Victims
from tests.redis_on_port import on_port

UNWANTED = (
    "DATABASE_URL",
    "STORAGE_URL",
    "ALLOWED_HOSTS",
    "DEBUG",
    "DASHSCOPE_API_KEY",
    "EMAIL_URL",
    "MEDIA_DELIVERY",
    "REDIS_PREFIX",
    "SECRET_KEY",
    "FIELD_KEYS",
)
TOGETHER = 8.0  # seconds, of a quick machine, until all who order a dance at once are there
WINDOW = 60.0  # seconds, of a storm that shares a key, that tell others' tasks from lost ones
COPY_AT, RESTORE_AFTER = (0.1, 0.45), (5.0, 20.0)  # share of jobs that have ended; seconds


class Storm:
    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.dice = random.Random(plan.seed)
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()
        self.parts: list[Part] = []  # that the sites share
        self.sites: list[Site] = []
        self.restarts = self.attempts_lost = 0
        self.stand: Counter[str] = Counter()
        self.victims = Victims(plan, self.dice)
        self.slowness = 1.0
        # When (share of jobs that have ended) which site's database is copied.
        self.copies = sorted(
            (self.dice.uniform(*COPY_AT), n % plan.sites) for n in range(plan.restores)
        )
        self.restore_at: dict[int, float] = {}  # monotonic, by site

    # ── the stack ─────────────────────────────────────────────────────────────────────────────────

    def up(self) -> None:
        """Start everything in good weather and make the cast."""
        ports = [free_port() for _ in range(2 + self.plan.sites)]
        redis_url = f"redis://{LOOPBACK}:{ports[0]}/0"
        env = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        env |= {
            "DJANGO_SETTINGS_MODULE": "studio.settings",
            "PYTHONUNBUFFERED": "1",
            "REDIS_URL": redis_url,
            "MODELSTUDIO_URL": f"http://{LOOPBACK}:{ports[1]}/api/v1",
            "STORM_PAUSE": str(self.plan.pause),
        }
        self.redis = self._redis(ports[0], redis_url, env)
        simulator = self.folder / "simulator"
        own = env | {"DATA_DIR": str(self.folder / "data-0")}
        self.provider = Provider(self.plan, simulator, ports[1], own, self.logs)
        for number, port in enumerate(ports[2:]):
            first = self.sites[0] if self.sites else None
            self.sites.append(Site(self.plan, number, self.folder, port, env, first))
        self.parts = [self.redis, self.provider.part]
        server = self.sites[0].database.part
        if server is not None:
            self.parts.insert(0, server)
        for site in self.sites:
            site.migrate()
            site.person.provider = simulator
        began = time.monotonic()
        for part in [self.redis, self.provider.part, *self._parts_of_sites()]:
            part.start()
        self._wait(self._all_ready, 600, "the stack does not come up")
        # Whoever has hardly begun is no victim, and where programs start slowly they die less
        # often: else nothing would ever be done.
        self.victims.youth = min(40.0, time.monotonic() - began)
        self.slowness = max(1.0, self.victims.youth / 6)
        for site in self.sites:
            site.open()

    def _redis(self, port: int, url: str, env: dict[str, str]) -> Part:
        engine = redis_server.find()
        data = self.folder / "redis"
        place = engine.folder(data)

        def tidy() -> None:
            if self.victims.wipe:
                shutil.rmtree(place, ignore_errors=True)
                self.victims.wipe = False
            place.mkdir(parents=True, exist_ok=True)

        command = engine.command(on_port(port), data)
        part = Part("redis", command, env, self.logs, lambda: redis_answers(url), (0.5, 4.0))
        part.before_start = tidy
        return part

    def _parts_of_sites(self) -> list[Part]:
        return [part for site in self.sites for part in site.parts]

    def _all_ready(self) -> bool:
        parts = [part for part in (*self.parts, *self._parts_of_sites()) if not part.once]
        return all(part.alive and part.ready() for part in parts)

    def down(self) -> None:
        self.victims.wake(everybody=True)
        for site in self.sites:
            site.person.stop()
        server = self.sites[0].database.part if self.sites else None
        for part in reversed([*self.parts, *self._parts_of_sites()]):
            if part is not server:
                part.stop()
        for site in reversed(self.sites):
            site.database.down()

    # ── minding it ────────────────────────────────────────────────────────────────────────────────

    def mind(self) -> None:
        """Start again what is dead and was dead long enough, wake what slept long enough, and let
        people look after what waits for them."""
        self.victims.wake()
        for part in (*self.parts, *self._parts_of_sites()):
            starts = part.starts
            part.mind(self.dice.uniform(*part.pause))
            self.restarts += part.starts - starts
            if part is self.provider.part and part.starts != starts and self.provider.stormy:
                there = part.ready
                self._wait(there, 300, "the service does not come back", minding=False)
                self.provider.storm()
        for site in self.sites:
            site.person.look()

    def _wait(self, true: Any, seconds: float, otherwise: str, *, minding: bool = True) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, otherwise + "\n" + self.last_words()
            if minding:
                self.mind()
            time.sleep(0.1)

    def last_words(self) -> str:
        parts = (*self.parts, *self._parts_of_sites())
        return "\n".join(f"── {part.name}\n{part.last_words()}" for part in parts)

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self.began:5.0f} s  {line}", file=sys.stderr, flush=True)

    # ── the run ───────────────────────────────────────────────────────────────────────────────────

    def blow(self) -> float:
        """Create the jobs, kill and break until most have ended; then calm until all have. The
        seconds of the storm itself."""
        plan, began = self.plan, time.monotonic()
        self.end = self.began + plan.patience
        start = time.time() + TOGETHER * self.slowness if plan.dances else 0.0
        for site in self.sites:
            site.order_all(start)
        self.provider.storm()
        due, look = time.monotonic() + plan.kill_every, time.monotonic() + 5
        self.sent: float | None = None
        length = plan.storm_seconds * self.slowness
        while self._ended < plan.storm_until * plan.jobs * plan.sites or self._restores_to_come:
            assert time.monotonic() < self.end, (
                f"after {plan.patience:.0f} s: {dict(self.stand)}\n{self.last_words()}"
            )
            self.mind()
            if (
                time.monotonic() >= due
                and time.monotonic() - (self.sent or began + 2 * length) < length
            ):
                self._strike()
                pause = self.dice.uniform(0.6, 1.4) * plan.kill_every * self.slowness
                due = time.monotonic() + pause
            self._copy_and_restore()
            if time.monotonic() >= look:
                self._look()
                self.sent = self.sent or (time.monotonic() if self._sent_any else None)
                look = time.monotonic() + 5
            time.sleep(0.1)
        stormed = time.monotonic() - began
        self.calm()
        self._finish()
        return stormed

    def _strike(self) -> None:
        """On a random site. Redis is not wiped while a restore is to be noticed by what it knows:
        who loses both has to say so (`manage.py reconcile --begin`)."""
        site = self.dice.choice(self.sites)
        shared = {"redis": self.redis, "simulator": self.provider.part}
        trusted = self.restore_at or any(site.person.unnoticed for site in self.sites)
        self.provider.note_faults()
        self.victims.strike(site, shared, may_wipe=not trusted)

    def _look(self) -> None:
        self.provider.note_faults()
        stands = [site.database.stand() for site in self.sites]
        if all(stands):
            self.stand = sum((Counter(stand) for stand in stands), Counter())
        self.say(
            f"{dict(self.stand)}  hurt {sum(self.victims.counts.values())}, broken "
            f"{sum(self.provider.faults.values())}"
        )

    @property
    def _ended(self) -> int:
        return self.stand["succeeded"] + self.stand["failed"] + self.stand["canceled"]

    @property
    def _sent_any(self) -> bool:
        return any(self.stand[state] for state in self.stand if state != "queued")

    # ── a restore ─────────────────────────────────────────────────────────────────────────────────

    @property
    def _restores_to_come(self) -> bool:
        return bool(self.copies or self.restore_at)

    def _copy_and_restore(self) -> None:
        now, jobs = time.monotonic(), self.plan.jobs * self.plan.sites
        # A task that makes a template is not adopted, since it is filed with its video.
        ordered = all(part.done for site in self.sites for part in site.wishers[1:])
        # Who shares a key is noticed by the older tasks of it.
        shared = self.plan.one_key and self.plan.sites > 1
        known = not shared or (self.sent and now - self.sent > 1.5 * WINDOW)
        if self.copies and ordered and known and self._ended >= self.copies[0][0] * jobs:
            number = self.copies[0][1]
            if number not in self.restore_at:
                try:
                    self.sites[number].database.copy()
                except (AssertionError, Away, OSError) as error:
                    self.say(f"no copy now: {error}")
                    return
                self.copies.pop(0)
                self.restore_at[number] = now + self.dice.uniform(*RESTORE_AFTER) * self.slowness
                self.say(f"copied the database of site {number}")
        for number, due in list(self.restore_at.items()):
            if now >= due:
                self._restore(self.sites[number])

    def _restore(self, site: Site) -> None:
        self._wait(lambda: self._server_there(site), 120, "no database to restore into")
        lost = site.restore()
        del self.restore_at[site.number]
        self.attempts_lost += lost
        site.person.unnoticed += bool(lost)
        self.victims.counts["restored"] += 1
        self.say(f"restored site {site.number}: {lost} attempts, {len(site.lost)} jobs are lost")

    def _server_there(self, site: Site) -> bool:
        try:
            return site.database.latest_attempt() >= 0
        except Away:
            return False

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def calm(self) -> None:
        """No more kills, no more faults; what is dead comes back, what sleeps goes on."""
        self.say("calm")
        self.victims.wake(everybody=True)
        self.provider.stormy = False
        self._wait(self._all_ready, 600, "not everything came back")
        self.provider.calm()

    def _finish(self) -> None:
        """All is ordered, everything has ended, and people have nothing left to do."""
        for site in self.sites:
            wait_until_quiet(site.clicker, self._left, self.mind)
        self._wait(self._all_ordered, self._left, "not everything was ordered")
        self._wait(self._noticed, self._left, "a restore was not noticed")
        for _ in range(2):  # what a person adopts has to end, too
            self._wait(self._over, self._left, "not everything ended")
            self._wait(self._nobody_is_busy, 120, "a person takes too long")
            for site in self.sites:
                site.person.decide()
            self._wait(self._nobody_is_busy, 120, "a person takes too long")
        self._wait(self._over, self._left, "not everything ended")

    @property
    def _left(self) -> float:
        """Seconds that the storm may still take."""
        return max(60.0, self.end - time.monotonic())

    def _all_ordered(self) -> bool:
        return all(site.all_ordered for site in self.sites)

    def _nobody_is_busy(self) -> bool:
        return not any(site.person.busy for site in self.sites)

    def _noticed(self) -> bool:
        return not any(site.person.unnoticed for site in self.sites)

    def _over(self) -> bool:
        """Every job has ended. Asked at most once a second."""
        time.sleep(0.9)
        stands = [site.database.stand() for site in self.sites]
        self.stand = sum((Counter(stand) for stand in stands), Counter())
        return all(stands) and self._ended == sum(self.stand.values())


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
        storm.up()
        storm.say("up")
        return figures_of(storm, storm.blow())
    finally:
        storm.down()


def main() -> int:
    plan = plans.from_environment()
    kept = os.environ.get("KEEP", "")
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
