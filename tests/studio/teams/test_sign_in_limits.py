"""Passwords cannot be guessed, and nobody can keep somebody else out by guessing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from studio.common.client_address import networks
from studio.models import User
from studio.teams import confirmed, sign_in_limits

pytestmark = pytest.mark.django_db
RIGHT = "correct horse"


@pytest.fixture(autouse=True)
def known(mailing: Any, owner: User) -> None:
    confirmed.confirm(owner)


def tried(
    email: str, password: str = "wrong", address: str = "203.0.113.9", **headers: str
) -> tuple[bool, str]:
    """Whether it signed in, and what was said."""
    client = Client(REMOTE_ADDR=address)
    page = client.post(reverse("account_login"), {"login": email, "password": password}, **headers)
    return "_auth_user_id" in client.session, page.content.decode()


def test_after_five_wrong_ones_from_one_address_the_right_one_waits(owner: User) -> None:
    for _ in range(5):
        assert "do not belong together" in tried(owner.email)[1]
    for email in (owner.email, owner.email.upper()):
        came_in, said = tried(email, RIGHT)
        assert not came_in
        assert "Too many wrong passwords from here" in said


def test_a_stranger_keeps_nobody_else_out(owner: User) -> None:
    for _ in range(20):
        tried(owner.email)
    assert tried(owner.email, RIGHT, address="198.51.100.7")[0]


def test_a_right_one_takes_nothing_off(owner: User) -> None:
    for _ in range(4):
        tried(owner.email)
    assert tried(owner.email, RIGHT)[0]
    tried(owner.email)
    assert not tried(owner.email, RIGHT)[0], "or a guesser with an account would go on for ever"


@pytest.mark.parametrize("forged", ["1.2.3.{n}", "203.0.113.{n}, 1.1.1.{n}"])
def test_an_invented_header_gives_no_new_tries(owner: User, forged: str) -> None:
    for n in range(5):
        tried(owner.email, HTTP_X_FORWARDED_FOR=forged.format(n=n))
    assert not tried(owner.email, RIGHT, HTTP_X_FORWARDED_FOR=forged.format(n=77))[0]


def test_behind_a_trusted_proxy_visitors_are_told_apart(owner: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = networks(["203.0.113.0/24"])
    for _ in range(5):
        tried(owner.email, HTTP_X_FORWARDED_FOR="1.1.1.1, 198.51.100.1")
    assert not tried(owner.email, RIGHT, HTTP_X_FORWARDED_FOR="2.2.2.2, 198.51.100.1")[0]
    assert tried(owner.email, RIGHT, HTTP_X_FORWARDED_FOR="198.51.100.2")[0]


def test_all_addresses_behind_one_visitor_count_as_one(owner: User) -> None:
    for n in range(5):
        tried(owner.email, address=f"2001:db8:1:2::{n}")
    assert not tried(owner.email, RIGHT, address="2001:db8:1:2:3::4")[0]
    assert tried(owner.email, RIGHT, address="2001:db8:1:3::1")[0]


@pytest.mark.parametrize("address", ["", "unix:", "/run/footlight.sock"])
def test_a_connection_without_an_address_signs_in(owner: User, address: str) -> None:
    assert tried(owner.email, RIGHT, address=address)[0]


def many_addresses_try(email: str) -> None:
    for n in range(60):
        tried(email, address=f"192.0.2.{n}")


def test_many_addresses_together_are_stopped_and_the_mail_lets_the_person_in(owner: User) -> None:
    many_addresses_try(owner.email)
    came_in, said = tried(owner.email, RIGHT, address="198.51.100.9")
    assert not came_in
    assert "the link that comes by mail lets you in at once" in said
    client = Client(REMOTE_ADDR="198.51.100.9")
    client.post(reverse("account_reset_password"), {"email": owner.email})
    link = re.search(r"https://\S+/password/reset/key/\S+", mail.outbox[-1].body)
    assert link
    page = client.get(urlsplit(link[0]).path, follow=True)
    words = {"password1": "four new long words", "password2": "four new long words"}
    client.post(page.request["PATH_INFO"], words)
    assert "_auth_user_id" in client.session
    assert tried(owner.email, "four new long words", address="198.51.100.10")[0]


def test_without_mail_nobody_can_be_locked_out_from_everywhere(owner: User, settings: Any) -> None:
    settings.MAIL_SERVER = False
    many_addresses_try(owner.email)
    assert tried(owner.email, RIGHT, address="198.51.100.9")[0]


def test_a_flood_of_invented_addresses_does_not_push_counts_out(owner: User) -> None:
    for _ in range(5):
        tried(owner.email)
    for n in range(700):
        sign_in_limits.ratelimit.consume(_request(), action="login_failed_anywhere", key=f"{n}@x")
    assert not tried(owner.email, RIGHT)[0]


def _request() -> Any:
    from django.test import RequestFactory

    return RequestFactory().post("/")


# ── the admin ─────────────────────────────────────────────────────────────────────────────────────


def test_staff_sign_in_at_the_same_door(client: Client) -> None:
    User.objects.create_superuser("root@example.com", RIGHT)
    for path in ("/admin/", "/admin/login/", "/admin/studio/user/"):
        answer = client.get(path, follow=True)
        assert answer.redirect_chain[-1][0].startswith(reverse("account_login")), path
    posted = client.post(
        "/admin/login/", {"username": "root@example.com", "password": RIGHT, "next": "/admin/"}
    )
    assert posted.status_code == 302
    assert "_auth_user_id" not in client.session
    entered = client.post(
        reverse("account_login"),
        {"login": "root@example.com", "password": RIGHT, "next": "/admin/"},
    )
    assert entered["Location"] == "/admin/"


def test_who_is_no_staff_is_told_so(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.get("/admin/login/").status_code == 403


def test_too_many_requests_get_a_page_of_ours(client: Client) -> None:
    for _ in range(31):
        answer = client.post(reverse("account_login"), {"login": "x@example.com", "password": "y"})
    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()
