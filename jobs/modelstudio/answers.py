"""What the service answers, typed. Tolerant of fields that are missing, odd or new; strict where an
answer decides about money or about which task is ours (CONTRACT §2 to §4, §8, §9). A strict refusal
is a BadAnswer, which the client turns into NoAnswer: an answer that cannot be read says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from jobs.catalogue.entries import Model, billed_units

TERMINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"})

_CHINA = timezone(timedelta(hours=8))
_LONGEST_TEXT = 2000
_SECRET = re.compile(r"\b(sk|st)-[A-Za-z0-9_-]{6,}")
_ADDRESS = re.compile(r"\b(?:https?|oss)://[^\s\"'<>]+", re.IGNORECASE)
_NOT_ERRORS = frozenset({"", "success", "ok", "200"})  # words of other gateways for "fine"


class BadAnswer(ValueError):
    """An answer that lacks what must not be guessed. Its text says what is missing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a detect model on a picture. `facts` holds the model's declared facts that
    came with it; `units` is what the service says it billed (images), None when it does not say. A
    pass has no code and no message."""

    passed: bool
    facts: dict[str, Any]
    code: str
    message: str
    units: Decimal | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task was created. `request_id` is the one the list repeats for this task."""

    task_id: str
    status: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task as GET tells it. `status` is the provider's own word; times are aware and in UTC,
    None when not said.

    `output` and `usage` are as they came: what is in them depends on the model
    (`catalogue.result_of`, `billed_units`).
    """

    task_id: str
    status: str
    output: dict[str, Any]
    usage: dict[str, Any]
    code: str
    message: str
    request_id: str
    submit_time: datetime | None
    scheduled_time: datetime | None
    end_time: datetime | None

    @property
    def finished(self) -> bool:
        """SUCCEEDED, FAILED, CANCELED or UNKNOWN; any other word, also one never seen, means still
        working."""
        return self.status in TERMINAL

    @property
    def unknown(self) -> bool:
        """The service does not know the task: older than 24 hours, never there, or another
        account's."""
        return self.status == "UNKNOWN"


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task as the list tells it: no result, no usage, no error code. Times are aware and in
    UTC."""

    task_id: str
    status: str
    model_name: str
    request_id: str
    created_at: datetime
    ended_at: datetime | None
    api_key_id: str


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of the list; `total` counts tasks over all pages."""

    total: int
    lines: tuple[TaskLine, ...]
    page_no: int
    total_page: int
    page_size: int = 50


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    """Leave to upload to the temporary storage for `expires_in` seconds. Secret: never log it."""

    host: str
    directory: str
    policy: str
    signature: str
    access_key_id: str
    object_acl: str
    forbid_overwrite: str
    expires_in: int
    max_bytes: int | None

    def __repr__(self) -> str:
        return (
            f"UploadPolicy(host={self.host!r}, directory={self.directory!r}, "
            f"expires_in={self.expires_in})"
        )


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────


def without_query(url: str) -> str:
    """`url` without user, query and fragment: what a log may show of an address."""
    head = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/@]*@", r"\1", head)


