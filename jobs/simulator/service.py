"""The stand-in of Model Studio: start it, call it over HTTP, look at its bill. The service
that it stands in for: docs/contract.md.

Any key that looks like one works (`sk-…`, `st-…`) and is its own account unless `keys` says
otherwise. Keys for trying things: `sk-refused…` and `sk-sp-…` answer 401 InvalidApiKey,
`sk-arrears…` 400 Arrearage, `sk-quota…` 403 AllocationQuota.FreeTierOnly (the last two on submits
and checks only). Beside the contract it answers, for tests that run it as another process: `GET
/simulator/bill`, `GET /simulator/tasks`, `GET /simulator/calls`, `GET /simulator/faults` (how often
each struck), and, with their arguments as JSON, `POST /simulator/arm`, `POST
/simulator/random_faults` and `POST /simulator/disarm`.
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
from jobs.simulator.api import Api
from jobs.simulator.database import BillLine, Database, Task
from jobs.simulator.faults import Faults
from jobs.simulator.rate_limit import RateLimit
from jobs.simulator.request import BASE, Request
from jobs.simulator.server import CallRecord, Server
from jobs.simulator.storage import Storage
from jobs.simulator.task_runner import Clock, TaskRunner

SHOWN_OF_TASK = (
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
REFUSALS = ("200", "200-empty", "400", "alternate")


class Simulator:
    """The service on loopback. With a `data_dir` everything survives a kill -9 and goes on after
    the next start; without, it is forgotten.

    `speed` is how many seconds of contract time pass in one (work, queue waits and rate windows;
    `rate_speed` sets the windows apart); `life_speed` the same for the 3 h kill and the 24 h life.
    `work_per_second` is seconds of work per second of video. `refusal` is how a refused picture is
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
        self.database = Database(self.data_dir / "simulator.sqlite3")
        self.faults = Faults()
        self.runner = TaskRunner(self.database, self.data_dir, self.clock)
        self.storage = Storage(self.database, self.data_dir, self.clock.life_ms)
        api = Api(
            self.database,
            self.storage,
            self.runner,
            self.clock,
            keys=dict(keys or {}),
            refusal=refusal,
            gone=frozenset(gone),
            rate_limit=RateLimit(1.0 / (rate_speed or speed)),
        )
        try:
            self._server = Server((host, port), api, self.database, self.faults, self._control)
        except OSError:
            self.database.close()
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
        self.runner.start()
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
            self.runner.stop()
        self.database.close()
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

    # ── what happened ──

    @property
    def tasks(self) -> list[Task]:
        """Every task ever created, oldest first."""
        return self.database.tasks()

    def bill(self) -> list[BillLine]:
        """What was billed, oldest first: (account, task or request id, model, units, variant, price
        in millionths of a US dollar)."""
        return self.database.bill()

    def total_micros(self, account: str) -> int:
        """All that `account` was billed, in millionths of a US dollar."""
        return sum(line.price for line in self.bill() if line.account == account)

    @property
    def calls(self) -> list[CallRecord]:
        """Every request since the start, oldest first; one that got no answer has status 0."""
        return list(self._server.calls)

    def count(self, endpoint: str) -> int:
        """How many requests came to an endpoint: submit, detect, get, list, cancel, policy, upload
        or result."""
        return sum(call.endpoint == endpoint for call in self.calls)

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
        video, the next one the right address), bad-result[:the same] (this task never names the
        right one).
        """
        self.faults.arm(
            fault, times=times, where=where, model=model, seconds=seconds, length=length
        )

    def random_faults(
        self, seed: int, rate: float, faults: Sequence[str | Mapping[str, Any]]
    ) -> None:
        """Let every call draw a fault from now on: with probability `rate` one of those named for
        its endpoint.

        A fault is a word like `500@get`, or the arguments of `arm`, perhaps with its own `rate`.
        The draw depends on `seed`, the endpoint and how many calls came there before. Tasks and
        bill stay exact. Raises ValueError.
        """
        self.faults.random_faults(seed, rate, faults)

    def disarm(self) -> None:
        """No armed and no random faults from now on."""
        self.faults.disarm()

    def _control(self, request: Request) -> Reply | None:
        """The addresses beside the contract; None for every other."""
        name = request.path.removeprefix("/simulator/")
        if name == request.path:
            return None
        shown: dict[str, Callable[[], Any]] = {
            "bill": lambda: [[*line[:3], str(line.units), *line[4:]] for line in self.bill()],
            "tasks": lambda: [
                {field: getattr(task, field) for field in SHOWN_OF_TASK} for task in self.tasks
            ],
            "calls": lambda: [
                [call.at, call.method, call.endpoint, call.model, call.status]
                for call in self.calls
            ],
            "faults": self.faults.injected,
        }
        if name in shown:
            return json_reply({name: shown[name]()})
        orders: dict[str, Callable[..., None]] = {
            "arm": self.arm,
            "random_faults": self.random_faults,
            "disarm": self.disarm,
        }
        if name not in orders or request.method != "POST":
            return None
        try:
            orders[name](**json.loads(request.body or b"{}"))
        except (ValueError, TypeError) as error:
            raise Refusal(400, "InvalidParameter", str(error)) from None
        return json_reply({})
