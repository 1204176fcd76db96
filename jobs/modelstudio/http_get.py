"""The GET: it is tried again when the network or a 5xx spoils it (CONTRACT §1, §12)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from jobs.modelstudio import answers, transport
from jobs.modelstudio.classification import from_response
from jobs.modelstudio.errors import NoAnswer, NotSent, WireError
from jobs.modelstudio.http_calls import ALWAYS, HttpCalls, log_answer, log_failure, what_came

PAUSES = (0.2, 0.6)  # before the second and the third try of a GET, in seconds, each ± 50 %
PATIENCE = 5.0  # no further try of a GET begins later than this after the first


class HttpGet(HttpCalls):
    """GETs that may be repeated."""

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
                {**ALWAYS, **self._headers, **extra},
                self._timeout,
                self._private_ok,
            )
            status, received = got.status_code, got.headers
            self.hear(url, received, began)
            answer = transport.read_whole(got)
        except (*transport.FAILURES, transport.TooLong) as error:
            failure = self.failure_of(error)
        else:
            log_answer("GET", url, status, answer, began)
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
                text="" if payload is not None else what_came(status, answer, received),
            )
        log_failure("GET", url, failure, began)
        raise failure
