"""All second factors lost: an operator's link takes them away, once."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from studio.audit.events import Event
from studio.models import User
from studio.models.audit import AuditEntry
from tests.studio.teams.factor_steps import first_step, is_in, with_app, with_codes

pytestmark = pytest.mark.django_db


def printed(email: str) -> str:
    out = StringIO()
    call_command("lostfactors", email, stdout=out)
    return urlsplit(out.getvalue().splitlines()[-1]).path


def test_the_link_takes_them_away_once(owner: User, client_of: Callable[[User], Client]) -> None:
    with_app(owner)
    with_codes(owner)
    thief = client_of(owner)
    path = printed(owner.email)
    client = Client()
    assert owner.email in client.get(path).content.decode()
    assert Authenticator.objects.count() == 2, "opening it changes nothing"
    assert client.post(path).status_code == 302
    assert not Authenticator.objects.exists()
    assert thief.get("/").status_code == 302
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404
    first_step(owner, client)
    assert is_in(client)
    told = set(AuditEntry.objects.values_list("event", flat=True))
    assert {Event.FACTORS_LINK_MADE.value, Event.FACTORS_LOST.value} <= told


def test_it_ends_when_the_factors_change(owner: User) -> None:
    with_app(owner)
    path = printed(owner.email)
    with_codes(owner)
    assert Client().get(path).status_code == 404


def test_it_ends_after_a_day(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    with_app(owner)
    path = printed(owner.email)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 24 * 3600 + 60)
    assert Client().get(path).status_code == 404
    assert Client().post(path).status_code == 404
    assert Authenticator.objects.exists()


@pytest.mark.parametrize("token", ["x", "a:b:c", "%00"])
def test_a_made_up_link_is_none(token: str) -> None:
    assert Client().get(f"/accounts/2fa/lost/{token}/").status_code == 404


def test_there_must_be_something_to_take_away(owner: User, capsys: Any) -> None:
    with pytest.raises(CommandError, match="no second factor"):
        printed(owner.email)
    with pytest.raises(CommandError, match="Nobody"):
        printed("nobody@example.com")
