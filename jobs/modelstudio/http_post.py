"""The POST: it leaves this machine at most once (CONTRACT §1, §12)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from jobs.modelstudio import transport
from jobs.modelstudio.http_calls import ALWAYS, HttpCalls, log_answer, log_failure, what_came
from jobs.modelstudio.upload import Form


class HttpPost(HttpCalls):
    """POSTs that are sent once."""

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
            "" if payload is not None else what_came(status, answer, received),
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
            "POST", url, headers={**ALWAYS, **headers, "Connection": "close"}, data=data
        ).prepare()
        adapter = transport.Adapter(pool=1, private_ok=self._private_ok)
        transport.forget_sent(still_timely)
        began = time.monotonic()
        try:
            response = adapter.send(prepared, True, self._timeout, transport.CERTIFICATES)
            status, received = response.status_code, dict(response.headers.lower_items())
            self.hear(url, received, began)
            answer = transport.read_whole(response)
        except (*transport.FAILURES, transport.TooLong) as error:
            failure = self.failure_of(error)
        else:
            log_answer("POST", url, status, answer, began)
            return status, answer, received
        finally:
            adapter.close()
        log_failure("POST", url, failure, began)
        raise failure


def _has_temporary(value: object) -> bool:
    if isinstance(value, str):
        return value.lower().startswith("oss://")
    if isinstance(value, Mapping):
        return any(_has_temporary(part) for part in value.values())
    return isinstance(value, list | tuple) and any(_has_temporary(part) for part in value)
