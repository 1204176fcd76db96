"""A second factor: set up, asked for at each sign-in, spent once, kept encrypted, turned off."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from studio.models import User
from studio.teams import confirmed, factors
from tests.studio.teams.factor_steps import (
    code_of,
    first_step,
    forget_limits,
    is_in,
    with_app,
    with_codes,
)

pytestmark = pytest.mark.django_db
SECOND = "mfa_authenticate"


def second_step(client: Client, code: str) -> Any:
    return client.post(reverse(SECOND), {"code": code})


# ── setting up ────────────────────────────────────────────────────────────────────────────────────


def shown_secret(page: Any) -> str:
    found = re.search(r"data-app-secret>([A-Z2-7]+)<", page.content.decode())
    assert found
    return found[1]


def test_an_app_is_set_up_and_recovery_codes_are_shown_once(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    page = client.get(reverse("mfa_activate_totp"))
    secret = shown_secret(page)
    assert b'src="data:image/svg+xml;base64,' in page.content
    assert b"<script>" not in page.content
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    text = answer.content.decode()
    codes = re.findall(r"<li>(\d{8})</li>", text)
    assert len(codes) == 10
    assert all(text.count(code) == 2 for code in codes), "on the page, and in the file to keep"
    again = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert not any(code in again for code in codes)
    assert factors.has_second_factor(owner)


def test_a_wrong_code_sets_nothing_up_and_keeps_the_key(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    secret = shown_secret(client.get(reverse("mfa_activate_totp")))
    page = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert shown_secret(page) == secret
    assert not factors.has_second_factor(owner)


def test_no_secret_lies_in_the_clear(owner: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(owner)
    secret = shown_secret(client.get(reverse("mfa_activate_totp")))
    waiting = json.dumps([row.get_decoded() for row in Session.objects.all()])
    assert secret not in waiting
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    row = Authenticator.objects.get(type=factors.Type.TOTP)
    assert factors.Adapter().decrypt(row.data["secret"]) == secret


def test_keys_are_rotated(owner: User, settings: Any, capsys: Any) -> None:
    secret, codes = with_app(owner), with_codes(owner)
    new = Fernet.generate_key().decode()
    settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]
    call_command("rotatekeys")
    settings.FIELD_KEYS = [new]
    client, _ = first_step(owner)
    second_step(client, code_of(secret))
    assert is_in(client)
    rows = {row.type: row for row in Authenticator.objects.all()}
    assert rows["recovery_codes"].wrap().get_unused_codes() == codes


def test_with_other_keys_the_pages_say_so(
    owner: User, settings: Any, client_of: Callable[[User], Client]
) -> None:
    secret, codes = with_app(owner), with_codes(owner)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    client, _ = first_step(owner)
    for code in (code_of(secret), codes[0]):
        page = second_step(client, code)
        assert page.status_code == 200
        assert "cannot be read with its keys" in page.content.decode()
    assert client_of(owner).get(reverse("security")).status_code == 200
    assert not is_in(client)


# ── signing in ────────────────────────────────────────────────────────────────────────────────────


def test_the_password_alone_lets_nobody_in(owner: User) -> None:
    secret = with_app(owner)
    client, answer = first_step(owner)
    assert answer["Location"] == reverse(SECOND)
    assert not is_in(client)
    assert client.get(reverse("home"))["Location"].startswith(reverse("account_login"))
    assert second_step(client, code_of(secret)).status_code == 302
    assert is_in(client)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_half_a_minute_off(owner: User, steps: int) -> None:
    secret = with_app(owner)
    client, _ = first_step(owner)
    second_step(client, code_of(secret, steps))
    assert is_in(client)


def test_a_code_counts_once(owner: User) -> None:
    secret = with_app(owner)
    code = code_of(secret, 1)
    client, _ = first_step(owner)
    second_step(client, code)
    assert is_in(client)
    other, _ = first_step(owner)
    page = second_step(other, f" {code[:3]} {code[3:]} ")
    assert not is_in(other)
    assert "used already" in page.content.decode()


def test_the_code_that_set_it_up_is_used_up(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    code = code_of(shown_secret(client.get(reverse("mfa_activate_totp"))))
    client.post(reverse("mfa_activate_totp"), {"code": code})
    other, _ = first_step(owner)
    second_step(other, code)
    assert not is_in(other)


def test_a_recovery_code_lets_in_once(owner: User) -> None:
    with_app(owner)
    codes = with_codes(owner)
    client, _ = first_step(owner)
    second_step(client, codes[3])
    assert is_in(client)
    other, _ = first_step(owner)
    second_step(other, codes[3])
    assert not is_in(other)
    second_step(other, codes[4])
    assert is_in(other)


def test_tries_of_codes_are_limited(owner: User) -> None:
    secret = with_app(owner)
    client, _ = first_step(owner)
    for n in range(5):
        second_step(client, f"{n:06}")
    page = second_step(client, code_of(secret))
    assert not is_in(client)
    assert "Wait five minutes" in page.content.decode()
    forget_limits()
    second_step(client, code_of(secret))
    assert is_in(client)


def test_a_new_password_by_mail_needs_the_second_factor_too(owner: User, mailing: Any) -> None:
    from django.core import mail

    confirmed.confirm(owner)
    with_app(owner)
    client = Client()
    client.post(reverse("account_reset_password"), {"email": owner.email})
    link = re.search(r"https?://\S+/key/\S+", mail.outbox[0].body)
    assert link
    path = re.sub(r"^https?://[^/]+", "", link[0])
    page = client.get(path, follow=True)
    words = {"password1": "new long words", "password2": "new long words"}
    answer = client.post(page.redirect_chain[-1][0], words)
    assert answer["Location"] == reverse(SECOND)
    assert not is_in(client)


def test_staff_sign_in_with_both(owner: User) -> None:
    owner.is_staff = owner.is_superuser = True
    owner.save(update_fields=["is_staff", "is_superuser"])
    secret = with_app(owner)
    client = Client()
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0].startswith(reverse("account_login"))
    first_step(owner, client)
    assert client.get("/admin/").status_code == 302
    second_step(client, code_of(secret))
    assert client.get("/admin/").status_code == 200


# ── turning off ───────────────────────────────────────────────────────────────────────────────────


def test_turned_off_the_codes_go_too(owner: User, client_of: Callable[[User], Client]) -> None:
    with_app(owner)
    with_codes(owner)
    client = client_of(owner)
    assert client.get(reverse("mfa_deactivate_totp")).status_code == 200
    assert Authenticator.objects.count() == 2
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()


def test_new_codes_end_the_old_ones(owner: User, client_of: Callable[[User], Client]) -> None:
    with_app(owner)
    old = with_codes(owner)
    page = client_of(owner).post(reverse("mfa_generate_recovery_codes"), follow=True)
    new = re.findall(r"<li>(\d{8})</li>", page.content.decode())
    assert len(new) == 10
    client, _ = first_step(owner)
    second_step(client, old[0])
    assert not is_in(client)
    second_step(client, new[0])
    assert is_in(client)


def test_whoever_claimed_an_address_leaves_no_factor_behind(stranger: User) -> None:
    with_app(stranger)
    with_codes(stranger)
    confirmed.take_back(stranger)
    assert not Authenticator.objects.filter(user=stranger).exists()


@pytest.mark.parametrize("name", ["mfa_view_recovery_codes", "mfa_deactivate_totp"])
def test_without_a_factor_these_pages_lead_to_the_list(
    owner: User, client_of: Callable[[User], Client], name: str
) -> None:
    assert client_of(owner).get(reverse(name))["Location"] == reverse("security")


def test_the_page_of_security_names_what_is_there(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    page = client.get(reverse("security")).content.decode()
    assert "Set up an app" in page
    assert "Recovery codes" not in page
    with_app(owner)
    with_codes(owner)
    page = client.get(reverse("security")).content.decode()
    assert "Turn off the app" in page
    assert "10 codes are left" in page


# ── passkeys that no browser makes ────────────────────────────────────────────────────────────────

PARTS = ["", 1, None, [], "é", "A", "AA", "e30", "W10", "x" * 60, "AA" * 40]


@pytest.mark.parametrize("name", ["attestationObject", "clientDataJSON"])
def test_a_passkey_of_nonsense_is_refused(
    owner: User, client_of: Callable[[User], Client], name: str
) -> None:
    client = client_of(owner)
    client.get(reverse("mfa_add_webauthn"))
    whole = {"clientDataJSON": "e30", "attestationObject": "oA"}
    for part in PARTS:
        credential = {
            "id": "YQ",
            "rawId": "YQ",
            "type": "public-key",
            "response": {**whole, name: part},
        }
        words = {"name": "x", "credential": json.dumps(credential)}
        answer = client.post(reverse("mfa_add_webauthn"), words)
        assert answer.status_code == 200, part
        assert "That does not fit" in answer.content.decode()
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    "handle", ["MQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "LTE", "eA", "AA"]
)
def test_a_sign_in_with_a_passkey_of_nonsense_is_refused(handle: str, owner: User) -> None:
    for part in PARTS:
        forget_limits()
        client = Client()
        client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
        data = {"clientDataJSON": "e30", "signature": "YQ", "userHandle": handle}
        response = {**data, "authenticatorData": part}
        credential = {"id": "YQ", "rawId": "YQ", "type": "public-key", "response": response}
        words = {"credential": json.dumps(credential)}
        answer = client.post(reverse("mfa_login_webauthn"), words, follow=True)
        assert answer.status_code == 200, part
        assert not is_in(client)


def test_nonsense_in_the_address_of_the_page(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    for word in ("%00", "x" * 3000, "%ff", "staff"):
        assert client_of(owner).get(f"{reverse('security')}?for={word}").status_code == 200
