"""The stand-in of Model Studio: start it, call it over HTTP, look at its bill. The service
that it stands in for: docs/contract.md.

Any key that looks like one works (`sk-…`, `st-…`) and is its own account unless `keys` says
otherwise. Keys for trying things: `sk-refused…` and `sk-sp-…` answer 401 InvalidApiKey,
`sk-arrears…` 400 Arrearage, `sk-quota…` 403 AllocationQuota.FreeTierOnly (the last two on submits
and checks only). Beside the contract it answers, for tests that run it as another process: `GET
/simulator/bill`, `GET /simulator/tasks`, `GET /simulator/calls`, `GET /simulator/faults` (how often
each struck), and, with their arguments as JSON, `POST /simulator/arm`, `POST /simulator/storm` and
`POST /simulator/calm`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from jobs.simulator.answers import Refusal, Reply, json_reply
from jobs.simulator.api import BASE, Counter, Request
from jobs.simulator.database import BillLine, Store, Task
from jobs.simulator.faults import Faults
from jobs.simulator.rate_limit import Pace
from jobs.simulator.server import Call, Server
from jobs.simulator.storage import Storage
from jobs.simulator.task_runner import Clock, Works

REFUSALS = ("200", "200-empty", "400", "alternate")


class Simulator:
    """The service on loopback. With a `data_dir` everything survives a kill -9 and goes on after
    the next start; without, it is forgotten.

    `speed` is how many seconds of contract time pass in one (work, queue waits and rate windows;
    `rate_speed` sets the windows apart); `life_speed` the same for the 3 h kill and the 24 h life.
    `work_per_second` is seconds of work per second of film. `refusal` is how a refused picture is
    answered: "200" with a verdict, "200-empty" with empty words, "400", or "alternate". `gone`
    names models that answer 404 ModelNotFound, as a retired model may.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        data_dir: Path | None = None,
        work_per_second: float = 8.5,
        keys: Mapping[str, str] | None = None,
        refusal: str = "200",
        life_speed: float = 1.0,
        rate_speed: float | None = None,
        gone: tuple[str, ...] = (),
    ) -> None:
        if speed <= 0 or life_speed <= 0:
            raise ValueError("speed and life_speed must be greater than 0")
        if refusal not in REFUSALS:
            raise ValueError(f"refusal must be one of {', '.join(REFUSALS)}")
        self.host, self.port = host, port
        self._own_folder = data_dir is None
        self.data_dir = (
            Path(tempfile.mkdtemp(prefix="simulator-")) if data_dir is None else Path(data_dir)
        )
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.clock = Clock(speed, life_speed, work_per_second)
        self.store = Store(self.data_dir / "simulator.sqlite3")
        self.faults = Faults()
        self.works = Works(self.store, self.data_dir, self.clock)
        self.storage = Storage(self.store, self.data_dir, self.clock.life_ms)
        counter = Counter(
            self.store,
            self.storage,
            self.works,
            self.clock,
            keys=dict(keys or {}),
            refusal=refusal,
            gone=frozenset(gone),
            pace=Pace(1.0 / (rate_speed or speed)),
        )
        try:
            self._server = Server((host, port), counter, self.store, self.faults, self._control)
        except OSError:
            self.store.close()
            if self._own_folder:
                shutil.rmtree(self.data_dir, ignore_errors=True)
            raise
        self.port = self._server.server_port
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def url(self) -> str:
        """What to set as the service's base address."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0") else self.host
        return f"http://{host}:{self.port}{BASE}"

    def start(self) -> None:
        """Serve from threads of this process. What was running before goes on."""
        self.works.start()
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="simulator-http",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Hang up, stop working, close the file; a folder of our own is removed. May be called
        twice."""
        if self._stopped:
            return
        self._stopped = True
        if self._thread is not None:
            self._server.shutdown()
        self._server.close_all()
        self._server.server_close()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self.works.stop()
        self.store.close()
        if self._own_folder:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # ── looking in ──

    @property
    def tasks(self) -> list[Task]:
        """Every task ever created, oldest first."""
        return self.store.tasks()

    def bill(self) -> list[BillLine]:
        """What was billed, oldest first: (account, task or request id, model, units, variant, price
        in millionths of a US dollar)."""
        return self.store.bill()

    def total_micros(self, account: str) -> int:
        """All that `account` was billed, in millionths of a US dollar."""
        return sum(line.price for line in self.bill() if line.account == account)

    @property
    def calls(self) -> list[Call]:
        """Every request since the start, oldest first; one that got no answer has status 0."""
        return list(self._server.calls)

    def count(self, place: str) -> int:
        """How many requests came to a place: submit, detect, get, list, cancel, policy, upload or
        result."""
        return sum(call.place == place for call in self.calls)

    def arm(
        self,
        fault: str,
        *,
        times: int = 1,
        where: str = "",
        model: str | None = None,
        seconds: float | None = None,
        length: str = "right",
    ) -> None:
        """Break the next `times` calls at `where` (default: submit) about `model` (default: any).

        Faults: cut-before, cut-after, 429 (`seconds`: with this Retry-After), 429-burst:<calls>,
        500, 500-after, 503 and html (a gateway's page), slow (`seconds`), garbled, reset (in the
        middle of the answer), result-404, truncated-result (`length`: "right" hangs up half way,
        "wrong" announces only the half), unknown-status[:word], task-fails:<code>,
        wrong-result-url[:page|missing|private|redirect] (one answer names an address without a
        film, the next one the right address), bad-result[:the same] (this task never names the
        right one).
        """
        self.faults.arm(
            fault, times=times, where=where, model=model, seconds=seconds, length=length
        )

    def storm(self, seed: int, rate: float, faults: Sequence[str | Mapping[str, Any]]) -> None:
        """Let every call draw a fault from now on: with probability `rate` one of those named for
        its place.

        A fault is a word like `500@get`, or the arguments of `arm`, perhaps with its own `rate`.
        The draw depends on `seed`, the place and how many calls came there before. Tasks and bill
        stay exact. Raises ValueError.
        """
        self.faults.storm(seed, rate, faults)

    def calm(self) -> None:
        """End the storm and disarm everything."""
        self.faults.clear()

    def _control(self, request: Request) -> Reply | None:
        """The addresses beside the contract; None for every other."""
        what = (
            request.path.removeprefix("/simulator/")
            if request.path.startswith("/simulator/")
            else ""
        )
        if what == "bill":
            return json_reply(
                {
                    "bill": [
                        [*line[:3], str(line.units), line.variant, line.price]
                        for line in self.bill()
                    ]
                }
            )
        if what == "tasks":
            fields = (
                "task_id",
                "request_id",
                "account",
                "model",
                "status",
                "created_ms",
                "scheduled_ms",
                "end_ms",
                "code",
                "message",
                "usage",
            )
            return json_reply(
                {"tasks": [{name: getattr(task, name) for name in fields} for task in self.tasks]}
            )
        if what == "calls":
            return json_reply(
                {
                    "calls": [
                        [call.at, call.method, call.place, call.model, call.status]
                        for call in self.calls
                    ]
                }
            )
        if what == "faults":
            return json_reply({"faults": self.faults.injected()})
        if what in ("arm", "storm", "calm") and request.method == "POST":
            orders: dict[str, Callable[..., None]] = {
                "arm": self.arm,
                "storm": self.storm,
                "calm": self.calm,
            }
            try:
                orders[what](**json.loads(request.body or b"{}"))
            except (ValueError, TypeError) as error:
                raise Refusal(400, "InvalidParameter", str(error)) from None
            return json_reply({})
        return None
