"""Signing up, signing in, and secrets at rest."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobs.models import Account, ApiKey
from studio.common.encryption import Unreadable
from studio.models import Membership, Role, Team, User
from tests import makers

pytestmark = pytest.mark.django_db


def test_signing_up_makes_a_personal_team_and_asks_for_its_account(client: Client) -> None:
    answer = client.post(
        reverse("account_signup"),
        {"email": "Noor@Example.com", "password1": "a long enough one"},
        follow=True,
    )
    user = User.objects.get(email="noor@example.com")
    team = user.teams.get()
    assert (team.personal, team.name) == (True, "noor’s studio")
    assert Membership.objects.get(team=team, user=user).role == Role.OWNER
    assert answer.redirect_chain[-1][0] == reverse("jobs:account_new", args=[team.slug])
    assert answer.status_code == 200
    assert team.get_absolute_url() in answer.content.decode(), "it can be done later"


def test_signing_up_from_a_link_leads_to_where_the_link_led(client: Client) -> None:
    data = {"email": "noor@example.com", "password1": "a long enough one", "next": "/account/"}
    assert client.post(reverse("account_signup"), data)["Location"] == "/account/"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"email": "aiko@example.com", "password1": "short"}, "at least 10 characters"),
        ({"email": "nobody", "password1": "a long enough one"}, "valid email"),
    ],
)
def test_a_bad_sign_up_is_told_and_makes_nothing(
    client: Client, data: dict[str, str], words: str
) -> None:
    answer = client.post(reverse("account_signup"), data)
    assert words in answer.content.decode()
    assert not Team.objects.exists()


def test_a_wrong_password_is_told_in_our_words(client: Client, creator: User) -> None:
    answer = client.post(reverse("account_login"), {"login": creator.email, "password": "wrong"})
    assert "do not belong together" in answer.content.decode()
    answer = client.post(
        reverse("account_login"),
        {"login": creator.email.upper(), "password": "correct horse"},
        follow=True,
    )
    assert answer.context["user"] == creator


def test_two_teams_of_one_name_have_their_own_addresses(creator: User) -> None:
    slugs = {Team.start("Stage & Light", creator).slug for _ in range(3)}
    assert len(slugs) == 3
    assert "stage-light" in slugs
    assert Team.start("舞台", creator).slug.startswith("team")


def raw_secret(key: ApiKey) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select secret from jobs_apikey where id = %s", [key.pk])
        return str(cursor.fetchone()[0])


def test_a_key_is_encrypted_at_rest_and_survives_rotation(team: Team, settings: Any) -> None:
    account: Account = makers.account(team, key="sk-very-secret-4711")
    key = account.keys.get()
    assert "4711" not in raw_secret(key)
    assert (key.secret, key.last4) == ("sk-very-secret-4711", "4711")
    assert "secret" not in str(key)
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    assert account.keys.get().secret == "sk-very-secret-4711"
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(Unreadable):
        account.keys.get()
