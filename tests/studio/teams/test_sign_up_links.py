"""Who may make an account: everybody, who has a link, or nobody; and the one-time links."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from studio.common import clock
from studio.management.commands import dev
from studio.models import SignUpLink, Team, User
from studio.teams import confirmed, sign_up_links
from tests.studio.teams.test_confirmed import BOSS, GUESSED, OWN, sign_in, sign_up

pytestmark = pytest.mark.django_db


def opened(link: str, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.get(urlsplit(link).path, follow=True)


def invite(email: str = BOSS, **options: Any) -> str:
    out = io.StringIO()
    call_command("invite", email, stdout=out, **options)
    return out.getvalue().split()[-1]


@pytest.mark.parametrize("who", ["invited", "closed"])
def test_without_a_link_nobody_signs_up(client: Client, settings: Any, who: str) -> None:
    settings.SIGNUP = who
    assert "Make an account" not in client.get(reverse("account_login")).content.decode()
    assert "No new accounts" in client.get(reverse("account_signup")).content.decode()
    sign_up(client, BOSS)
    assert not User.objects.exists()


def test_with_a_link_its_address_signs_up_once_and_is_confirmed(settings: Any) -> None:
    settings.SIGNUP = "invited"
    link = invite("Boss@Example.com")
    client, page = opened(link)
    assert BOSS in page.content.decode()
    assert link.rstrip("/").rsplit("/", 1)[1] not in str(page.redirect_chain[-1])
    sign_up(client, "thief@example.com", OWN)
    boss = User.objects.get()
    assert boss.email == BOSS, "the address of the link, whatever the form says"
    assert confirmed.is_confirmed(boss)
    assert not boss.is_staff
    assert "_auth_user_id" in client.session
    _other, page = opened(link)
    assert page.status_code == 404
    assert "does not work any more" in page.content.decode()


def test_two_who_opened_one_link_make_one_account(settings: Any) -> None:
    settings.SIGNUP = "invited"
    link = invite()
    first, second = opened(link)[0], opened(link)[0]
    sign_up(first, BOSS, OWN)
    page = sign_up(second, BOSS, GUESSED)
    assert "No new accounts" in page.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize("looks", [1, 2])
def test_a_link_that_is_spent_meanwhile_makes_nothing(
    settings: Any, monkeypatch: Any, looks: int
) -> None:
    settings.SIGNUP = "invited"
    client, _page = opened(invite())
    kept, asked = sign_up_links.remembered, []

    def spent_later(request: Any) -> SignUpLink | None:
        asked.append(found := kept(request))
        if len(asked) == looks:
            SignUpLink.objects.update(used_at=clock.now())
        return found

    monkeypatch.setattr(sign_up_links, "remembered", spent_later)
    page = sign_up(client, BOSS, OWN)
    assert len(asked) >= looks
    assert page.status_code == 404
    assert not User.objects.exists()
    assert not Team.objects.exists()


def test_an_old_link_and_an_invented_one_open_nothing(settings: Any) -> None:
    settings.SIGNUP = "invited"
    link = invite()
    SignUpLink.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert opened(link)[1].status_code == 404
    for word in ("x", "%00", "ü", "a" * 3000):
        assert Client().get(f"/join/{word}/").status_code == 404


def test_a_newer_link_ends_the_older(settings: Any) -> None:
    settings.SIGNUP = "invited"
    old, new = invite(), invite()
    assert opened(old)[1].status_code == 404
    assert opened(new)[1].status_code == 200


def test_who_claimed_the_address_before_loses_the_account_to_the_invited(
    settings: Any, client: Client
) -> None:
    sign_up(client, BOSS, GUESSED)  # the site was open then
    settings.SIGNUP = "invited"
    invited, _page = opened(invite())
    sign_up(invited, BOSS, OWN)
    assert "_auth_user_id" in invited.session
    assert confirmed.is_confirmed(User.objects.get(email=BOSS))
    assert client.get(reverse("team_new")).status_code == 302, "the stranger is out"
    assert not sign_in(Client(), BOSS, GUESSED)
    assert sign_in(Client(), BOSS, OWN)


def test_the_command_refuses_what_makes_no_sense(settings: Any, owner: User) -> None:
    confirmed.confirm(owner)
    for email, words in (("boss", "no e-mail address"), (owner.email, "has an account")):
        with pytest.raises(CommandError, match=words):
            invite(email)
    settings.SIGNUP = "closed"
    with pytest.raises(CommandError, match="SIGNUP=invited"):
        invite()
    assert not SignUpLink.objects.exists()


def test_who_is_signed_in_is_told_and_spends_nothing(client: Client, owner: User) -> None:
    link = invite()
    client.force_login(owner)
    page = opened(link, client)[1]
    assert page.status_code == 409
    assert owner.email in page.content.decode()
    assert opened(link)[1].status_code == 200


def test_only_a_digest_of_a_link_is_stored() -> None:
    secret = invite().rstrip("/").rsplit("/", 1)[1]
    assert secret not in str(list(SignUpLink.objects.values()))


# ── the first operator ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["open", "invited", "closed"])
def test_the_first_person_of_a_fresh_site_becomes_its_operator(
    settings: Any, tmp_path: Any, who: str
) -> None:
    settings.SIGNUP = who
    said = str(dev.welcome_text({"web": settings.PUBLIC_URL}, tmp_path))
    link = next(word for word in said.split() if "/join/" in word)
    client, page = opened(link)
    assert "operator of this site" in page.content.decode()
    sign_up(client, "Me@Example.com", OWN)
    me = User.objects.get()
    assert (me.is_staff, me.is_superuser, me.email) == (True, True, "me@example.com")
    assert confirmed.is_confirmed(me)
    assert client.get(reverse("admin:index")).status_code == 200
    assert opened(link)[1].status_code == 404
    again = str(dev.welcome_text({"web": settings.PUBLIC_URL}, tmp_path))
    assert "/join/" not in again, "there is somebody now"


def test_the_link_leads_to_the_port_that_the_web_got(
    settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"  # of the last run
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    said = str(dev.welcome_text({"web": "http://127.0.0.1:8123"}, tmp_path))
    assert "http://127.0.0.1:8123/join/" in said
    monkeypatch.setenv("PUBLIC_URL", "https://videos.example.com")
    settings.PUBLIC_URL = "https://videos.example.com"
    said = str(dev.welcome_text({"web": "http://127.0.0.1:8123"}, tmp_path))
    assert "https://videos.example.com/join/" in said


def test_a_restart_prints_another_link_and_ends_the_one_before(
    settings: Any, tmp_path: Any
) -> None:
    first, second = (sign_up_links.first_operator() for _ in range(2))
    assert opened(first)[1].status_code == 404
    assert opened(second)[1].status_code == 200


def test_an_operator_can_be_invited_later(settings: Any, owner: User) -> None:
    settings.SIGNUP = "closed"
    client, _page = opened(invite(operator=True))
    sign_up(client, BOSS, OWN)
    assert User.objects.get(email=BOSS).is_superuser
