"""Log lines with the ids of what they are about, and without a secret in them.

Code logs through `logging.getLogger("footlight.…")` as ever; structlog puts every record, also
those of other packages, through one chain: ids of the present visit, step or request, a time, the
traceback as text, then `without_secrets`, and only then the line is written, as JSON or for eyes.
"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:  # settings read this module, and Django's own need settings
    from django.http import HttpRequest, HttpResponseBase

# ── what a line is about ──────────────────────────────────────────────────────────────────────────


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Every line logged inside, on this thread, says `job=…`, `lane=…`, `account=…`, `team=…` or
    whatever is named here.

    A row is named by its public id or its address (`slug`); anything else by its text; None and ""
    are left out. Nests.
    """
    with structlog.contextvars.bound_contextvars(
        **{name: _id_of(value) for name, value in ids.items() if value not in (None, "")}
    ):
        yield


def _id_of(value: object) -> str:
    return str(getattr(value, "public_id", None) or getattr(value, "slug", None) or value)


# ── what a line never says ────────────────────────────────────────────────────────────────────────

GONE = "…"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # API keys and temporary tokens of Model Studio
    (re.compile(r"(?<![A-Za-z0-9])(sk|st)-[A-Za-z0-9_-]{6,}"), rf"\1-{GONE}"),
    (re.compile(r"\b(Bearer)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {GONE}"),
    (
        re.compile(
            r"\b((?:Proxy-)?Authorization|(?:Set-)?Cookie)(\s*:\s*)(?![\s\"'])[^\n]+", re.IGNORECASE
        ),
        rf"\1\2{GONE}",
    ),
    # user and password of an address, then its whole query and fragment: signatures have many names
    (re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@\"'<>]+@"), rf"\1{GONE}@"),
    (re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>?#]*)[?#][^\s\"'<>]*"), rf"\1?{GONE}"),
    # the same in an address without a host, a form or a dict: name=value, "name": "value"
    (
        re.compile(
            r"([\"']?\b(?:Signature|Expires|OSSAccessKeyId|AWSAccessKeyId|x-oss-[\w-]+|X-Amz-[\w-]+|security[_-]token|access[_-]?token|token|sig"
            r"|api[_-]?key|secret(?:[_-]?key)?|password|authorization|sessionid|csrftoken)\b[\"']?\s*(?:=|:(?=\s*[\"']))\s*[\"']?)[^\s\"'&;,<>)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1{GONE}",
    ),
    # addresses of ours whose path is the secret: files for the outside, new passwords, confirmed
    # e-mails
    (re.compile(r"(/m/|/password/reset/key/|/confirm-email/)[^\s/\"'<>]+"), rf"\1{GONE}"),
    # fernet keys
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}=(?![A-Za-z0-9_=-])"), GONE),
)
_SECRET_NAMES = re.compile(
    r"(?:^|[_-])(?:authorization|cookie|password|secret|secret_?key|api_?key|token|signature|field_?keys)$",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def cleaned(text: str) -> str:
    """`text` without keys, signatures, queries of addresses, and control characters but newline and
    tab."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return _CONTROL.sub("", text)


def without_secrets(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The last processor before a line is written: every value becomes plain and cleaned, however
    deep it lies."""
    return {name: _cleaned_value(name, value) for name, value in event.items()}


def _cleaned_value(name: str, value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(name, str) and _SECRET_NAMES.search(name):
        return GONE
    if isinstance(value, Mapping):
        return {
            cleaned(str(inner)): _cleaned_value(str(inner), part) for inner, part in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned_value("", part) for part in value]
    return cleaned(
        value
        if isinstance(value, str)
        else repr(value)
        if not isinstance(value, BaseException)
        else str(value)
    )


# ── how it is written ─────────────────────────────────────────────────────────────────────────────

FORMATS = ("console", "json")
_LEADS = ("timestamp", "level", "logger", "event")
_LATER = ("exception", "stack")


def _one_line(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
    """For eyes: “13:41:06 warning  footlight.lane_lease  what happened  job=… lane=…”, with a
    traceback below it."""
    more = " ".join(
        f"{name}={value}" for name, value in event.items() if name not in (*_LEADS, *_LATER)
    )
    # A text from outside must not look like a line of its own.
    said = str(event.get("event", "")).replace("\n", "\n    ")
    head = (
        f"{event.get('timestamp', '')} {event.get('level', ''):<8} {event.get('logger', '')}  "
        f"{said}"
    )
    parts = [
        f"{head}  {more}" if more else head,
        *(str(event[name]) for name in _LATER if event.get(name)),
    ]
    return "\n".join(parts)


def formatter(style: str) -> logging.Formatter:
    """The formatter of every handler: `json`, one object a line, or `console`."""
    last: list[Any] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False)] if style == "json" else [_one_line]
    )
    times = structlog.processors.TimeStamper(fmt="iso" if style == "json" else "%H:%M:%S", utc=True)
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        times,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    ready = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, without_secrets, *last]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=ready)


class Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """To stderr. A line that cannot be written is named by its place alone: logging's own report
    repeats the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        kind = getattr(sys.exc_info()[0], "__name__", "error")
        # stderr may be what failed, and nobody is left to tell
        with suppress(OSError, ValueError):
            sys.stderr.write(
                f"A log line could not be written ({kind}): {record.name}, "
                f"{record.pathname}:{record.lineno}\n"
            )


def config(style: str) -> dict[str, Any]:
    """Django's LOGGING: everything to stderr through one formatter, other packages only when they
    warn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "studio.config.logs.formatter", "style": style}},
        "handlers": {"console": {"class": "studio.config.logs.Handler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "footlight": {"level": "INFO"},
            "rq": {"level": "WARNING"},
            # Handlers of their own would write what our formatter takes out.
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }


# ── requests ──────────────────────────────────────────────────────────────────────────────────────

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RequestId:
    """Middleware: lines of one request share an id, which the answer carries. One that a proxy sent
    is used when it is a plain word of at most 64 characters; anything else is replaced, since it
    would stand in our log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-ID", "")
        given = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        with about(request_id=given):
            response = self.get_response(request)
        response["X-Request-ID"] = given
        return response
