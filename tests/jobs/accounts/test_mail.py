"""Letters to the people who run a team."""

from __future__ import annotations

import smtplib
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import DatabaseError, transaction

from jobs.accounts import mail as account_mail
from studio.models import Team, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As outside of a transaction."""
    monkeypatch.setattr(transaction, "on_commit", lambda what: what())


def test_owners_and_admins_and_nobody_else(
    team: Team, owner: User, admin: User, creator: User, viewer: User, stranger: User
) -> None:
    assert account_mail.notify(team, "The disk is full", "Make room.\nThen it goes on.") == 2
    assert sorted(letter.to for letter in mail.outbox) == [[owner.email], [admin.email]]
    for letter in mail.outbox:
        assert (letter.cc, letter.bcc) == ([], [])
        assert letter.subject == "Footlight: The disk is full"
        assert letter.body.startswith("Make room.\nThen it goes on.\n")
        assert str(team) in letter.body


def test_the_link_is_the_sites_own(team: Team, owner: User, settings: Any) -> None:
    settings.PUBLIC_URL = "https://videos.example.com"
    account_mail.notify(team, "Hello", "Text")
    assert (
        f"https://videos.example.com/{team.get_absolute_url().lstrip('/')}" in mail.outbox[0].body
    )


def test_staff(team: Team, owner: User, stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    assert account_mail.notify(team, "Hello", "Text", to="staff") == 1
    assert mail.outbox[0].to == [stranger.email]


def test_who_left_is_not_told(team: Team, owner: User, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert account_mail.notify(team, "Hello", "Text") == 1


def test_nobody_to_tell(team: Team) -> None:
    assert account_mail.notify(team, "Hello", "Text") == 0
    assert mail.outbox == []


def test_no_secrets_and_no_second_header(team: Team, owner: User) -> None:
    account_mail.notify(
        team,
        "Trouble\nBcc: sven@example.com",
        "Bearer sk-0123456789abcdef0123456789abcdef\nat https://oss.example.com/a.mp4?Expires=1&Signature=hush",
    )
    letter = mail.outbox[0]
    assert "hush" not in letter.body
    assert "0123456789abcdef0123" not in letter.body
    assert letter.subject == "Footlight: Trouble Bcc: sven@example.com"
    assert letter.recipients() == [owner.email]


def test_a_mail_server_that_is_away_changes_nothing(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def away(*args: Any) -> None:
        raise ConnectionRefusedError("no mail here")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    assert account_mail.notify(team, "Hello", "Text") == 1
    assert "no mail here" in caplog.text


def test_one_address_that_is_refused_does_not_silence_the_others(
    team: Team, owner: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = EmailBackend.send_messages

    def picky(self: EmailBackend, letters: list[Any]) -> int:
        if letters[0].to == [owner.email]:
            raise smtplib.SMTPRecipientsRefused({owner.email: (550, b"unknown")})
        return real(self, letters)

    monkeypatch.setattr(EmailBackend, "send_messages", picky)
    account_mail.notify(team, "Hello", "Text")
    assert [letter.to for letter in mail.outbox] == [[admin.email]]


def test_a_database_that_is_away_raises_nothing_but_undoes_a_transaction(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> Any:
        raise DatabaseError("gone")

    monkeypatch.setattr(account_mail, "_people", away)
    with pytest.raises(DatabaseError), transaction.atomic():
        account_mail.notify(team, "Hello", "Text")  # or what was noted as told would stay
    monkeypatch.setattr(account_mail, "connection", SimpleNamespace(in_atomic_block=False))
    assert account_mail.notify(team, "Hello", "Text") == 0


def test_inside_a_transaction_it_waits_for_the_commit(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Any] = []
    monkeypatch.setattr(transaction, "on_commit", waiting.append)
    assert account_mail.notify(team, "Hello", "Text") == 1
    assert mail.outbox == []
    waiting[0]()
    assert len(mail.outbox) == 1