def tidy(text: object) -> str:
    """`text` fit to be shown, stored and logged: no keys, no query strings of addresses, no NUL, at
    most 2000 characters.

    Anything but a string or a number reads as "".
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return ""
    clean = _ADDRESS.sub(
        lambda found: without_query(found.group()),
        str(text).replace("\x00", "")[: 4 * _LONGEST_TEXT],
    )
    return _SECRET.sub(r"\1-…", clean).strip()[:_LONGEST_TEXT]


def mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def error_of(payload: Mapping[str, Any]) -> tuple[str, str]:
    """(code, message) of an envelope, looked for at the top level, then under `output` (CONTRACT
    §2, §11.1), then under `error` as the service's other addresses put it. Both are "" when the
    answer names no error."""
    for place in (payload, mapping(payload.get("output")), mapping(payload.get("error"))):
        code = tidy(place.get("code"))
        if code.lower() not in _NOT_ERRORS:
            return code, tidy(place.get("message"))
    return "", ""


def moment(value: object) -> datetime | None:
    """An aware UTC time from "YYYY-MM-DD HH:MM:SS[.mmm]" in UTC+8, ISO 8601 with a zone, or epoch
    milliseconds; None otherwise, and for one outside of 2000 to 2199, which hours could not be
    added to or which means something else."""
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdigit()):
            found = datetime.fromtimestamp(float(value) / 1000, UTC)
        elif isinstance(value, str):
            parsed = datetime.fromisoformat(value.strip())
            found = (parsed if parsed.tzinfo else parsed.replace(tzinfo=_CHINA)).astimezone(UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return found if 2000 <= found.year < 2200 and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and abs(value) < 2**53:  # False for NaN
        return int(value)
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 16:
        return int(value)
    return None


def _identity(value: object, what: str, longest: int = 2000) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadAnswer(f"the answer has no {what}")
    if len(value.strip()) > longest:
        raise BadAnswer(f"the {what} has more than {longest} characters")
    return value.strip()


def _task_id(value: object) -> str:
    return _identity(value, "task_id", 80)  # a row holds no more; the service's have 36


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    return None


# ── whole answers ─────────────────────────────────────────────────────────────────────────────────


def verdict(model: Model, payload: Mapping[str, Any], *, refused: bool = False) -> Verdict:
    """The verdict in a 200 of a detect call: a flag (`check_pass`, `pass`), or no flag and a box
    (CONTRACT §11.1 c). `refused` says that its code judges the picture, which is a verdict without
    a flag.

    Raises BadAnswer when there is none of these.
    """
    output = mapping(payload.get("output"))
    code, said = error_of(payload)
    passed: bool | None = None
    for name in (model.verdict, "check_pass", "pass"):
        passed = _flag(output.get(name)) if passed is None else passed
    if passed is None and refused:
        passed = False
    if (
        passed is None
        and model.verdict
        and isinstance(output.get(model.verdict), list)
        and output[model.verdict]
    ):
        passed = True
    if passed is None:
        raise BadAnswer("the answer has no verdict")
    reasons = [
        tidy(output.get(name)) for name in (*model.reasons, "message", "reason") if name != "code"
    ] + [said]
    return Verdict(
        passed=passed,
        facts={name: output[name] for name in model.facts if name in output},
        code="" if passed else code,
        message="" if passed else next((reason for reason in reasons if reason), ""),
        units=billed_units(model, mapping(payload.get("usage"))),
        request_id=tidy(payload.get("request_id")),
    )


def refused_verdict(code: str, message: str, request_id: str) -> Verdict:
    """A verdict that came as an error (HTTP 400 InvalidFile.*): not passed, and not billed since
    the request failed."""
    return Verdict(False, {}, code, message, Decimal(0), request_id)


def submitted(payload: Mapping[str, Any]) -> Submitted:
    """The answer to a submit. Raises BadAnswer without a task id."""
    output = mapping(payload.get("output"))
    return Submitted(
        _task_id(output.get("task_id")),
        tidy(output.get("task_status")) or "PENDING",
        tidy(payload.get("request_id")),
    )


def task(payload: Mapping[str, Any], asked: str = "") -> Task:
    """A task as GET tells it. Raises BadAnswer without a status, and when it is about another task
    than `asked`."""
    output = mapping(payload.get("output"))
    task_id = _task_id(output.get("task_id", asked or None))
    if asked and task_id != asked:
        raise BadAnswer(f"the answer is about task {tidy(task_id)}, not {tidy(asked)}")
    code, message = error_of(payload)
    return Task(
        task_id=task_id,
        status=_identity(output.get("task_status"), "task_status"),
        output=output,
        usage=mapping(payload.get("usage")),
        code=code,
        message=message or tidy(output.get("message")),
        request_id=tidy(payload.get("request_id")),
        submit_time=moment(output.get("submit_time")),
        scheduled_time=moment(output.get("scheduled_time")),
        end_time=moment(output.get("end_time")),
    )


def page(payload: Mapping[str, Any], page_no: int, page_size: int) -> TaskPage:
    """A page of the list (CONTRACT §8.2). Raises BadAnswer when a line lacks its id or its time: a
    task that was overlooked could be submitted, and paid, again."""
    data = payload.get("data")
    total = _whole(payload.get("total"))
    if data is None and total == 0:
        data = []
    if not isinstance(data, list):
        raise BadAnswer("the list has no data")
    lines = []
    for entry in data:
        line = mapping(entry)
        created = moment(line.get("gmt_create")) or moment(line.get("start_time"))
        if created is None:
            raise BadAnswer("a task in the list has no time")
        lines.append(
            TaskLine(
                task_id=_task_id(line.get("task_id")),
                status=tidy(line.get("status")) or tidy(line.get("task_status")),
                model_name=tidy(line.get("model_name")),
                request_id=tidy(line.get("request_id")),
                created_at=created,
                ended_at=moment(line.get("end_time")),
                api_key_id=tidy(line.get("api_key_id")),
            )
        )
    total = len(lines) if total is None else total
    pages = _whole(payload.get("total_page"))
    size = _whole(payload.get("page_size")) or page_size  # it may be capped below what was asked
    return TaskPage(
        total,
        tuple(lines),
        _whole(payload.get("page_no")) or page_no,
        -(-total // size) if pages is None else pages,
        size,
    )


def upload_policy(payload: Mapping[str, Any]) -> UploadPolicy:
    """Leave to upload (CONTRACT §9). Raises BadAnswer when a field that must be sent back is
    missing."""
    data = mapping(payload.get("data"))
    host = _identity(data.get("upload_host"), "upload_host").rstrip("/")
    if urlsplit(host).scheme not in ("http", "https") or not urlsplit(host).hostname:
        raise BadAnswer("the upload_host is no address")
    forbid = data.get("x_oss_forbid_overwrite", "true")
    megabytes = _whole(data.get("max_file_size_mb"))
    return UploadPolicy(
        host=host,
        directory=_identity(data.get("upload_dir"), "upload_dir").strip("/"),
        policy=_identity(data.get("policy"), "policy", 20_000),
        signature=_identity(data.get("signature"), "signature"),
        access_key_id=_identity(data.get("oss_access_key_id"), "oss_access_key_id"),
        object_acl=_identity(data.get("x_oss_object_acl", "private"), "x_oss_object_acl"),
        forbid_overwrite=str(forbid).lower()
        if isinstance(forbid, bool)
        else _identity(forbid, "x_oss_forbid_overwrite"),
        expires_in=max(0, _whole(data.get("expire_in_seconds")) or 0),
        max_bytes=megabytes * 1024 * 1024 if megabytes and megabytes > 0 else None,
    )
