"""What the calls of one account have in common: address, headers, times, and what a broken call
means. `http_post` sends, `http_get` asks."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit

import requests

from jobs.modelstudio import transport
from jobs.modelstudio.answers import tidy, without_query
from jobs.modelstudio.errors import NoAnswer, NotSent, WireError
from jobs.modelstudio.outcomes import Watch, outcome_of

log = logging.getLogger("footlight.http_calls")

ALWAYS = {"User-Agent": "footlight", "Accept": "application/json", "Accept-Encoding": "identity"}
# Called with the service's host, the time that its answer names, and the seconds that it took.
Dates = Callable[[str, datetime, float], None]
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class HttpCalls:
    """The service of one account: its address, the headers of every call, and what a broken call
    means."""

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

    def hear(self, url: str, received: Mapping[str, str], began: float) -> None:
        """Pass on what time it is at the service, as the Date of its answer says."""
        if self._dates is None or urlsplit(url).netloc.lower() != self.host:
            return
        try:
            date = parsedate_to_datetime(received.get("date", ""))
        except (TypeError, ValueError):
            return
        if date.tzinfo is not None:
            self._dates(self.host, date, time.monotonic() - began)

    def failure_of(self, error: Exception) -> WireError:
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


def what_came(status: int, answer: bytes, headers: Mapping[str, str]) -> str:
    if not answer:
        return f"HTTP {status} with an empty body"
    kind = headers.get("content-type", "").split(";")[0].strip() or "no content type"
    return f"HTTP {status} with {len(answer)} bytes of {tidy(kind)[:60]} instead of a JSON object"


def log_answer(method: str, url: str, status: int, answer: bytes, began: float) -> None:
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


def log_failure(method: str, url: str, failure: WireError, began: float) -> None:
    took = (time.monotonic() - began) * 1000
    log.warning(
        "%s %s: %s, %s, %.0f ms", method, without_query(url), type(failure).__name__, failure, took
    )
