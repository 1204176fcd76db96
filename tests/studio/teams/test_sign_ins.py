"""Where I am signed in, and signing out from there: one place, all others, everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as site
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from studio.models import Team, User
from studio.teams import confirmed, sign_ins
from studio.teams.session_check import admit, still_may_see

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def browser(user: User, agent: str = FIREFOX, address: str = "203.0.113.9") -> Client:
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    client.post(reverse("account_login"), {"login": user.email, "password": "correct horse"})
    assert "_auth_user_id" in client.session
    return client


def key_of(client: Client) -> str:
    return str(client.cookies[site.SESSION_COOKIE_NAME].value)


def is_in(client: Client, team: Team) -> bool:
    return client.get(team.get_absolute_url()).status_code == 200


def end(client: Client, which: object) -> Any:
    return client.post(reverse("sign_ins"), {"end": str(which)}, follow=True)


def test_each_is_listed_with_browser_and_address(owner: User) -> None:
    desk = browser(owner)
    browser(owner, PHONE, "2001:db8::7")
    text = desk.get(reverse("sign_ins")).content.decode()
    for words in ("Firefox on Linux", "203.0.113.9", "Safari on iOS", "2001:db8::7"):
        assert words in text
    assert text.count("this one") == 1


def test_others_are_not_listed(owner: User, stranger: User) -> None:
    browser(stranger, PHONE, "198.51.100.77")
    assert "198.51.100.77" not in browser(owner).get(reverse("sign_ins")).content.decode()


def test_one_is_ended(owner: User, team: Team) -> None:
    desk, phone = browser(owner), browser(owner, PHONE)
    admitted = admit(key_of(phone), team.slug)
    end(desk, UserSession.objects.get(session_key=key_of(phone)).pk)
    assert is_in(desk, team)
    assert not is_in(phone, team)
    assert not still_may_see(admitted)


@pytest.mark.parametrize("which", ["", "x", "-1", "9" * 40, "0", "²"])
def test_nonsense_ends_nothing(owner: User, team: Team, which: str) -> None:
    desk = browser(owner)
    assert "has ended already" in end(desk, which).content.decode()
    assert is_in(desk, team)


def test_nobody_ends_somebody_elses(owner: User, stranger: User, team: Team) -> None:
    desk = browser(owner)
    end(browser(stranger), UserSession.objects.get(session_key=key_of(desk)).pk)
    assert is_in(desk, team)


def unlisted(user: User) -> Client:
    """A sign-in of before there was a list."""
    client = browser(user)
    UserSession.objects.all().delete()
    return client


def test_everywhere_else_ends_those_that_no_list_knows_too(owner: User, team: Team) -> None:
    old = unlisted(owner)
    desk, phone = browser(owner), browser(owner, PHONE)
    admitted = [admit(key_of(client), team.slug) for client in (old, phone)]
    end(desk, "others")
    assert is_in(desk, team)
    assert not is_in(phone, team)
    assert not is_in(old, team)
    assert not any(still_may_see(one) for one in admitted)
    assert desk.get(reverse("sign_ins")).content.decode().count("203.0.113.9") >= 1
    assert UserSession.objects.filter(user=owner).count() == 1


def test_everywhere_ends_this_one_too_and_the_password_stays(owner: User, team: Team) -> None:
    old, desk = unlisted(owner), browser(owner)
    end(desk, "all")
    assert not is_in(desk, team)
    assert not is_in(old, team)
    assert is_in(browser(owner), team)


def test_a_new_password_ends_the_others(owner: User, team: Team) -> None:
    desk, phone = browser(owner), browser(owner, PHONE)
    admitted = admit(key_of(phone), team.slug)
    words = {"oldpassword": "correct horse", "password1": "new long words"}
    desk.post(reverse("account_change_password"), {**words, "password2": "new long words"})
    assert is_in(desk, team)
    assert not is_in(phone, team)
    assert not still_may_see(admitted)


def test_a_sign_in_of_before_the_list_is_on_it_after_its_next_page(owner: User, team: Team) -> None:
    old = unlisted(owner)
    cache.clear()
    assert is_in(old, team)
    assert UserSession.objects.get().session_key == key_of(old)


def test_a_note_that_cannot_be_written_costs_no_page(
    owner: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = unlisted(owner)
    cache.clear()

    def locked(_request: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(UserSession.objects, "create_from_request", locked)
    assert is_in(old, team)


def test_an_update_signs_nobody_out(owner: User) -> None:
    assert owner.sign_in_epoch == 0
    before = super(User, owner).get_session_auth_hash()
    assert owner.get_session_auth_hash() == before
    confirmed.end_sign_ins(owner)
    assert owner.get_session_auth_hash() != before


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iOS"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_have_names(header: str, words: str) -> None:
    assert sign_ins.browser(header) == words
