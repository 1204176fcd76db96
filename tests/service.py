"""A scripted Model Studio for the engine's tests: says exactly what a test tells it, and counts
what was asked of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from jobs.accounts import rate_limit
from jobs.catalogue import entries
from jobs.models import Account, Attempt
from jobs.modelstudio import Submitted, Task, TaskLine, TaskPage, Verdict

_ids = itertools.count(1)


class Service:
    """`submits`, `gets`, `lists`, `detects`, `cancels` are queues of answers: a value is returned,
    an exception raised.

    When a queue is empty the service behaves: it accepts, lists what it has and says PENDING.
    """

    key_id: int | None = None
    base_url = "http://service.test/api/v1"
    host = "service.test"
    workspace = ""

    def __init__(self) -> None:
        self.depth = 0
        self.submits: list[Any] = []
        self.gets: list[Any] = []
        self.lists: list[Any] = []
        self.detects: list[Any] = []
        self.cancels: list[Any] = []
        self.pages: list[Any] = []
        self.probes: list[Any] = []
        self.tasks_made: list[TaskLine] = []
        self.asked: list[tuple[str, Any]] = []
        self.paces: list[
            tuple[int, str]
        ] = []  # of which Alibaba account a place was taken for what

    def made(self, model: str = "emo-v1", *, at: datetime | None = None) -> TaskLine:
        """A task that exists at the service."""
        number = next(_ids)
        line = TaskLine(
            f"task-{number:06d}",
            "PENDING",
            model,
            f"request-{number}",
            at or timezone.now(),
            None,
            "",
        )
        self.tasks_made.append(line)
        return line

    def _next(self, queue: list[Any], otherwise: Any) -> Any:
        assert len(connection.atomic_blocks) <= self.depth, "a call out from within a transaction"
        answer = queue.pop(0) if queue else otherwise
        answer = answer() if callable(answer) and not isinstance(answer, type) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def submit(self, model: Any, body: dict[str, Any], still_timely: Any = None) -> Submitted:
        assert isinstance(model, entries.Model)
        if still_timely is not None:
            still_timely()  # as the wire asks before each byte
        self.asked.append(("submit", body))
        if self.submits:
            submitted: Submitted = self._next(self.submits, None)
            return submitted
        self._next([], None)
        line = self.made(body["model"])
        return Submitted(line.task_id, "PENDING", line.request_id)

    def get(self, task_id: str) -> Task:
        assert isinstance(task_id, str)
        self.asked.append(("get", task_id))
        answer: Task = self._next(self.gets, task(task_id, "PENDING"))
        return answer

    def tasks(self, model_name: str, since: datetime) -> list[TaskLine]:
        self.asked.append(("list", model_name))
        lines: list[TaskLine] = self._next(
            self.lists or self.pages,
            [
                line
                for line in self.tasks_made
                if model_name in ("", line.model_name) and line.created_at >= since
            ],
        )
        return lines

    def page(
        self, model_name: str = "", status: str = "", page_no: int = 1, page_size: int = 50
    ) -> TaskPage:
        self.asked.append(("page", status))
        lines = [
            line
            for line in self.tasks_made
            if model_name in ("", line.model_name) and status in ("", line.status)
        ]
        lines = self._next(self.pages, lines)
        return TaskPage(len(lines), tuple(lines), 1, 1)

    def probe(self) -> None:
        self.asked.append(("probe", ""))
        self._next(self.probes, None)

    def detect(self, model: Any, body: dict[str, Any]) -> Verdict:
        assert isinstance(model, entries.Model)
        self.asked.append(("detect", body))
        facts = {"face_bbox": [1, 2, 3, 4], "ext_bbox": [0, 0, 10, 10], "humanoid": True}
        verdict: Verdict = self._next(
            self.detects, Verdict(True, facts, "", "", Decimal(1), "request-d")
        )
        return verdict

    def cancel(self, task_id: str) -> bool:
        assert isinstance(task_id, str)
        self.asked.append(("cancel", task_id))
        canceled: bool = self._next(self.cancels, True)
        return canceled

    def count(self, what: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == what)

    def of(self, account: Account) -> Service:
        """In the place of `client_for`."""
        assert isinstance(account, Account)
        return self

    def as_sent(self, attempt: Attempt) -> Service:
        """In the place of `sent_with`."""
        assert isinstance(attempt, Attempt)
        return self

    def take(
        self,
        account_id: int,
        kind: str,
        *,
        model: str = "",
        rate: int | None = None,
        patience: float = 10.0,
    ) -> bool:
        """In the place of `rate_limit.take`: there is always room, for what it knows."""
        assert isinstance(account_id, int)
        assert kind in rate_limit.PER_SECOND or (kind == "submit" and model and rate)
        self.paces.append((account_id, kind))
        return True


def task(
    task_id: str,
    status: str,
    output: dict[str, Any] | None = None,
    usage: dict[str, Any] | None = None,
    **more: Any,
) -> Task:
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


def done(
    task_id: str,
    seconds: float = 3.93,
    url: str = "http://127.0.0.1:9/video.mp4",
    ratio: str = "1:1",
) -> Task:
    now = timezone.now()
    return task(
        task_id,
        "SUCCEEDED",
        {"results": {"video_url": url}, "video_url": url},
        {"video_duration": seconds, "video_ratio": ratio},
        scheduled_time=now - timedelta(seconds=30),
        end_time=now,
    )


def template_done(task_id: str, template_id: str = "AACT.1", seconds: float = 10.23) -> Task:
    return task(
        task_id,
        "SUCCEEDED",
        {"template_id": template_id},
        {"video_duration": seconds, "video_ratio": "standard"},
    )


def uses(monkeypatch: Any, service: Service) -> Iterator[Service]:
    """Put `service` where the engine looks for its client. It notices when it is called inside a
    transaction of the engine's."""
    service.depth = len(connection.atomic_blocks)
    monkeypatch.setattr(
        "jobs.accounts.clients.every",
        lambda account: [(account.key, service)] if account.key else [],
    )
    for module in (
        "engine.transitions",
        "engine.submit",
        "engine.uncertain",
        "engine.poll",
        "engine.detect",
        "engine.media_urls",
        "engine.task_list",
        "orders.adopt",
    ):
        monkeypatch.setattr(f"jobs.{module}.client_for", service.of)
    monkeypatch.setattr("jobs.accounts.clients.client_for", service.of)
    monkeypatch.setattr("jobs.accounts.clients.sent_with", service.as_sent)
    monkeypatch.setattr("studio.common.clock.ahead", lambda host: timedelta(0))
    monkeypatch.setattr("jobs.accounts.rate_limit.take", service.take)
    monkeypatch.setattr(
        "jobs.engine.media_urls.address",
        lambda asset, account, model: f"https://files.example.com/{asset.sha256}.{asset.extension}",
    )
    yield service
