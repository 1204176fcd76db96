"""What people do with second factors, and that they showed who they are, stands in the trail."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from studio.audit.events import Event
from studio.models import AuditEntry, Team, User

pytestmark = pytest.mark.django_db


def events() -> list[str]:
    return list(
        AuditEntry.objects.filter(copy=False).order_by("id").values_list("event", flat=True)
    )


def test_factors_that_come_and_go_are_told_in_each_team(team: Team, owner: User) -> None:
    app = Authenticator.objects.create(
        user=owner, type=Authenticator.Type.TOTP, data={"secret": "canary"}
    )
    given: dict[str, Any] = {"request": HttpRequest(), "user": owner, "authenticator": app}
    signals.authenticator_added.send(Authenticator, **given)
    signals.authenticator_removed.send(Authenticator, **given)
    signals.authenticator_reset.send(Authenticator, **given)
    assert events() == [
        Event.SECOND_FACTOR_ADDED,
        Event.SECOND_FACTOR_REMOVED,
        Event.RECOVERY_CODES_MADE,
    ]
    assert team.audit.count() == 3
    assert "canary" not in str(AuditEntry.objects.values_list())


def test_who_shows_that_it_is_them_is_told(owner: User, settings: Any) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": owner.email, "password": "correct horse"})
    settings.CONFIRMED_FOR = 0
    for word, event in (("wrong", Event.STEP_UP_FAILED), ("correct horse", Event.CONFIRMED_AGAIN)):
        client.post(reverse("confirm"), {"confirm_password": word, "next": "/"})
        assert events()[-1] == event
        assert word not in str(AuditEntry.objects.values_list())
