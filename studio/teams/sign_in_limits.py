"""How often a password may be tried, so that it cannot be guessed, and so that nobody can keep
somebody else out.

Tries are counted by account *and* address of the visitor, so a stranger's tries are his own. Tries
of one account from everywhere are counted too, because many addresses may try together; who meets
that limit gets in by a link that comes by mail, which sets both counts back. Without a mail server
there is no such way, so there is no such limit.
"""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.conf import settings
from django.http import HttpRequest

from studio.common.client_address import network_of
from studio.config.request_address import address_of
from studio.models import User

HERE, ANYWHERE = "login_failed", "login_failed_anywhere"


class LimitedTries:
    """The part of allauth's adapter that counts tries; the methods are its hooks."""

    validation_error: Callable[[str], Exception]  # allauth's own

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: object) -> None:
        login = _login(credentials)
        if settings.MAIL_SERVER and not _left(request, ANYWHERE, login):
            raise self.validation_error("too_many_anywhere")
        if not _left(request, HERE, _here(request, login)):
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: object) -> None:
        login = _login(credentials)
        ratelimit.consume(request, action=HERE, key=_here(request, login))
        ratelimit.consume(request, action=ANYWHERE, key=login)


def forget_tries(request: HttpRequest, user: User) -> None:
    """Somebody has set a new password with a link from their mailbox: nobody else's tries count
    against them."""
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    for login in {user.email.lower(), *addresses}:
        ratelimit.clear(request, action=HERE, key=_here(request, login))
        ratelimit.clear(request, action=ANYWHERE, key=login)


def _login(credentials: dict[str, object]) -> str:
    return str(credentials.get("email") or credentials.get("username") or "").lower()


def _here(request: HttpRequest, login: str) -> str:
    return f"{network_of(address_of(request))} {login}"


def _left(request: HttpRequest, action: str, key: str) -> bool:
    return bool(ratelimit.consume(request, action=action, key=key, dry_run=True))
