"""The counter: one request in, one reply out (CONTRACT §1 to §9). It speaks HTTP facts but opens no
socket."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from jobs.catalogue.entries import MODELS, Kind, Model
from jobs.catalogue.limits import Limits
from jobs.simulator import face_detection, media_probe, verdicts
from jobs.simulator.answers import (
    NEEDS_ASYNC,
    NEEDS_SYNC,
    NO_KEY,
    WRONG_PATH,
    Refusal,
    Reply,
    json_reply,
    new_id,
)
from jobs.simulator.database import WAITING, BillLine, Store, Task, now_ms
from jobs.simulator.faults import Draw
from jobs.simulator.fetch import bring
from jobs.simulator.rate_limit import Pace
from jobs.simulator.request_bodies import check_references, model_named, read_body, read_order
from jobs.simulator.storage import Storage, asked_for_policy
from jobs.simulator.task_runner import Clock, Works, price_of

BASE = "/api/v1"
CHINA = timezone(timedelta(hours=8))
QUERIES_PER_SECOND = 20
POLICIES_PER_SECOND = 100
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
PATHS = frozenset(model.path for model in MODELS.values())


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `headers` by lower-case name, `host` is how the caller reached us
    (host:port)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    host: str

    def asked(self, name: str, default: str = "") -> str:
        return parse_qs(self.query).get(name, [default])[0]


def place_of(request: Request) -> str:
    """Which part of the service a request is for: a name of `faults.PLACES`, or "" for none."""
    path = request.path.removeprefix(BASE).rstrip("/")
    if request.path.startswith("/results/"):
        return "result"
    if request.path.startswith("/oss"):
        return "upload"
    if path == "/uploads":
        return "policy"
    if path == "/tasks":
        return "list"
    if path.startswith("/tasks/"):
        return "cancel" if request.method == "POST" else "get"
    if path.startswith("/services/"):
        return "detect" if "detect" in path.rsplit("/", 1)[-1] else "submit"
    return ""


def elsewhere(path: str) -> Reply | None:
    """What is found where a wrong address leads: a page for people, or the way to it; None for
    every other path."""
    if path == "/results/elsewhere/page":
        return Reply(
            200,
            b"<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>",
            "text/html",
        )
    if path == "/results/elsewhere/moved":
        return Reply(302, b"", "text/html", {"Location": "/results/elsewhere/page"})
    return None


class Counter:
    """Answers requests against the store; work is handed to `works`."""

    def __init__(
        self,
        store: Store,
        storage: Storage,
        works: Works,
        clock: Clock,
        *,
        keys: Mapping[str, str],
        refusal: str,
        gone: frozenset[str],
        pace: Pace,
    ) -> None:
        self.store, self.storage, self.works, self.clock = store, storage, works, clock
        self.keys, self.refusal, self.gone, self.pace = keys, refusal, gone, pace
        self._refused = itertools.count()
        self.spoiled: dict[
            str, str
        ] = {}  # tasks whose result never has a right address, and how it is wrong

    def answer(self, request: Request, draw: Draw) -> Reply:
        """The reply to `request`. Of what `draw` ordered for it, the faults of the work itself
        happen here. Raises Refusal."""
        place = place_of(request)
        if place == "result":
            return elsewhere(request.path) or self.storage.film(request.path, request.query)
        if place == "upload":
            return self.storage.receive(request.body, request.headers.get("content-type", ""))
        if not place or not request.path.startswith(BASE):
            raise Refusal(404, "NotFound", "Not found.")
        key, account = self.who(request)
        if place in ("submit", "detect") and request.method == "POST":
            return self._call(request, key, account, draw)
        if place == "policy" and request.method == "GET":
            return self._policy(request, account)
        if place == "list" and request.method == "GET":
            self._paced(("list", account), QUERIES_PER_SECOND)
            return self._list(request, account)
        if place == "get" and request.method == "GET":
            self._paced(("get", account), QUERIES_PER_SECOND)
            return self._task(request, account, draw)
        if place == "cancel":
            self._paced(("cancel", account), QUERIES_PER_SECOND)
            return self._cancel(request, account)
        raise Refusal(
            405, "MethodNotAllowed", f"Request method '{request.method}' is not supported."
        )

    def who(self, request: Request) -> tuple[str, str]:
        """(key, account) of a request. Raises 401 InvalidApiKey."""
        word, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if not key or word.lower() != "bearer":
            raise Refusal(401, "InvalidApiKey", NO_KEY)
        if not re.fullmatch(r"(sk|st)-[\x21-\x7e]+", key) or key.startswith(
            ("sk-refused", "sk-sp-")
        ):
            raise Refusal(401, "InvalidApiKey")
        return key, self.keys.get(key, key)

    def _paced(self, what: tuple[str, ...], rate: int) -> None:
        if not self.pace.allows(what, rate):
            raise Refusal(429, "Throttling.RateQuota")

    # ── calling a model ──

    def _call(self, request: Request, key: str, account: str, draw: Draw) -> Reply:
        path = request.path.removeprefix(BASE).rstrip("/")
        if path not in PATHS:
            raise Refusal(400, "InvalidParameter", WRONG_PATH)
        content = read_body(request.body, request.headers.get("content-type", ""))
        model = model_named(content, self.gone)
        if model.path != path:
            raise Refusal(400, "InvalidParameter", WRONG_PATH)
        wants_async = request.headers.get("x-dashscope-async", "").strip().lower() == "enable"
        if model.asynchronous and not wants_async:
            raise Refusal(403, "AccessDenied", NEEDS_ASYNC)
        if not model.asynchronous and wants_async:
            raise Refusal(403, "AccessDenied", NEEDS_SYNC)
        if key.startswith("sk-arrears"):
            raise Refusal(400, "Arrearage")
        if key.startswith("sk-quota"):
            raise Refusal(403, "AllocationQuota.FreeTierOnly")
        self._paced(("call", account, model.name), model.rate)
        order = read_order(model, content)
        resolve = (
            request.headers.get("x-dashscope-ossresourceresolve", "").strip().lower() == "enable"
        )
        check_references(order, resolve=resolve, store=self.store, account=account)
        if model.kind is Kind.CHECK:
            return self._detect(model, account, next(iter(order.inputs.values())), order.choices)
        fails = draw.take("task-fails")
        fail_code = fails.code if fails else ""
        task = Task(
            new_id(),
            new_id(),
            account,
            key,
            model.name,
            content,
            WAITING,
            now_ms(),
            None,
            None,
            "",
            "",
            "",
            {},
            fail_code,
        )
        self.store.create(task)
        self.works.ring()
        return json_reply(
            {
                "output": {"task_id": task.task_id, "task_status": WAITING},
                "request_id": task.request_id,
            }
        )

    def _detect(self, model: Model, account: str, url: str, choices: Mapping[str, Any]) -> Reply:
        request_id = new_id()
        item = model.inputs_of("image")[0]
        with tempfile.TemporaryDirectory(dir=self.works.media) as folder:
            file = Path(folder) / item.name
            bring(url, item.kind, file, store=self.store)
            found = media_probe.probe(file)
            try:
                media_probe.refuse(item.limits or Limits("image"), found)
                people = face_detection.look(
                    face_detection.read_picture(file), bodies="bodystyle" in model.facts
                )
                output = verdicts.verdict(model, verdicts.judge(model, people, choices))
            except Refusal as refusal:
                if refusal.code == "InvalidURL" or self._refuses_by_status():
                    raise
                output = verdicts.refusal_verdict(model, refusal, words=self.refusal != "200-empty")
        self.store.charge(
            BillLine(
                account, request_id, model.name, Decimal(1), "", price_of(model, Decimal(1), "")
            )
        )
        return json_reply({"output": output, "usage": {model.usage: 1}, "request_id": request_id})

    def _refuses_by_status(self) -> bool:
        """Does this refused picture answer HTTP 400 (and is not billed) instead of HTTP 200 with a
        verdict?"""
        return self.refusal == "400" or (
            self.refusal == "alternate" and next(self._refused) % 2 == 1
        )

    def _policy(self, request: Request, account: str) -> Reply:
        asked_for_policy(request.asked("action"))
        model = model_named({"model": request.asked("model")}, self.gone)
        self._paced(("policy", account, model.name), POLICIES_PER_SECOND)
        return self.storage.policy(account, model, request.host)

    # ── tasks ──

    def _mine(self, task_id: str, account: str) -> Task | None:
        """A living task of this account."""
        task = self.store.task(task_id)
        if task is None or task.account != account:
            return None
        return (
            None
            if task.end_ms is not None and now_ms() - task.end_ms > self.clock.life_ms
            else task
        )

    def _task(self, request: Request, account: str, draw: Draw) -> Reply:
        task_id = unquote(request.path.removeprefix(BASE + "/tasks/").rstrip("/"))
        task = self._mine(task_id, account)
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
        if (
            len(model.result) > 1
        ):  # the families that nest their result are those whose samples show times
            for field, value in (
                ("submit_time", task.created_ms),
                ("scheduled_time", task.scheduled_ms),
                ("end_time", task.end_ms),
            ):
                if value is not None:
                    output[field] = datetime.fromtimestamp(value / 1000, CHINA).strftime(
                        "%Y-%m-%d %H:%M:%S.%f"
                    )[:-3]
        answer: dict[str, Any] = {"request_id": new_id(), "output": output}
        if task.status == "FAILED":
            output |= {"code": task.code, "message": task.message}
        if task.status == "SUCCEEDED":
            result = task.result
            if model.kind is not Kind.TEMPLATE:
                result = self._wrong(task_id, draw, request.host) or self.storage.address(
                    task, request.host
                )
            place = output
            for step in model.result[:-1]:
                place = place.setdefault(step, {})
            place[model.result[-1]] = result
            answer["usage"] = task.usage
        return json_reply(answer)

    def _wrong(self, task_id: str, draw: Draw, host: str) -> str:
        """An address where there is no film, when one was ordered: once, or for good (bad-result);
        else ""."""
        bad = draw.take("bad-result")
        if bad is not None:
            self.spoiled[task_id] = bad.code
        once = draw.take("wrong-result-url") if task_id not in self.spoiled else None
        mode = once.code if once else self.spoiled.get(task_id, "")
        return {
            "page": f"http://{host}/results/elsewhere/page",
            "missing": f"http://{host}/results/{'0' * 32}.mp4?Expires=9999999999&Signature=none",
            "private": "http://127.0.0.1:9/film.mp4",
            "redirect": f"http://{host}/results/elsewhere/moved",
        }.get(mode, "")

    def _cancel(self, request: Request, account: str) -> Reply:
        match = re.fullmatch(BASE + r"/tasks/([^/]+)/cancel/?", request.path)
        if match is None:
            raise Refusal(404, "NotFound", "Not found.")
        task = self._mine(unquote(match[1]), account)
        if task is None or not self.store.cancel(task.task_id):
            raise Refusal(400, "UnsupportedOperation")
        self.works.ring()
        return json_reply({"request_id": new_id()})

    def _list(self, request: Request, account: str) -> Reply:
        page = _whole(request.asked("page_no", "1"), "page_no")
        size = min(LARGEST_PAGE, _whole(request.asked("page_size", "10"), "page_size"))
        first, last = _window(request.asked("start_time"), request.asked("end_time"))
        where = (
            "account = ? and created_ms >= ? and created_ms < ? and (end_ms is null or end_ms >= ?)"
        )
        values: list[Any] = [account, first, last, now_ms() - self.clock.life_ms]
        for name, column in (("task_id", "task_id"), ("model_name", "model"), ("status", "status")):
            if wanted := request.asked(name):
                if name == "status" and wanted not in STATUSES:
                    raise Refusal(400, "InvalidParameter", "status is invalid.")
                where += f" and {column} = ?"
                values.append(wanted)
        total = self.store.count(where, values)
        found = self.store.tasks(
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
