"""Where what is done now comes from: a request, with its person, address and sign-in, or a command
or worker.

Of a request it stands in a context variable that the middleware sets, as does the upload, which is
no page of Django's. What is done outside of any request comes from the process, whose arguments say
which command it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from studio.config.request_address import address_of
from studio.models.audit import Via
from studio.models.people import User

WORKER = "worker"  # the command whose processes are the workers
_HIDDEN = 12  # characters of the digest that stands for a sign-in


@dataclass(frozen=True, slots=True)
class Origin:
    """Who, and which way. `sign_in` is a digest: a session's key opens the session."""

    via: Via
    through: str = ""
    by: User | None = None
    address: str = ""
    sign_in: str = ""


@dataclass(slots=True)
class _Request:
    """Looked at when something is recorded, since a sign-in changes who asks in the middle of a
    request."""

    request: HttpRequest

    def origin(self) -> Origin:
        user = getattr(self.request, "user", None)
        found = self.request.resolver_match
        session = getattr(self.request, "session", None)
        return Origin(
            via=Via.ADMIN if found is not None and found.app_name == "admin" else Via.PAGE,
            by=user if isinstance(user, User) else None,
            address=address_of(self.request),
            sign_in=sign_in_mark(getattr(session, "session_key", None)),
        )


_now: ContextVar[_Request | Origin | None] = ContextVar("footlight_origin", default=None)


def current() -> Origin:
    """Where what this thread does now comes from."""
    found = _now.get()
    if found is None:
        return _of_process(sys.argv)
    return found.origin() if isinstance(found, _Request) else found


def sign_in_mark(session_key: str | None) -> str:
    """What stands for the session `session_key` in the trail; "" for none. Nobody finds the key
    from it."""
    if not session_key:
        return ""
    return salted_hmac("studio.audit.sign_in", session_key).hexdigest()[:_HIDDEN]


def _of_process(argv: list[str]) -> Origin:
    """The command that a process with these arguments is; without a name for what is none."""
    program = Path(argv[0]).name if argv else ""
    name = argv[1] if program == "manage.py" and len(argv) > 1 else ""
    return Origin(Via.WORKER) if name == WORKER else Origin(Via.COMMAND, name[:80])


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """What is recorded inside comes from `origin`: an upload, a token, a command."""
    token = _now.set(origin)
    try:
        yield
    finally:
        _now.reset(token)


class RequestOrigin:
    """Middleware: what a page does comes from whoever asked for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _now.set(_Request(request))
        try:
            return self.get_response(request)
        finally:
            _now.reset(token)
