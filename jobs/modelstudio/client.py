"""The wire to Model Studio: one client per account, typed answers, errors named by what happens
next.

What must hold whatever the network does: a POST leaves this machine at most once, on a connection
of its own, so that neither a library's retry nor a keep-alive connection that the other side has
just closed can make a second paid task or an avoidable doubt about the first. GETs share kept-alive
connections and may be repeated. (CONTRACT §1, §8, §9, §12.)

A client may be used from several threads.
"""

from __future__ import annotations

import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, Never, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import requests

from jobs.catalogue.entries import Model
from jobs.modelstudio import answers, transport
from jobs.modelstudio.answers import (
    Submitted,
    Task,
    TaskLine,
    TaskPage,
    UploadPolicy,
    Verdict,
    tidy,
    without_query,
)
from jobs.modelstudio.classification import from_response, is_verdict
from jobs.modelstudio.errors import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
)
from jobs.modelstudio.rules.rule import normalized
from jobs.modelstudio.upload import Form, fields_of, storage_error

log = logging.getLogger("footlight.wire")

MOST_PAGES = 200
PAUSES = (0.2, 0.6)  # before the second and the third try of a GET, in seconds, each ± 50 %
PATIENCE = 5.0  # no further try of a GET begins later than this after the first

_ALWAYS = {"User-Agent": "footlight", "Accept": "application/json", "Accept-Encoding": "identity"}
_NOBODY = "00000000-0000-0000-0000-000000000000"
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TASK_ID = re.compile(r"(?!\.+$)[\x21-\x7e]{1,200}")
_Answer = TypeVar("_Answer")

# : Told of every request: the kind of call, how long it took (s), and what came of it. Called on
# the thread of the call, so : it must be quick and never raise.
Watch = Callable[[str, float, str], None]
CALLS = ("detect", "submit", "cancel", "query", "list", "policy", "upload")
_OUTCOMES: dict[type[WireError], str] = {
    RetryLater: "throttled",
    Rejected: "rejected",
    MediaUnreachable: "media",
    AccountTrouble: "account",
    ModelGone: "gone",
    NotSent: "not_sent",
    OurFault: "our_fault",
}
OUTCOMES = (
    "ok",
    "no_answer",
    "failed",
    *_OUTCOMES.values(),
)  # failed: a 5xx, or an answer that cannot be read


def outcome_of(error: WireError) -> str:
    """The class of `error` as a word of OUTCOMES."""
    if isinstance(error, NoAnswer):
        return "no_answer" if error.status is None else "failed"
    return _OUTCOMES.get(type(error), "failed")


