"""How calls are made: a POST leaves this machine at most once, a GET is tried again when the
network or a 5xx spoils it (CONTRACT §1, §12)."""

from __future__ import annotations

import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from jobs.modelstudio import answers, transport
from jobs.modelstudio.answers import (
    tidy,
    without_query,
)
from jobs.modelstudio.classification import from_response
from jobs.modelstudio.errors import NoAnswer, NotSent, WireError
from jobs.modelstudio.outcomes import Watch, outcome_of
from jobs.modelstudio.upload import Form

log = logging.getLogger("footlight.http_calls")

PAUSES = (0.2, 0.6)  # before the second and the third try of a GET, in seconds, each ± 50 %
PATIENCE = 5.0  # no further try of a GET begins later than this after the first

_ALWAYS = {"User-Agent": "footlight", "Accept": "application/json", "Accept-Encoding": "identity"}
# Called with the service's host, the time that its answer names, and the seconds that it took.
Dates = Callable[[str, datetime, float], None]
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Calls:
    """POSTs that are sent once and GETs that may be repeated, with the headers of one account."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        workspace: str = "",
        private_ok: bool = False,
        connect: float = 5.0,
        read: float = 30.0,
        watch: Watch | None = None,
        dates: Dates | None = None,
    ) -> None:
        self.base_url = clean_base(base_url)
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
        self.workspace = workspace
        self._timeout = (connect, read)
        self._private_ok = private_ok
        self._watch, self._dates = watch, dates

    @property
    def host(self) -> str:
        """Of the service, with its port: whose clock its answers tell."""
        return urlsplit(self.base_url).netloc.lower()

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        asynchronous: bool = False,
        still_timely: Callable[[], None] | None = None,
    ) -> tuple[int, dict[str, Any] | None, Mapping[str, str], str]:
        headers = {**self._headers, "Content-Type": "application/json"}
        if asynchronous:
            headers["X-DashScope-Async"] = "enable"
        if _has_temporary(body):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        data = (
            b"" if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        )
        status, answer, received = self.send_once(self.base_url + path, headers, data, still_timely)
        payload = transport.read_json(answer)
        return (
            status,
            payload,
            received,
            "" if payload is not None else _what_came(status, answer, received),
        )

    def send_once(
        self,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Form,
        still_timely: Callable[[], None] | None = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """POST on a fresh connection that is closed afterwards; nothing here or below repeats or
        redirects it. What `still_timely` raises right before it leaves comes out: then no whole
        request left."""
        prepared = requests.Request(
            "POST", url, headers={**_ALWAYS, **headers, "Connection": "close"}, data=data
        ).prepare()
        adapter = transport.Adapter(pool=1, private_ok=self._private_ok)
        transport.forget_sent(still_timely)
        began = time.monotonic()
        try:
            response = adapter.send(prepared, True, self._timeout, transport.CERTIFICATES)
            status, received = response.status_code, dict(response.headers.lower_items())
            self._hear(url, received, began)
            answer = transport.read_whole(response)
        except (*transport.FAILURES, transport.TooLong) as error:
            failure = self._failure(error)
        else:
            _log("POST", url, status, answer, began)
            return status, answer, received
        finally:
            adapter.close()
        _lost("POST", url, failure, began)
        raise failure

    @contextmanager
    def watched(self, call: str) -> Iterator[None]:
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

    def get_json(
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
                with self.watched(call):  # each try is a request of its own
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
                self._private_ok,
            )
            status, received = got.status_code, got.headers
            self._hear(url, received, began)
            answer = transport.read_whole(got)
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
                received,
                text="" if payload is not None else _what_came(status, answer, received),
            )
        _lost("GET", url, failure, began)
        raise failure

    def _hear(self, url: str, received: Mapping[str, str], began: float) -> None:
        """Pass on what time it is at the service, as the Date of its answer says."""
        if self._dates is None or urlsplit(url).netloc.lower() != self.host:
            return
        try:
            date = parsedate_to_datetime(received.get("date", ""))
        except (TypeError, ValueError):
            return
        if date.tzinfo is not None:
            self._dates(self.host, date, time.monotonic() - began)

    def _failure(self, error: Exception) -> WireError:
        """What a broken call means; outside of an `except`, so that the library's error, which
        holds our headers, is let go."""
        if not transport.was_sent():
            return NotSent("ConnectionFailed", transport.why_not_sent(error))
        if isinstance(error, transport.TooLong):
            return NoAnswer("AnswerTooLong", str(error))
        if "Timeout" in type(error).__name__ or isinstance(error, TimeoutError):
            return NoAnswer("ReadTimeout", f"no whole answer within {self._timeout[1]:g} seconds")
        return NoAnswer("ConnectionCut", "the connection broke before the whole answer was there")


@lru_cache(maxsize=256)  # thousands of accounts have a handful of addresses
def clean_base(base_url: str) -> str:
    """The address that calls begin with when an account's is `base_url`; cleaning one twice changes
    nothing. ValueError with a sentence when it is none."""
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


def _has_temporary(value: object) -> bool:
    if isinstance(value, str):
        return value.lower().startswith("oss://")
    if isinstance(value, Mapping):
        return any(_has_temporary(part) for part in value.values())
    return isinstance(value, list | tuple) and any(_has_temporary(part) for part in value)


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
