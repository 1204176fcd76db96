"""What tests of second factors do as a person would: codes of an app, sessions that grow old."""

from __future__ import annotations

import re
import time
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY as METHODS
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from studio.models import User

PASSWORD = "correct horse"


def code_of(secret: str, steps: int = 0) -> str:
    """What the app shows now; `steps` half minutes later."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


def with_app(user: User) -> str:
    """`user` has an app with codes; returns its key."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return secret


def with_codes(user: User) -> list[str]:
    return list(RecoveryCodes.activate(user).get_unused_codes())


def first_step(user: User, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    words = {"login": user.email, "password": PASSWORD}
    return client, client.post(reverse("account_login"), words)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def grown_old(client: Client, seconds: float = 601) -> Client:
    """The person has shown who they are `seconds` ago."""
    session = client.session
    records = session[METHODS]
    session[METHODS] = [{**one, "at": one["at"] - seconds} for one in records]
    session.save()
    return client


def forget_limits() -> None:
    cache.clear()


def fields(html: str, name: str) -> list[str]:
    return re.findall(rf'name="{re.escape(name)}" value="([^"]*)"', html)
