"""No answer tells whether an address has an account: in its words, its status, or its time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studio.models import Mail, Team, User
from studio.teams import confirmed
from tests.studio.teams.factor_steps import with_app, with_codes

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r'csrfmiddlewaretoken" value="[^"]*"|x-csrftoken": "[^"]*"')


@pytest.fixture(autouse=True)
def known(mailing: Any, owner: User) -> User:
    confirmed.confirm(owner)
    return owner


def said(answer: Any, email: str) -> tuple[Any, ...]:
    text = TOKEN.sub("", answer.content.decode()).replace(email, "EMAIL")
    return answer.status_code, answer.redirect_chain, text


def asks(name: str, email: str, client: Client | None = None) -> tuple[Any, ...]:
    client = client or Client()
    data = {
        "account_signup": {"email": email, "password1": "some long words of mine"},
        "account_reset_password": {"email": email},
        "account_login": {"login": email, "password": "some long words of mine"},
        "account_email": {"email": email, "action_add": ""},
    }[name]
    return said(client.post(reverse(name), data, follow=True), email)


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_login"])
def test_a_known_address_and_an_unknown_one_get_the_same_answer(known: User, name: str) -> None:
    unconfirmed = User.objects.create_user("half@example.com", "correct horse")
    answers = [asks(name, one) for one in (known.email, unconfirmed.email, "nobody@example.com")]
    assert answers[0] == answers[1] == answers[2]


def test_adding_a_known_address_and_an_unknown_one(
    client_of: Callable[[User], Client], known: User, stranger: User
) -> None:
    confirmed.confirm(stranger)
    answers = []
    for email in (known.email, "nobody@example.com"):
        cache.clear()
        answers.append(asks("account_email", email, client_of(stranger)))
        EmailAddress.objects.filter(user=stranger, email=email).delete()
    assert answers[0] == answers[1]


def test_who_signs_up_again_is_told_by_mail_and_changes_nothing(known: User) -> None:
    before = (User.objects.count(), Team.objects.count(), known.password)
    asks("account_signup", known.email)
    known.refresh_from_db()
    assert (User.objects.count(), Team.objects.count(), known.password) == before
    assert [one.to for one in mail.outbox] == [[known.email]]
    assert "already exists" in mail.outbox[0].body


def test_a_second_factor_is_not_told_before_the_password_is_right(
    known: User, stranger: User
) -> None:
    confirmed.confirm(stranger)
    with_app(known)
    with_codes(known)
    answers = [asks("account_login", one.email) for one in (known, stranger)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("handle", ["with passkeys", "without", "nobody"])
def test_a_passkey_that_fits_nothing_tells_nothing(
    known: User, stranger: User, handle: str
) -> None:
    """An attacker may name anybody: the answer is the same."""
    from base64 import urlsafe_b64encode

    pk = {"with passkeys": known.pk, "without": stranger.pk, "nobody": 10**6}[handle]
    client = Client()
    client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    part = urlsafe_b64encode(b"x" * 40).decode().rstrip("=")
    credential = {
        "id": part,
        "rawId": part,
        "type": "public-key",
        "response": {
            "clientDataJSON": urlsafe_b64encode(b'{"type":"webauthn.get"}').decode().rstrip("="),
            "authenticatorData": part,
            "signature": part,
            "userHandle": urlsafe_b64encode(str(pk).encode()).decode().rstrip("="),
        },
        "clientExtensionResults": {},
    }
    words = {"credential": json.dumps(credential)}
    answer = client.post(reverse("mfa_login_webauthn"), words, follow=True)
    assert answer.redirect_chain == [(reverse("account_login"), 302)]
    assert "That does not fit" in answer.content.decode()


@pytest.mark.parametrize("nonsense", ["", "x", "[]", "{}", "null", "1", '{"response": 1}'])
def test_nonsense_for_a_passkey_is_no_error_of_the_site(nonsense: str) -> None:
    client = Client()
    client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    answer = client.post(reverse("mfa_login_webauthn"), {"credential": nonsense}, follow=True)
    assert answer.status_code == 200


# ── time ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_login"])
def test_both_are_as_much_work(known: User, name: str, settings: Any) -> None:
    """Hashes of a password are what takes long, then statements; a clock would tell more about this
    machine."""
    settings.EMAIL_BACKEND = "studio.mail.backend.Backend"
    work = {}
    for email in (known.email, "nobody@example.com"):
        cache.clear()
        client, hashes = Client(), []
        encode = MD5PasswordHasher.encode
        with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as queries:
            patch.setattr(
                MD5PasswordHasher,
                "encode",
                lambda *words, hashes=hashes, encode=encode: hashes.append(1) or encode(*words),
            )
            asks(name, email, client)
        work[email] = (len(hashes), len(queries))
    (hashes_known, queries_known), (hashes_new, queries_new) = work.values()
    assert hashes_known == hashes_new
    assert (hashes_new > 0) == (name != "account_reset_password")
    assert abs(queries_known - queries_new) <= 8, work


def test_a_second_factor_costs_no_work_before_the_password_is_right(
    known: User, stranger: User
) -> None:
    confirmed.confirm(stranger)
    with_app(known)
    counts = []
    for user in (known, stranger):
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            asks("account_login", user.email)
        counts.append(len(queries))
    assert abs(counts[0] - counts[1]) <= 1


def test_a_reset_for_nobody_does_the_same_work_and_leaves_no_mail(
    known: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "studio.mail.backend.Backend"
    asks("account_reset_password", "nobody@example.com")
    assert not Mail.objects.exists()
    asks("account_reset_password", known.email)
    assert Mail.objects.get().to == known.email
