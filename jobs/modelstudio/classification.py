"""Which error an answer of the service is: one table for codes and messages, then the HTTP status
(CONTRACT §11).

The order of the rows matters: the account before the speed (an unpaid bill also comes as 429), the
speed before the file, the file before the rest. On a submit everything that is not a refusal by the
service itself is NoAnswer, because a task may exist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from jobs.modelstudio.answers import error_of, tidy
from jobs.modelstudio.errors import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
)
from jobs.modelstudio.rules.rule import Pattern, normalized


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule(Pattern):
    """`error` is what the answers are that it fits; None leaves that to the HTTP status. `reason`
    goes with AccountTrouble. `whole_codes`: the codes that fit entirely, "" for no code.
    `all_messages`: every one of these is in the message."""

    error: type[WireError] | None
    reason: str = ""
    whole_codes: tuple[str, ...] = ()
    all_messages: tuple[str, ...] = ()

    def fits(self, code: str, message: str) -> bool:
        if self.whole_codes and code not in map(normalized, self.whole_codes):
            return False
        if not all(part in message for part in self.all_messages):
            return False
        return Pattern.fits(self, code, message)  # a slotted dataclass has no bare super()


_MEDIA_UNREACHABLE = (
    "InvalidParameter.DataInspection",
    "InvalidURL.ConnectionRefused",
    "InvalidURL.Timeout",
    "BadRequest.InputDownloadFailed",
    "InvalidFile.DownloadFailed",
)
_VERDICTS = ("InvalidFile.", "InvalidImage", "InvalidPerson", "InvalidInputLength")
_SERVICE = ("InternalError", "SystemError", "ModelServiceFailed", "RequestTimeout")
_OUR_STATUS = (404, 405, 406, 409, 411, 413, 414, 415, 422)

# CONTRACT §11.2; the media codes of the last rows: §11.3.
ERROR_RULES = (
    # the account
    ErrorRule(error=AccountTrouble, reason="quota", messages=("free allocated quota exceeded",)),
    ErrorRule(error=AccountTrouble, reason="quota", codes=("AllocationQuota.FreeTierOnly",)),
    ErrorRule(error=AccountTrouble, reason="key", codes=("InvalidApiKey",)),
    ErrorRule(
        error=AccountTrouble,
        reason="arrears",
        codes=(
            "Arrearage",
            "PrepaidBillOverdue",
            "PostpaidBillOverdue",
            "CommodityNotPurchased",
        ),
    ),
    ErrorRule(
        error=AccountTrouble,
        reason="access",
        codes=(
            "AccessDenied.Unpurchased",
            "Model.AccessDenied",
            "Workspace.AccessDenied",
            "App.AccessDenied",
            "NotAuthorized",
            "WorkSpaceNotFound",
        ),
    ),
    ErrorRule(error=ModelGone, codes=("ModelNotFound",)),
    ErrorRule(
        error=ModelGone,
        whole_codes=("", "InvalidParameter", "NotFound"),
        messages=(
            "model not found",
            "model can not be found",
            "does not exist or you do not have access",
        ),
    ),
    ErrorRule(error=RetryLater, codes=("AccessDenied",), messages=("policy expired",)),
    ErrorRule(error=OurFault, codes=("AccessDenied",), messages=("synchronous calls",)),
    ErrorRule(error=AccountTrouble, reason="access", codes=("AccessDenied",)),
    # A 429 that no slowing down cures: what the console allots is used up.
    ErrorRule(
        error=AccountTrouble,
        reason="budget",
        codes=("Throttling.AllocationQuota", "insufficient_quota"),
    ),
    ErrorRule(
        error=AccountTrouble,
        reason="budget",
        messages=("allocated quota exceeded", "exceeded your current quota"),
    ),
    # the speed
    ErrorRule(error=RetryLater, codes=("Throttling", "limit_requests", "limit_burst_rate")),
    ErrorRule(error=RetryLater, codes=("ModelServingError", "ModelUnavailable")),
    # the content, and the service itself
    ErrorRule(
        error=Rejected,
        codes=(
            "DataInspectionFailed",
            "IPInfringementSuspect",
            "CustomRoleBlocked",
            "FaqRuleBlocked",
        ),
    ),
    ErrorRule(error=None, codes=_SERVICE),
    # the request
    ErrorRule(
        error=OurFault,
        messages=(
            "field required",
            "required body invalid",
            "url error, please check url",
            "no connection adapters were found",
        ),
    ),
    ErrorRule(
        error=OurFault,
        codes=(
            "BadRequest.Empty",
            "BadRequest.IllegalInput",
            "BadRequest.TooLarge",
            "Conflict",
            "UnsupportedOperation",
        ),
    ),
    # the file
    ErrorRule(error=MediaUnreachable, codes=_MEDIA_UNREACHABLE),
    ErrorRule(
        error=MediaUnreachable,
        messages=(
            "failed to download",
            "unable to download",
            "check the request url is available",
        ),
    ),
    ErrorRule(error=MediaUnreachable, all_messages=("download", "time")),
    ErrorRule(
        error=Rejected,
        codes=(
            *_VERDICTS,
            "InvalidURL",
            "InvalidParameter",
            "BadRequest",
            "EntityTooLarge",
            "FileTooLarge",
        ),
    ),
)


def is_verdict(code: str) -> bool:
    """Whether an error code is a judgement on the picture itself, so that on a detect call it is a
    verdict, not a failure."""
    return _starts(code, _VERDICTS) and not _starts(code, _MEDIA_UNREACHABLE)


def _starts(code: str, starts: tuple[str, ...]) -> bool:
    return normalized(code).startswith(tuple(normalized(start) for start in starts))


@dataclass(frozen=True, slots=True)
class _ErrorAnswer:
    """What an answer that is no success says. `readable`: its body was a JSON object."""

    code: str
    message: str
    request_id: str = ""
    status: int | None = None
    retry_after: float | None = None
    readable: bool = True

    def error(self, kind: type[WireError], reason: str = "") -> WireError:
        words = (self.code, self.message, self.request_id, self.status)
        if issubclass(kind, AccountTrouble):
            return kind(*words, reason=reason)
        if issubclass(kind, RetryLater):
            return kind(*words, retry_after=self.retry_after)
        return kind(*words)

    def named(self) -> WireError | None:
        """The error that code and message name by themselves; None when only the HTTP status can
        tell."""
        key, text = normalized(self.code), self.message.lower()
        rule = next((rule for rule in ERROR_RULES if rule.fits(key, text)), None)
        return self.error(rule.error, rule.reason) if rule and rule.error else None


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
    answer = _read(status, payload, headers, text)
    named = answer.named() if answer.readable else None
    if status >= 500:
        if isinstance(named, AccountTrouble) or (isinstance(named, RetryLater) and not submit):
            return named
        return answer.error(NoAnswer)
    if status in (301, 307, 308):
        return answer.error(OurFault)
    if status < 400 or status in (408, 499):
        return named or answer.error(NoAnswer)
    return _refusal(answer, status, named, submit)


def _read(
    status: int, payload: dict[str, Any] | None, headers: Mapping[str, str], text: str
) -> _ErrorAnswer:
    code, message = error_of(payload or {})
    if payload is None:
        code = "Redirected" if 300 <= status < 400 else "NotJson"
        message = text or f"HTTP {status} without a JSON body"
    elif not code and not message:
        code = "BadAnswer" if status < 300 else ""
        message = tidy(payload.get("message")) or text or f"HTTP {status} without an error code"
    return _ErrorAnswer(
        code,
        message,
        tidy((payload or {}).get("request_id")) or tidy(headers.get("x-request-id")),
        status,
        _retry_after(headers),
        payload is not None,
    )


def _refusal(answer: _ErrorAnswer, status: int, named: WireError | None, submit: bool) -> WireError:
    """The error in a 4xx, of which `named` is what code and message say."""
    if isinstance(named, AccountTrouble):
        return named
    if status == 429:
        return named if isinstance(named, RetryLater) else answer.error(RetryLater)
    if status == 401:
        return answer.error(AccountTrouble, "key")
    if named is not None:
        return named
    if not answer.readable and submit:
        return answer.error(NoAnswer)
    if status == 402:
        return answer.error(AccountTrouble, "arrears")
    if status == 403 and answer.readable:
        return answer.error(AccountTrouble, "access")
    if not answer.readable or status in _OUR_STATUS:
        return answer.error(OurFault)
    if _starts(answer.code, _SERVICE):
        return answer.error(NoAnswer)
    return answer.error(Rejected)


def of_task_failure(code: str, message: str) -> WireError:
    """The class of a FAILED task (HTTP 200, CONTRACT §11.1 b). The task has surely ended, so
    nothing here is uncertain: a failure inside the service is RetryLater (a new task may work), a
    code that nobody knows is Rejected (never repeat)."""
    named = _ErrorAnswer(tidy(code), tidy(message)).named()
    if named is not None:
        return named
    return RetryLater(code, message) if _starts(code, _SERVICE) else Rejected(code, message)


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