class Client:
    """The calls of one account. Every method raises WireError's children and nothing else of the
    network's.

    `base_url` with an empty path gets "/api/v1"; `connect` and `read` are seconds; `read` also
    bounds a whole answer, which may have up to 2 MiB. GETs go over connections that all clients of
    a process share. Nothing of the environment counts: a .netrc would replace the key, and a proxy
    would see it. `watch` is told of every request.

    Raises ValueError with a sentence for an address, key or workspace that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        workspace: str = "",
        connect: float = 5.0,
        read: float = 30.0,
        watch: Watch | None = None,
    ) -> None:
        self.base_url = _clean_base(base_url)
        key = key.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError(
                "The API key is empty or has characters that a key never has. Copy it again, "
                "without blanks."
            )
        if workspace and not _WORKSPACE.fullmatch(workspace):
            raise ValueError(
                "The workspace id may only have letters, digits, dashes and underscores. Copy it "
                "from the console."
            )
        self._headers = {"Authorization": f"Bearer {key}"}
        if workspace:
            self._headers["X-DashScope-WorkSpace"] = workspace
        self._timeout = (connect, read)
        self._watch = watch

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    # ── calls that may cost money ─────────────────────────────────────────────────────────────────

    def detect(self, model: Model, body: Mapping[str, Any]) -> Verdict:
        """Judge a picture; every answered call is billed, pass or fail. A 400 that judges the
        picture is a verdict of 0 units.

        `body` is `catalogue.body(…)`. Raises Rejected when the content or the request was refused
        without a judgement.
        """
        with self._watched("detect"):
            return self._detect(model, body)

    def _detect(self, model: Model, body: Mapping[str, Any]) -> Verdict:
        status, payload, headers, text = self._post(model.path, body)
        refused = payload is not None and status < 500 and is_verdict(answers.error_of(payload)[0])
        if status == 200 and payload is not None:
            try:
                return answers.verdict(model, payload, refused=refused)
            except answers.BadAnswer as error:
                text = str(error)
        failure = from_response(status, payload, headers, text=text)
        if refused:
            return answers.refused_verdict(failure.code, failure.message, failure.request_id)
        raise failure

    def submit(self, model: Model, body: Mapping[str, Any]) -> Submitted:
        """Create a task. Sent once and only once.

        NotSent, RetryLater, Rejected, MediaUnreachable, AccountTrouble, ModelGone and OurFault
        prove that no task exists; NoAnswer (cut, time-out, 5xx, unreadable, no task id) leaves that
        open: look in the list, never send again blindly.
        """
        with self._watched("submit"):
            return self._submit(model, body)

    def _submit(self, model: Model, body: Mapping[str, Any]) -> Submitted:
        status, payload, headers, text = self._post(model.path, body, asynchronous=True)
        task_id = answers.mapping((payload or {}).get("output")).get("task_id")
        if status == 200 and isinstance(task_id, str) and task_id.strip():
            return answers.submitted(payload or {})
        if status == 200 and payload is not None and not answers.error_of(payload)[0]:
            raise NoAnswer(
                "BadAnswer",
                "the answer to a submit has no task id",
                tidy(payload.get("request_id")),
                status,
            )
        raise from_response(status, payload, headers, submit=True, text=text)

    def cancel(self, task_id: str) -> bool:
        """True when the task, still PENDING, was cancelled; False when it was too late. Others
        raise."""
        with self._watched("cancel"):
            return self._cancel(task_id)

    def _cancel(self, task_id: str) -> bool:
        status, payload, headers, text = self._post(f"/tasks/{_quoted(task_id)}/cancel", None)
        if (
            status == 400
            and normalized(answers.error_of(payload or {})[0]) == "unsupportedoperation"
        ):
            return False
        if status != 200 or payload is None or answers.error_of(payload)[0]:
            raise from_response(status, payload, headers, text=text)
        return True

    # ── calls that only look ──────────────────────────────────────────────────────────────────────

    def get(self, task_id: str) -> Task:
        """One task, finished or not. A task that the service does not know comes back with
        `.unknown`, not as an error."""
        path = f"/tasks/{_quoted(task_id)}"
        payload = self._get(
            "query",
            path,
            {},
            good=lambda told: "task_status" in answers.mapping(told.get("output")),
        )
        return _read(lambda: answers.task(payload, asked=task_id), payload)

    def page(
        self, model_name: str = "", status: str = "", page_no: int = 1, page_size: int = 50
    ) -> TaskPage:
        """One page of the account's tasks of the last 24 hours, whatever key made them; in no
        promised order."""
        asked: dict[str, str] = {"page_no": str(page_no), "page_size": str(page_size)}
        if model_name:
            asked["model_name"] = model_name
        if status:
            asked["status"] = status
        try:
            payload = self._get("list", "/tasks/", asked)
        except (Rejected, OurFault):
            # The largest page is not documented; the default of 10 is.
            if page_size <= 10 or page_no != 1:
                raise
            return self.page(model_name, status, page_no, 10)
        return _read(lambda: answers.page(payload, page_no, page_size), payload)

    def tasks(self, model_name: str, since: datetime) -> list[TaskLine]:
        """Every task of `model_name` created at or after `since` (aware) and within the last 24
        hours, oldest first.

        The whole list or an error, never a part of it: a page that is missing raises NoAnswer, and
        when old tasks drop out of the list while it is read, which may push others past us, it is
        read again.
        """
        for _ in range(3):
            found: dict[str, TaskLine] = {}
            total, page_no, size = 0, 1, 50
            while True:
                told = self.page(model_name, page_no=page_no, page_size=size)
                size = told.page_size
                shrunk = told.total < total or (page_no < told.total_page and not told.lines)
                if shrunk:
                    break
                total = told.total
                found.update((line.task_id, line) for line in told.lines)
                if page_no >= told.total_page:
                    break
                if page_no >= MOST_PAGES:
                    raise NoAnswer(
                        "BadAnswer", f"the list of tasks has more than {MOST_PAGES} pages"
                    )
                page_no += 1
            if not shrunk:
                ours = (
                    line
                    for line in found.values()
                    if line.created_at >= since and line.model_name in ("", model_name)
                )
                return sorted(ours, key=lambda line: line.created_at)
        raise NoAnswer("BadAnswer", "the list of tasks changed each time while it was read")

    def probe(self) -> None:
        """Test the key for free: ask for a task that cannot exist. Returns when the key is good; a
        bad one raises AccountTrouble."""
        self.get(_NOBODY)

    # ── the temporary storage ─────────────────────────────────────────────────────────────────────

    def policy(self, model_name: str) -> UploadPolicy:
        """Leave to upload files for calls of `model_name`; good for `expires_in` seconds and
        several files."""
        asked = {"action": "getPolicy", "model": model_name}
        payload = self._get("policy", "/uploads", asked, extra={"Content-Type": "application/json"})
        return _read(lambda: answers.upload_policy(payload), payload)

    def upload(self, policy: UploadPolicy, file: BinaryIO, name: str, content_type: str) -> str:
        """Upload `file` from its present position and return its `oss://` address, good for 48
        hours.

        `name` is unique within the policy's directory (the storage forbids to overwrite). The file
        is streamed. Raises ValueError for an impossible name or content type, Rejected when it is
        too large, RetryLater when the policy ran out.
        """
        form = Form(fields_of(policy, f"{policy.directory}/{name}"), file, name, content_type)
        if policy.max_bytes is not None and form.file_size > policy.max_bytes:
            raise Rejected(
                "FileTooLarge",
                f"The file has {form.file_size} bytes; the temporary storage takes "
                f"{policy.max_bytes}.",
            )
        headers = {"Content-Type": form.content_type}
        with self._watched("upload"):
            status, body, _ = self._send_once(policy.host + "/", headers, form)
            if status not in (200, 201, 204):
                raise storage_error(status, body)
        return f"oss://{policy.directory}/{name}"

    # ── how calls are made ────────────────────────────────────────────────────────────────────────

    def _post(
        self, path: str, body: Mapping[str, Any] | None, *, asynchronous: bool = False
    ) -> tuple[int, dict[str, Any] | None, Mapping[str, str], str]:
        headers = {**self._headers, "Content-Type": "application/json"}
        if asynchronous:
            headers["X-DashScope-Async"] = "enable"
        if _has_temporary(body):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        data = (
            b"" if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        )
        status, answer, told = self._send_once(self.base_url + path, headers, data)
        payload = transport.read_json(answer)
        return (
            status,
            payload,
            told,
            "" if payload is not None else _what_came(status, answer, told),
        )

    def _send_once(
        self, url: str, headers: Mapping[str, str], data: bytes | Form
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """POST on a fresh connection that is closed afterwards; nothing here or below repeats or
        redirects it."""
        prepared = requests.Request(
            "POST", url, headers={**_ALWAYS, **headers, "Connection": "close"}, data=data
        ).prepare()
        adapter = transport.Adapter(pool=1)
        transport.forget_sent()
        began = time.monotonic()
        try:
            response = adapter.send(prepared, True, self._timeout, transport.CERTIFICATES)
            status, told = response.status_code, dict(response.headers.lower_items())
            answer = transport.read_whole(response, self._timeout[1])
        except (*transport.FAILURES, transport.TooLong) as error:
            failure = self._failure(error)
        else:
            _log("POST", url, status, answer, began)
            return status, answer, told
        finally:
            adapter.close()
        _lost("POST", url, failure, began)
        raise failure

    @contextmanager
    def _watched(self, call: str) -> Iterator[None]:
        began = time.monotonic()
        outcome = "ok"
        try:
            yield
        except WireError as error:
            outcome = outcome_of(error)
            raise
        finally:
            if self._watch is not None:
                self._watch(call, time.monotonic() - began, outcome)

    def _get(
        self,
        call: str,
        path: str,
        asked: dict[str, str],
        *,
        extra: Mapping[str, str] | None = None,
        good: Callable[[dict[str, Any]], bool] | None = None,
    ) -> dict[str, Any]:
        """The JSON of a 200. What the network or a 5xx spoils is asked again twice, within
        PATIENCE. `good` lets pass an answer although it names an error (a FAILED task does)."""
        first = time.monotonic()
        tries = 0
        while True:
            try:
                with self._watched(call):  # each try is a request of its own
                    return self._get_once(path, asked, extra or {}, good)
            except (NotSent, NoAnswer):
                if tries == len(PAUSES) or time.monotonic() - first > PATIENCE:
                    raise
            time.sleep(PAUSES[tries] * random.uniform(0.5, 1.5))  # noqa: S311
            tries += 1

    def _get_once(
        self,
        path: str,
        asked: dict[str, str],
        extra: Mapping[str, str],
        good: Callable[[dict[str, Any]], bool] | None,
    ) -> dict[str, Any]:
        url = self.base_url + path
        transport.forget_sent()
        began = time.monotonic()
        failure: WireError
        try:
            got = transport.get(
                f"{url}?{urlencode(asked)}" if asked else url,
                {**_ALWAYS, **self._headers, **extra},
                self._timeout,
            )
            status, told = got.status_code, got.headers
            answer = transport.read_whole(got, self._timeout[1])
        except (*transport.FAILURES, transport.TooLong) as error:
            failure = self._failure(error)
        else:
            _log("GET", url, status, answer, began)
            payload = transport.read_json(answer)
            if (
                status == 200
                and payload is not None
                and ((good and good(payload)) or not answers.error_of(payload)[0])
            ):
                return payload
            raise from_response(
                status,
                payload,
                told,
                text="" if payload is not None else _what_came(status, answer, told),
            )
        _lost("GET", url, failure, began)
        raise failure

    def _failure(self, error: Exception) -> WireError:
        """What a broken call means; outside of an `except`, so that the library's error, which
        holds our headers, is let go."""
        if not transport.was_sent():
            return NotSent("ConnectionFailed", transport.why_not_sent(error))
        if isinstance(error, transport.TooLong):
            return NoAnswer("AnswerTooLong", str(error))
        if "Timeout" in type(error).__name__ or isinstance(error, TimeoutError):
            return NoAnswer("ReadTimeout", f"no answer within {self._timeout[1]:g} seconds")
        return NoAnswer("ConnectionCut", "the connection broke before the whole answer was there")


@lru_cache(maxsize=256)  # thousands of accounts have a handful of addresses
def _clean_base(base_url: str) -> str:
    trimmed = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(trimmed)
        host, _ = parts.hostname, parts.port
        requests.Request("GET", trimmed).prepare()
    except (ValueError, requests.RequestException):
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(
            f"“{without_query(base_url)}” is no address of the service. It looks like "
            "https://dashscope.aliyuncs.com."
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(
            "The address of the service has a user, a query or a fragment in it. Give scheme, host "
            "and path only."
        )
    return trimmed if parts.path else trimmed + "/api/v1"


def _quoted(task_id: str) -> str:
    """A task id as one step of a path. What could leave that step or the line is refused before
    anything is sent."""
    if not _TASK_ID.fullmatch(task_id):
        raise OurFault("BadTaskId", "a task id that cannot be part of an address")
    return quote(task_id, safe="")


def _has_temporary(value: object) -> bool:
    if isinstance(value, str):
        return value.lower().startswith("oss://")
    if isinstance(value, Mapping):
        return any(_has_temporary(part) for part in value.values())
    return isinstance(value, list | tuple) and any(_has_temporary(part) for part in value)


def _read(parse: Callable[[], _Answer], payload: Mapping[str, Any] | None) -> _Answer:
    try:
        return parse()
    except answers.BadAnswer as error:
        _unreadable(str(error), payload)


def _unreadable(why: str, payload: Mapping[str, Any] | None) -> Never:
    raise NoAnswer("BadAnswer", why, tidy((payload or {}).get("request_id")), 200)


def _what_came(status: int, answer: bytes, headers: Mapping[str, str]) -> str:
    if not answer:
        return f"HTTP {status} with an empty body"
    kind = headers.get("content-type", "").split(";")[0].strip() or "no content type"
    return f"HTTP {status} with {len(answer)} bytes of {tidy(kind)[:60]} instead of a JSON object"


def _log(method: str, url: str, status: int, answer: bytes, began: float) -> None:
    level = (
        logging.DEBUG
        if status < 400
        else logging.WARNING
        if status >= 500 or status == 429
        else logging.INFO
    )
    log.log(
        level,
        "%s %s: HTTP %d, %d bytes, %.0f ms",
        method,
        without_query(url),
        status,
        len(answer),
        (time.monotonic() - began) * 1000,
    )


def _lost(method: str, url: str, failure: WireError, began: float) -> None:
    took = (time.monotonic() - began) * 1000
    log.warning(
        "%s %s: %s, %s, %.0f ms", method, without_query(url), type(failure).__name__, failure, took
    )
