"""A new password is one field, wherever it is set, and its rules are said once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from studio.models import User
from tests.html import parse

pytestmark = pytest.mark.django_db


def test_a_change_asks_for_the_old_one_and_once_for_the_new(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    change = reverse("account_change_password")
    page = parse(client.get(change).content.decode())
    names = page.values("main input[type=password]", "name")
    assert names == ["oldpassword", "password1"]
    assert str(page.one("main").text).count("10 characters") == 1
    client.post(change, {"oldpassword": "correct horse", "password1": "four new long words"})
    owner.refresh_from_db()
    assert owner.check_password("four new long words")


def test_what_is_too_short_is_said_at_the_field(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(owner).post(
        reverse("account_change_password"), {"oldpassword": "correct horse", "password1": "short"}
    )
    owner.refresh_from_db()
    assert owner.check_password("correct horse")
    assert "at least 10 characters" in answer.content.decode()
