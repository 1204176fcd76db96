"""By which ways a sign-in began: each named once, and what confirmed it later left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.internal.flows.login import record_authentication
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from studio.models import User
from studio.teams import sign_in_ways

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of(owner: User, rf: RequestFactory) -> Any:
    request = rf.get("/")
    request.session, request.user = SessionStore(), owner
    request.allauth = SimpleNamespace()
    return request


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([("password", {})], "password"),
        ([("password", {}), ("mfa", {"type": "totp"})], "password, code of the app"),
        ([("password", {}), ("mfa", {"type": "recovery_codes"})], "password, recovery code"),
        ([("mfa", {"type": "webauthn", "passwordless": True})], "passkey"),
        ([("password", {}), ("mfa", {"type": "webauthn"})], "password, passkey"),
        ([("password_reset", {})], "link by mail"),
        ([("socialaccount", {"provider": "x"})], "another service"),
        ([("password", {}), ("mfa", {"type": "totp", "reauthenticated": True})], "password"),
        ([], ""),
    ],
    ids=str,
)
def test_ways(
    request_of: Any, owner: User, records: list[tuple[str, dict[str, Any]]], words: str
) -> None:
    for method, more in records:
        record_authentication(request_of, owner, method, **more)
    assert sign_in_ways.in_words(sign_in_ways.ways_of(request_of)) == words


def test_unknown_words_of_a_row_are_left_out() -> None:
    assert sign_in_ways.in_words(["password", "magic"]) == "password"
