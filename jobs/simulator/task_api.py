"""The answers about tasks: one task, the list of the last days, canceling (CONTRACT §7, §8)."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from jobs.catalogue.entries import MODELS, Kind
from jobs.simulator.answers import Refusal, Reply, json_reply, new_id
from jobs.simulator.database import Database, Task, now_ms
from jobs.simulator.faults import Draw
from jobs.simulator.request import BASE, Request
from jobs.simulator.storage import Storage
from jobs.simulator.task_runner import Clock, TaskRunner

CHINA = timezone(timedelta(hours=8))
LARGEST_PAGE = 100
DAY_MS = 24 * 3_600_000
STATUSES = (
    "PENDING",
    "PRE-PROCESSING",
    "RUNNING",
    "POST-PROCESSING",
    "SUCCEEDED",
    "FAILED",
    "CANCELED",
    "UNKNOWN",
)


class TaskApi:
    """Answers about the tasks of one account; those of others do not exist for it."""

    def __init__(
        self, database: Database, storage: Storage, runner: TaskRunner, clock: Clock
    ) -> None:
        self.database, self.storage, self.runner, self.clock = database, storage, runner, clock
        # Tasks whose result never has a right address, and how it is wrong.
        self._spoiled: dict[str, str] = {}

    def _task_of(self, task_id: str, account: str) -> Task | None:
        """A living task of this account."""
        task = self.database.task(task_id)
        if task is None or task.account != account:
            return None
        return (
            None
            if task.end_ms is not None and now_ms() - task.end_ms > self.clock.life_ms
            else task
        )

    def get(self, request: Request, account: str, draw: Draw) -> Reply:
        task_id = unquote(request.path.removeprefix(BASE + "/tasks/").rstrip("/"))
        task = self._task_of(task_id, account)
        if task is None:
            return json_reply(
                {"request_id": new_id(), "output": {"task_id": task_id, "task_status": "UNKNOWN"}}
            )
        model = MODELS[task.model]
        output: dict[str, Any] = {"task_id": task_id, "task_status": task.status}
        strange = draw.take("unknown-status")
        if strange is not None:
            output["task_status"] = strange.code or "SUSPENDED"
            return json_reply({"request_id": new_id(), "output": output})
        # The families that nest their result are those whose samples show times.
        if len(model.result) > 1:
            output |= _times(task)
        answer: dict[str, Any] = {"request_id": new_id(), "output": output}
        if task.status == "FAILED":
            output |= {"code": task.code, "message": task.message}
        if task.status == "SUCCEEDED":
            result = task.result
            if model.kind is not Kind.TEMPLATE:
                result = self._wrong_address(task_id, draw, request.host) or self.storage.address(
                    task, request.host
                )
            inner = output
            for step in model.result[:-1]:
                inner = inner.setdefault(step, {})
            inner[model.result[-1]] = result
            answer["usage"] = task.usage
        return json_reply(answer)

    def _wrong_address(self, task_id: str, draw: Draw, host: str) -> str:
        """An address where there is no video, when one was ordered: once, or for good (bad-result);
        else ""."""
        bad = draw.take("bad-result")
        if bad is not None:
            self._spoiled[task_id] = bad.code
        once = draw.take("wrong-result-url") if task_id not in self._spoiled else None
        mode = once.code if once else self._spoiled.get(task_id, "")
        return {
            "page": f"http://{host}/results/elsewhere/page",
            "missing": f"http://{host}/results/{'0' * 32}.mp4?Expires=9999999999&Signature=none",
            "private": "http://127.0.0.1:9/video.mp4",
            "redirect": f"http://{host}/results/elsewhere/moved",
        }.get(mode, "")

    def cancel(self, request: Request, account: str) -> Reply:
        match = re.fullmatch(BASE + r"/tasks/([^/]+)/cancel/?", request.path)
        if match is None:
            raise Refusal(404, "NotFound", "Not found.")
        task = self._task_of(unquote(match[1]), account)
        if task is None or not self.database.cancel(task.task_id):
            raise Refusal(400, "UnsupportedOperation")
        self.runner.wake()
        return json_reply({"request_id": new_id()})

    def list(self, request: Request, account: str) -> Reply:
        page = _whole(request.parameter("page_no", "1"), "page_no")
        size = min(LARGEST_PAGE, _whole(request.parameter("page_size", "10"), "page_size"))
        first, last = _window(request.parameter("start_time"), request.parameter("end_time"))
        where = (
            "account = ? and created_ms >= ? and created_ms < ? and (end_ms is null or end_ms >= ?)"
        )
        values: list[Any] = [account, first, last, now_ms() - self.clock.life_ms]
        for name, column in (("task_id", "task_id"), ("model_name", "model"), ("status", "status")):
            if wanted := request.parameter(name):
                if name == "status" and wanted not in STATUSES:
                    raise Refusal(400, "InvalidParameter", "status is invalid.")
                where += f" and {column} = ?"
                values.append(wanted)
        total = self.database.count(where, values)
        found = self.database.tasks(
            where,
            [*values, size, (page - 1) * size],
            order="created_ms desc, seq desc limit ? offset ?",
        )
        return json_reply(
            {
                "total": total,
                "data": [_row(task) for task in found],
                "total_page": math.ceil(total / size),
                "page_no": page,
                "request_id": new_id(),
                "page_size": size,
            }
        )


def _times(task: Task) -> dict[str, str]:
    """When the task was submitted, scheduled and ended, as far as it came, in the service's own
    time zone."""
    moments = {
        "submit_time": task.created_ms,
        "scheduled_time": task.scheduled_ms,
        "end_time": task.end_ms,
    }
    return {
        name: datetime.fromtimestamp(ms / 1000, CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for name, ms in moments.items()
        if ms is not None
    }


def _row(task: Task) -> dict[str, Any]:
    """One line of the batch list: no result, no usage, no error (CONTRACT §8.2)."""
    number = str(int(hashlib.sha256(task.account.encode()).hexdigest()[:12], 16))
    row: dict[str, Any] = {
        "api_key_id": str(int(hashlib.sha256(task.api_key.encode()).hexdigest()[:6], 16)),
        "caller_parent_id": number,
        "caller_uid": number,
        "gmt_create": task.created_ms,
        "model_name": task.model,
        "region": "cn-beijing",
        "request_id": task.request_id,
        "status": task.status,
        "task_id": task.task_id,
        "user_api_unique_key": "apikey:v1:"
        + ":".join(MODELS[task.model].path.strip("/").split("/")[1:])
        + f":{task.model}",
    }
    if task.scheduled_ms is not None:
        row["start_time"] = task.scheduled_ms
    if task.end_ms is not None:
        row["end_time"] = task.end_ms
    return row


def _whole(text: str, name: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise Refusal(400, "InvalidParameter", f"{name} is invalid.")
    return int(text)


def _window(start: str, end: str) -> tuple[float, float]:
    """[from, to) in epoch ms. Both empty: the last 24 h (and a little ahead); one empty: 24 h from
    the other; UTC+8 is assumed."""
    first, last = _moment(start, "start_time"), _moment(end, "end_time")
    if first is None and last is None:
        return now_ms() - DAY_MS, now_ms() + 60_000
    if last is not None:
        last += 1000  # the whole of the named second
    if first is None:
        first = (last or 0) - DAY_MS - 1000
    if last is None:
        last = first + DAY_MS
    if last <= first or last - first > DAY_MS + 1000:
        raise Refusal(
            400,
            "InvalidParameter",
            "The span between start_time and end_time must be at most 24 hours.",
        )
    return first, last


def _moment(text: str, name: str) -> float | None:
    if not text:
        return None
    try:
        if not re.fullmatch(r"\d{14}", text):
            raise ValueError
        moment = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        raise Refusal(
            400, "InvalidParameter", f"{name} is invalid; it must be like 20251120093000."
        ) from None
    return moment.astimezone(UTC).timestamp() * 1000
