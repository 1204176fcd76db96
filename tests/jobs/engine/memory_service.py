"""A Model Studio in memory for the state machine: it keeps tasks as the real one does, breaks
answers as a test says, and sets the clock of everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from jobs.common.states import State
from jobs.models import Account, Job
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    Rejected,
    RetryLater,
    Submitted,
    Task,
    TaskLine,
    TaskPage,
)

SECONDS = 3.93
MICROS = 45_073  # of SECONDS at the list price, rounded half up
OVER = ("SUCCEEDED", "FAILED", "CANCELED")


class Killed(BaseException):
    """kill -9: nothing runs any more, not even what stands in a `finally`."""


@dataclass
class Made:
    """A task at the service. `account` is the Alibaba account's number, `visible` when the list
    shows it."""

    task_id: str
    account: int
    model: str
    created: datetime
    visible: datetime
    status: str = "PENDING"
    code: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    result: bool = True

    @property
    def could_be_paid(self) -> bool:
        return self.status not in ("FAILED", "CANCELED")


@dataclass(frozen=True)
class Post:
    """A submit that reached the service; `task_id` is "" when it made no task."""

    job: int
    attempt: int
    task_id: str


def error_of(word: str, account: Account) -> Exception | None:
    """The answer that a word of the script stands for; None for a good one."""
    made: dict[str, Callable[[], Exception]] = {
        "429": lambda: RetryLater(
            "Throttling.RateQuota", "Requests rate limit exceeded", status=429
        ),
        "429-after": lambda: RetryLater(
            "Throttling.RateQuota", "Requests rate limit exceeded", status=429, retry_after=7.0
        ),
        "500": lambda: NoAnswer("InternalError", "An internal error", status=500),
        "html": lambda: NoAnswer("NotJson", "HTTP 502 with a page", status=502),
        "cut-before": lambda: NoAnswer("ConnectionCut", "the connection broke"),
        "incomplete": lambda: NoAnswer(
            "BadAnswer", "the list of tasks changed each time while it was read"
        ),
        "not-sent": lambda: NotSent("ConnectionFailed", "connection refused"),
        "unreachable": lambda: MediaUnreachable(
            "InvalidURL.Timeout", "Download timed out", status=400
        ),
        "arrears": lambda: AccountTrouble(
            "Arrearage", "Access denied", status=400, reason="arrears"
        ),
        "quota": lambda: AccountTrouble(
            "AllocationQuota.FreeTierOnly", "Exhausted", status=403, reason="quota"
        ),
        "gone": lambda: ModelGone("ModelNotFound", "Model can not be found.", status=404),
        "rejected": lambda: Rejected("InvalidParameter", "The style_level is invalid.", status=400),
    }
    if word == "key":
        trouble = AccountTrouble(
            "InvalidApiKey", "Invalid API-key provided.", status=401, reason="key"
        )
        trouble.key_id = account.key.pk if account.key else None
        return trouble
    return made[word]() if word in made else None


class MemoryService:
    """The service and the time. `submits`, `gets`, `lists` and `cancels` are words for the next
    calls; afterwards all is well."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.skew = self.lag = timedelta(0)
        self.tasks: dict[str, Made] = {}
        self.posts: list[Post] = []
        self.submits: list[str] = []
        self.gets: list[str] = []
        self.lists: list[str] = []
        self.cancels: list[str] = []
        self.depth = 0
        self.dead = False
        self.aside = False
        self.statements_left: int | None = None
        self.numbers = itertools.count(1)
        self.strangers: set[str] = set()

    def stop_faults(self) -> None:
        """The next process finds good weather, and lives."""
        self.submits, self.gets, self.lists, self.cancels = [], [], [], []
        self.statements_left, self.dead = None, False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put this service and this time where the engine looks for them."""
        patch.setattr("django.utils.timezone.now", lambda: self.now)
        patch.setattr("time.monotonic", lambda: self.now.timestamp())
        patch.setattr("jobs.engine.transitions.datetime", _clock(self))
        for module in (
            "engine.transitions",
            "engine.submit",
            "engine.uncertain",
            "engine.poll",
            "engine.task_list",
            "orders.adopt",
        ):
            patch.setattr(f"jobs.{module}.client_for", lambda account: Line(self, account))
        patch.setattr(
            "jobs.accounts.clients.every", lambda account: [(account.key, Line(self, account))]
        )
        patch.setattr("jobs.accounts.clients.client_for", lambda account: Line(self, account))
        patch.setattr(
            "jobs.accounts.clients.sent_with", lambda attempt: Line(self, attempt.job.account)
        )
        patch.setattr("studio.common.clock.ahead", lambda host: timedelta(0))
        patch.setattr("jobs.accounts.rate_limit.take", lambda *args, **more: True)
        patch.setattr("jobs.common.wakeup.wake_dispatcher_after_commit", lambda: None)
        patch.setattr(
            "jobs.engine.media_urls.address",
            lambda asset, account, model: f"https://files.example.com/{asset.sha256}",
        )
        patch.setattr("jobs.accounts.mail.notify", lambda *args, **more: None)

    # ── death ─────────────────────────────────────────────────────────────────────────────────────

    def die(self) -> None:
        self.dead = True
        raise Killed

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Before each statement of the engine: the process may die here, and a dead one says
        nothing more to the database but what the database does by itself, which is to roll back."""
        if self.aside or (
            sql.startswith(("ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT", "SAVEPOINT"))
            and self.dead
        ):
            return execute(sql, params, many, context)
        if self.dead:
            raise Killed
        if self.statements_left is not None:
            self.statements_left -= 1
            if self.statements_left <= 0:
                self.die()
        return execute(sql, params, many, context)

    # ── the service ───────────────────────────────────────────────────────────────────────────────

    def strange_task(self, account: int, model: str) -> None:
        """Somebody else of the same Alibaba account makes a task, with a script or in the
        console."""
        task_id = f"stranger-{next(self.numbers):06d}"
        self.tasks[task_id] = Made(task_id, account, model, self.now + self.skew, self.now)
        self.strangers.add(task_id)

    def work(self, fails: str) -> None:
        """Each lane of the service does one step of its oldest task; one that ends fails with the
        code `fails`, or ends well."""
        heads: dict[tuple[int, str], Made] = {}
        for task in self.tasks.values():
            if task.status not in OVER:
                heads.setdefault((task.account, task.model), task)
        for task in heads.values():
            if task.status == "PENDING":
                task.status, task.began = "RUNNING", self.now + self.skew
            else:
                task.status, task.code, task.ended = (
                    ("FAILED", fails, self.now + self.skew)
                    if fails
                    else ("SUCCEEDED", "", self.now + self.skew)
                )

    def cancel_any(self) -> None:
        for task in self.tasks.values():
            if task.status == "PENDING":
                task.status, task.ended = "CANCELED", self.now + self.skew
                return

    def answer(self, task_id: str) -> Task:
        """What the service says of a task when it speaks."""
        task = self.tasks.get(task_id)
        if task is None:
            return _task(task_id, "UNKNOWN")
        output: dict[str, Any] = {}
        usage: dict[str, Any] = {}
        if task.status == "SUCCEEDED":
            usage = {"video_duration": SECONDS, "video_ratio": "1:1"}
            if task.result:
                output = {
                    "results": {
                        "video_url": f"https://results.example.com/{task_id}.mp4?Signature=x"
                    }
                }
        return _task(
            task_id,
            task.status,
            output,
            usage,
            code=task.code,
            message=task.code,
            scheduled_time=task.began,
            end_time=task.ended,
        )

    def bill_of(self, job: Job) -> int:
        """Micros that the service bills for the task that `job` follows."""
        task = self.tasks.get(job.task_id)
        return MICROS if task is not None and task.status == "SUCCEEDED" else 0

    def truth(self, job: Job) -> str:
        """The task that the present attempt of `job` made; "" when it made none."""
        return next(
            (
                post.task_id
                for post in self.posts
                if (post.job, post.attempt) == (job.pk, job.attempt)
            ),
            "",
        )


