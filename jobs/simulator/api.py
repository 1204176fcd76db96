"""The HTTP API: one request in, one reply out (CONTRACT §1 to §9). It opens no socket."""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

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
from jobs.simulator.database import WAITING, BillLine, Database, Task, now_ms
from jobs.simulator.faults import Draw
from jobs.simulator.fetch import download_input
from jobs.simulator.rate_limit import RateLimit
from jobs.simulator.request import BASE, Request, endpoint_of
from jobs.simulator.request_bodies import check_references, model_named, read_body, read_request
from jobs.simulator.storage import Storage, asked_for_policy
from jobs.simulator.task_api import TaskApi
from jobs.simulator.task_runner import Clock, TaskRunner, price_of

QUERIES_PER_SECOND = 20
POLICIES_PER_SECOND = 100
PATHS = frozenset(model.path for model in MODELS.values())


class Api:
    """Answers requests from the database; tasks are handed to `runner`.

    `keys` maps a key to its account (a key without an entry is its own account); `refusal` and
    `gone` are those of `Simulator`.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        runner: TaskRunner,
        clock: Clock,
        *,
        keys: Mapping[str, str],
        refusal: str,
        gone: frozenset[str],
        rate_limit: RateLimit,
    ) -> None:
        self.database, self.storage, self.runner = database, storage, runner
        self.keys, self.refusal, self.gone, self.rate_limit = keys, refusal, gone, rate_limit
        self.tasks = TaskApi(database, storage, runner, clock)
        self._refused = itertools.count()

    def answer(self, request: Request, draw: Draw) -> Reply:
        """The reply to `request`. Of what `draw` ordered for it, the faults of the work itself
        happen here. Raises Refusal."""
        endpoint = endpoint_of(request)
        if endpoint == "result":
            return self.storage.video(request.path, request.query)
        if endpoint == "upload":
            return self.storage.receive(request.body, request.headers.get("content-type", ""))
        if not endpoint or not request.path.startswith(BASE):
            raise Refusal(404, "NotFound", "Not found.")
        key, account = self.authenticate(request)
        if endpoint in ("submit", "detect") and request.method == "POST":
            return self._call_model(request, key, account, draw)
        if endpoint == "policy" and request.method == "GET":
            return self._policy(request, account)
        if (endpoint, request.method) in (("list", "GET"), ("get", "GET")) or endpoint == "cancel":
            self._limit_rate((endpoint, account), QUERIES_PER_SECOND)
            if endpoint == "list":
                return self.tasks.list(request, account)
            if endpoint == "get":
                return self.tasks.get(request, account, draw)
            return self.tasks.cancel(request, account)
        raise Refusal(
            405, "MethodNotAllowed", f"Request method '{request.method}' is not supported."
        )

    def authenticate(self, request: Request) -> tuple[str, str]:
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

    def _limit_rate(self, what: tuple[str, ...], rate: int) -> None:
        if not self.rate_limit.allows(what, rate):
            raise Refusal(429, "Throttling.RateQuota")

    # ── calling a model ──

    def _call_model(self, request: Request, key: str, account: str, draw: Draw) -> Reply:
        if request.path.removeprefix(BASE).rstrip("/") not in PATHS:
            raise Refusal(400, "InvalidParameter", WRONG_PATH)
        content = read_body(request.body, request.headers.get("content-type", ""))
        model = self._model_called(request, key, content)
        self._limit_rate(("call", account, model.name), model.rate)
        called = read_request(model, content)
        resolve = _enabled(request, "x-dashscope-ossresourceresolve")
        check_references(called, resolve=resolve, database=self.database, account=account)
        if model.kind is Kind.CHECK:
            return self._detect(model, account, next(iter(called.inputs.values())), called.choices)
        fails = draw.take("task-fails")
        task = Task(
            task_id=new_id(),
            request_id=new_id(),
            account=account,
            api_key=key,
            model=model.name,
            body=content,
            status=WAITING,
            created_ms=now_ms(),
            fail_code=fails.code if fails else "",
        )
        self.database.create(task)
        self.runner.wake()
        return json_reply(
            {
                "output": {"task_id": task.task_id, "task_status": WAITING},
                "request_id": task.request_id,
            }
        )

    def _model_called(self, request: Request, key: str, content: Mapping[str, Any]) -> Model:
        """The model that `content` names. Raises Refusal when the path, the headers or the account
        are not right for it."""
        model = model_named(content, self.gone)
        if model.path != request.path.removeprefix(BASE).rstrip("/"):
            raise Refusal(400, "InvalidParameter", WRONG_PATH)
        wants_async = _enabled(request, "x-dashscope-async")
        if model.asynchronous and not wants_async:
            raise Refusal(403, "AccessDenied", NEEDS_ASYNC)
        if not model.asynchronous and wants_async:
            raise Refusal(403, "AccessDenied", NEEDS_SYNC)
        if key.startswith("sk-arrears"):
            raise Refusal(400, "Arrearage")
        if key.startswith("sk-quota"):
            raise Refusal(403, "AllocationQuota.FreeTierOnly")
        return model

    def _detect(self, model: Model, account: str, url: str, choices: Mapping[str, Any]) -> Reply:
        request_id = new_id()
        item = model.inputs_of("image")[0]
        with tempfile.TemporaryDirectory(dir=self.runner.media) as folder:
            file = Path(folder) / item.name
            download_input(url, item.kind, file, database=self.database)
            found = media_probe.probe(file)
            try:
                media_probe.check_limits(item.limits or Limits("image"), found)
                people = face_detection.detect_people(
                    face_detection.read_picture(file), bodies="bodystyle" in model.facts
                )
                output = verdicts.pass_output(model, verdicts.check_facts(model, people, choices))
            except Refusal as refusal:
                if refusal.code == "InvalidURL" or self._refuses_by_status():
                    raise
                output = verdicts.refusal_output(model, refusal, words=self.refusal != "200-empty")
        self.database.charge(
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
        asked_for_policy(request.parameter("action"))
        model = model_named({"model": request.parameter("model")}, self.gone)
        self._limit_rate(("policy", account, model.name), POLICIES_PER_SECOND)
        return self.storage.policy(account, model, request.host)


def _enabled(request: Request, header: str) -> bool:
    return request.headers.get(header, "").strip().lower() == "enable"
