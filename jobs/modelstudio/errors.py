"""What can go wrong on the wire, named by what happens next (CONTRACT §11).

The order of the questions matters: the account before the speed (an unpaid bill also comes as 429),
the speed before the file, the file before the rest. On a submit everything that is not a refusal by
the service itself is NoAnswer, because a task may exist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from jobs.modelstudio.answers import error_of, tidy
from jobs.modelstudio.words import Explanation, explain, plain

__all__ = [
    "AccountTrouble",
    "Explanation",
    "MediaUnreachable",
    "ModelGone",
    "NoAnswer",
    "NotSent",
    "OurFault",
    "Rejected",
    "RetryLater",
    "WireError",
    "explain",
    "from_response",
    "is_verdict",
    "of_task_failure",
]


class WireError(Exception):
    """`code` and `message` are the service's own words (ours when it said none), `status` the HTTP
    status if one came.

    str() is for logs. Neither it nor `message` ever holds a key or the query string of an address.
    """

    def __init__(
        self, code: str = "", message: str = "", request_id: str = "", status: int | None = None
    ) -> None:
        self.code = tidy(code)
        self.message = tidy(message)
        self.request_id = tidy(request_id)
        self.status = status
        super().__init__(self.code, self.message, self.request_id, status)

    def __str__(self) -> str:
        parts = [
            f"HTTP {self.status}" if self.status else "",
            self.code,
            self.message,
            f"request {self.request_id}" if self.request_id else "",
        ]
        return " · ".join(part for part in parts if part) or type(self).__name__

    def explain(self) -> Explanation:
        """The same for people."""
        return explain(self.code, self.message, self.status)


class Rejected(WireError):
    """The service refused the input: tell the person, never repeat."""


class MediaUnreachable(WireError):
    """The service could not fetch our file: a limited retry, perhaps by another address."""


class AccountTrouble(WireError):
    """Pause what is affected and tell its owners. `reason`: key, arrears, quota (free quota),
    budget (of the console) or access."""

    def __init__(
        self,
        code: str = "",
        message: str = "",
        request_id: str = "",
        status: int | None = None,
        *,
        reason: str = "access",
    ) -> None:
        super().__init__(code, message, request_id, status)
        self.reason = reason
        self.key_id: int | None = None  # which key it was, where the caller has several


class ModelGone(WireError):
    """This model does not answer here: retired, of another region, or never there."""


class RetryLater(WireError):
    """Nothing was created and nothing is wrong: later it may work. `retry_after` is in seconds,
    None when not told.

    As the class of a FAILED task it means that a new task may succeed; the failed one costs
    nothing.
    """

    def __init__(
        self,
        code: str = "",
        message: str = "",
        request_id: str = "",
        status: int | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, request_id, status)
        self.retry_after = retry_after


class NotSent(WireError):
    """No byte of the request left this machine: refused, unknown name, no connection in time,
    failed TLS handshake."""


class NoAnswer(WireError):
    """The request went out and no answer came that can be trusted. On a submit it is not known
    whether a task exists."""


class OurFault(WireError):
    """A request that we built wrongly, or sent to a wrong address. Repeating it changes nothing."""


_KEY = ("invalidapikey",)
_ARREARS = ("arrearage", "prepaidbilloverdue", "postpaidbilloverdue", "commoditynotpurchased")
_QUOTA = ("allocationquota.freetieronly",)
_ACCESS = (
    "accessdenied.unpurchased",
    "model.accessdenied",
    "workspace.accessdenied",
    "app.accessdenied",
    "notauthorized",
    "workspacenotfound",
)
# A 429 that no slowing down cures: what the console allots is used up (CONTRACT §11.2).
_BUDGET = ("throttling.allocationquota", "insufficientquota")
_BUDGET_SAYS = ("allocated quota exceeded", "exceeded your current quota")
_THROTTLED = ("throttling", "limitrequests", "limitburstrate")
_CAPACITY = ("modelservingerror", "modelunavailable")
_SERVICE = ("internalerror", "systemerror", "modelservicefailed", "requesttimeout")
_UNREACHABLE = (
    "invalidparameter.datainspection",
    "invalidurl.connectionrefused",
    "invalidurl.timeout",
    "badrequest.inputdownloadfailed",
    "invalidfile.downloadfailed",
)
_UNREACHABLE_SAYS = (
    "failed to download",
    "unable to download",
    "check the request url is available",
)
_MODERATED = (
    "datainspectionfailed",
    "ipinfringementsuspect",
    "customroleblocked",
    "faqruleblocked",
)
_OUR_CODES = (
    "badrequest.empty",
    "badrequest.illegalinput",
    "badrequest.toolarge",
    "conflict",
    "unsupportedoperation",
)
_OUR_SAYS = (
    "field required",
    "required body invalid",
    "url error, please check url",
    "no connection adapters were found",
)
_MODEL_SAYS = (
    "model not found",
    "model can not be found",
    "does not exist or you do not have access",
)
_VERDICTS = ("invalidfile.", "invalidimage", "invalidperson", "invalidinputlength")
_REJECTED = (
    *_VERDICTS,
    *_MODERATED,
    "invalidurl",
    "invalidparameter",
    "badrequest",
    "entitytoolarge",
    "filetoolarge",
)
_OUR_STATUS = (404, 405, 406, 409, 411, 413, 414, 415, 422)


def is_verdict(code: str) -> bool:
    """Whether an error code is a judgement on the picture itself, so that on a detect call it is a
    verdict, not a failure."""
    key = plain(code)
    return key.startswith(_VERDICTS) and not key.startswith(_UNREACHABLE)


def _by_code(
    code: str, message: str, request_id: str, status: int | None, retry_after: float | None
) -> WireError | None:
    """The error that code and message name by themselves; None when only the HTTP status can
    tell."""
    key, said = plain(code), message.lower()
    told = (code, message, request_id, status)
    if "free allocated quota exceeded" in said or key.startswith(_QUOTA):
        return AccountTrouble(*told, reason="quota")
    if key.startswith(_KEY):
        return AccountTrouble(*told, reason="key")
    if key.startswith(_ARREARS):
        return AccountTrouble(*told, reason="arrears")
    if key.startswith(_ACCESS):
        return AccountTrouble(*told, reason="access")
    if key.startswith("modelnotfound") or (
        key in ("", "invalidparameter", "notfound") and any(text in said for text in _MODEL_SAYS)
    ):
        return ModelGone(*told)
    if key.startswith("accessdenied"):
        if "policy expired" in said:
            return RetryLater(*told, retry_after=retry_after)
        if "synchronous calls" in said:
            return OurFault(*told)
        return AccountTrouble(*told, reason="access")
    if key.startswith(_BUDGET) or any(text in said for text in _BUDGET_SAYS):
        return AccountTrouble(*told, reason="budget")
    if key.startswith(_THROTTLED) or key.startswith(_CAPACITY):
        return RetryLater(*told, retry_after=retry_after)
    if key.startswith(_MODERATED):
        return Rejected(*told)
    if key.startswith(_SERVICE):
        return None
    if any(text in said for text in _OUR_SAYS) or key.startswith(_OUR_CODES):
        return OurFault(*told)
    if (
        key.startswith(_UNREACHABLE)
        or any(text in said for text in _UNREACHABLE_SAYS)
        or ("download" in said and "time" in said)
    ):
        return MediaUnreachable(*told)
    if key.startswith(_REJECTED):
        return Rejected(*told)
    return None


def from_response(
    status: int,
    payload: dict[str, Any] | None,
    headers: Mapping[str, str],
    *,
    submit: bool = False,
    text: str = "",
) -> WireError:
    """The error in an answer that is not a success. `payload` is its JSON object, None when the
    body was none; `text` then says in our words what came instead. With `submit`, a 5xx and a body
    that is not the service's own stay uncertain.

    429 proves that nothing was created, whoever says it.
    """
    code, message = error_of(payload or {})
    request_id = tidy((payload or {}).get("request_id")) or tidy(headers.get("x-request-id"))
    wait = _retry_after(headers)
    if payload is None:
        code, message = (
            "NotJson" if not 300 <= status < 400 else "Redirected",
            text or f"HTTP {status} without a JSON body",
        )
    elif not code and not message:
        code = "BadAnswer" if status < 300 else ""
        message = tidy(payload.get("message")) or text or f"HTTP {status} without an error code"
    told = (code, message, request_id, status)

    named = _by_code(code, message, request_id, status, wait) if payload is not None else None
    if status >= 500:
        if isinstance(named, AccountTrouble) or (isinstance(named, RetryLater) and not submit):
            return named
        return NoAnswer(*told)
    if status in (301, 307, 308):
        return OurFault(*told)
    if status < 400 or status in (408, 499):
        return named or NoAnswer(*told)
    if isinstance(named, AccountTrouble):
        return named
    if status == 429:
        return named if isinstance(named, RetryLater) else RetryLater(*told, retry_after=wait)
    if status == 401:
        return AccountTrouble(*told, reason="key")
    if named is not None:
        return named
    if payload is None and submit:
        return NoAnswer(*told)
    if status == 402:
        return AccountTrouble(*told, reason="arrears")
    if status == 403 and payload is not None:
        return AccountTrouble(*told, reason="access")
    if payload is None or status in _OUR_STATUS:
        return OurFault(*told)
    if plain(code).startswith(_SERVICE):
        return NoAnswer(*told)
    return Rejected(*told)


def of_task_failure(code: str, message: str) -> WireError:
    """The class of a FAILED task (HTTP 200, CONTRACT §11.1 b). The task has surely ended, so
    nothing here is uncertain: a failure inside the service is RetryLater (a new task may work), a
    code that nobody knows is Rejected (never repeat)."""
    named = _by_code(tidy(code), tidy(message), "", None, None)
    if named is not None:
        return named
    if plain(code).startswith(_SERVICE):
        return RetryLater(code, message)
    return Rejected(code, message)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from `retry-after-ms` or `Retry-After` (seconds or an HTTP date); None when
    absent or nonsense."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            try:
                date = parsedate_to_datetime(value)
            except ValueError:
                continue
            seconds = (
                date if date.tzinfo else date.replace(tzinfo=UTC)
            ).timestamp() - datetime.now(UTC).timestamp()
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None