def _task(task_id: str, status: str, output: Any = None, usage: Any = None, **more: Any) -> Task:
    values: dict[str, Any] = {
        "code": "",
        "message": "",
        "request_id": "request-g",
        "submit_time": None,
        "scheduled_time": None,
        "end_time": None,
    }
    return Task(
        task_id=task_id, status=status, output=output or {}, usage=usage or {}, **{**values, **more}
    )


def _clock(service: MemoryService) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return service.now

    return Clock


class Line:
    """The client of one account row."""

    def __init__(self, service: MemoryService, account: Account) -> None:
        self.service, self.account, self.root = service, account, account.root_id
        key = account.key
        self.key_id = key.pk if key is not None else None
        self.base_url, self.workspace = "http://service.test/api/v1", ""
        self.host = "service.test"

    def _out(self, words: list[str]) -> str:
        assert len(connection.atomic_blocks) <= self.service.depth, (
            "a call out from within a transaction"
        )
        word = words.pop(0) if words else "well"
        error = error_of(word, self.account)
        if error is not None:
            raise error
        return word

    def submit(self, model: Any, body: dict[str, Any], still_timely: Any = None) -> Submitted:
        service = self.service
        service.aside = True
        # Before anything leaves the house its intent stands in the database: exactly one job of
        # this account is being sent.
        (job,) = Job.objects.filter(
            account=self.account, model=body["model"], state=State.SUBMITTING
        )
        service.aside = False
        word = service.submits[0] if service.submits else "well"
        if word == "die-before":
            service.die()
        try:
            word = self._out(service.submits)
        except Exception:
            service.posts.append(Post(job.pk, job.attempt, ""))
            raise
        task_id = f"task-{next(service.numbers):06d}"
        service.tasks[task_id] = Made(
            task_id, self.root, body["model"], service.now + service.skew, service.now + service.lag
        )
        service.posts.append(Post(job.pk, job.attempt, task_id))
        if word == "die-after":
            service.die()
        if word.startswith("accept-"):
            raise NoAnswer("ConnectionCut", word)
        return Submitted(task_id, "PENDING", f"request-{task_id}")

    def get(self, task_id: str) -> Task:
        word = self._out(self.service.gets)
        if word == "strange":
            return _task(task_id, "SUSPENDED")
        task = self.service.tasks.get(task_id)
        if word == "unknown" or task is None or task.account != self.root:
            return _task(task_id, "UNKNOWN")
        if word == "no-result":
            task.result = False
        return self.service.answer(task_id)

    def _lines(self) -> list[Made]:
        return [
            task
            for task in self.service.tasks.values()
            if task.account == self.root and task.visible <= self.service.now
        ]

    def tasks(self, model_name: str, since: datetime) -> list[TaskLine]:
        self._out(self.service.lists)
        return [
            _line(task)
            for task in self._lines()
            if model_name in ("", task.model) and task.created >= since
        ]

    def page(
        self, model_name: str = "", status: str = "", page_no: int = 1, page_size: int = 50
    ) -> TaskPage:
        self._out(self.service.lists)
        found = [
            _line(task)
            for task in self._lines()
            if model_name in ("", task.model) and status in ("", task.status)
        ]
        return TaskPage(len(found), tuple(found), 1, 1)

    def probe(self) -> None:
        self._out([])

    def cancel(self, task_id: str) -> bool:
        word = self._out(self.service.cancels)
        task = self.service.tasks.get(task_id)
        if word == "too-late" or task is None or task.status != "PENDING":
            return False
        task.status, task.ended = "CANCELED", self.service.now + self.service.skew
        return True


def _line(task: Made) -> TaskLine:
    return TaskLine(
        task.task_id,
        task.status,
        task.model,
        f"request-{task.task_id}",
        task.created,
        task.ended,
        task.code,
    )
