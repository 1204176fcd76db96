"""Mail waits in the database until the server has taken it, and is told when it cannot."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from studio.common import clock
from studio.mail import queue
from studio.models import Mail, User

pytestmark = pytest.mark.django_db
SECRET = "https://videos.example.com/accounts/password/reset/key/1-secret/"


@pytest.fixture(autouse=True)
def queued(settings: Any) -> None:
    settings.EMAIL_BACKEND = "studio.mail.backend.Backend"
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    def answers(error: Exception) -> None:
        def refuse(*_: object) -> int:
            raise error

        monkeypatch.setattr(EmailBackend, "send_messages", refuse)

    return answers


def write(*to: str, body: str = SECRET) -> list[Mail]:
    message = EmailMultiAlternatives("Hello", body, to=list(to or ["aiko@example.com"]))
    message.attach_alternative("<p>Hello</p>", "text/html")
    assert message.send() == 1
    return list(Mail.objects.order_by("pk"))


def later(row: Mail, wait: timedelta = timedelta(0)) -> Mail:
    """Try it at its time, or `wait` after it was written."""
    Mail.objects.filter(pk=row.pk).update(next_at=clock.now() - timedelta(seconds=1))
    if wait:
        Mail.objects.filter(pk=row.pk).update(created_at=clock.now() - wait)
    queue.step(row.pk)
    row.refresh_from_db()
    return row


def test_a_mail_is_sent_as_it_was_written_and_then_forgotten() -> None:
    (row,) = write()
    assert mail.outbox == []
    assert queue.due() == [row.pk]
    queue.step(row.pk)
    queue.step(row.pk)
    (sent,) = mail.outbox
    assert (sent.subject, sent.body, sent.to) == ("Hello", SECRET, ["aiko@example.com"])
    assert sent.alternatives[0].content == "<p>Hello</p>"
    row.refresh_from_db()
    assert (row.state, row.message) == (Mail.State.SENT, "")
    assert queue.due() == []


def test_what_it_says_is_no_text_in_the_database() -> None:
    write()
    with connection.cursor() as cursor:
        cursor.execute("select message, subject from studio_mail")
        assert "secret" not in str(cursor.fetchall())


def test_each_recipient_has_a_row() -> None:
    rows = write("aiko@example.com", "ben@example.com", "aiko@example.com")
    assert [row.to for row in rows] == ["aiko@example.com", "ben@example.com"]


def test_it_is_part_of_the_transaction() -> None:
    with transaction.atomic():
        write()
        transaction.set_rollback(True)
    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("nobody there"),
        TimeoutError("slow"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPAuthenticationError(535, b"who are you"),
        smtplib.SMTPRecipientsRefused({"aiko@example.com": (451, b"later")}),
        smtplib.SMTPDataError(421, b"busy"),
    ],
)
def test_a_server_that_is_away_is_tried_again_and_again_with_longer_waits(
    fails: Callable[[Exception], None], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(error)
    (row,) = write()
    waits = []
    for _ in range(8):
        later(row)
        assert row.state == Mail.State.WAITING
        waits.append(round((row.next_at - clock.now()).total_seconds()))
    assert waits == [30, 60, 120, 300, 600, 1800, 1800, 1800]
    assert str(error.args[0])[:3] in row.sentence or "refuses" in row.sentence
    monkeypatch.undo()
    assert later(row).state == Mail.State.SENT
    assert len(mail.outbox) == 1


def test_after_two_days_it_is_given_up_and_can_be_tried_by_hand(
    fails: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(ConnectionRefusedError("nobody there"))
    (row,) = write()
    assert later(row, wait=timedelta(days=2, minutes=1)).state == Mail.State.GIVEN_UP
    assert queue.due() == []
    assert "could not be sent" in queue.problem()
    monkeypatch.undo()
    assert queue.again([row]) == 1
    queue.step(row.pk)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPRecipientsRefused({"aiko@example.com": (550, b"unknown")}),
        smtplib.SMTPDataError(554, b"spam"),
        ValueError("no header"),
    ],
)
def test_what_is_refused_for_ever_is_given_up_at_once(
    fails: Callable[[Exception], None], error: Exception
) -> None:
    fails(error)
    (row,) = write()
    assert later(row).state == Mail.State.GIVEN_UP
    assert row.sentence


def test_a_worker_that_died_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = write()

    def dies(_row: Mail) -> Any:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(queue, "_deliver", dies)
        with pytest.raises(SystemExit):
            queue.step(row.pk)
    queue.step(row.pk)
    assert mail.outbox == [], "the lease of the dead worker is not over"
    assert later(row).state == Mail.State.SENT


def test_two_workers_send_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = write()
    deliver = queue._deliver

    def meanwhile(mine: Mail) -> Any:
        monkeypatch.setattr(queue, "_deliver", deliver)
        queue.step(row.pk)
        return deliver(mine)

    monkeypatch.setattr(queue, "_deliver", meanwhile)
    queue.step(row.pk)
    assert len(mail.outbox) == 1


def test_old_rows_go(fails: Callable[[Exception], None]) -> None:
    old, new = write()[0], write()[1]
    for row in (old, new):
        queue.step(row.pk)
    Mail.objects.filter(pk=old.pk).update(ended_at=clock.now() - timedelta(days=8))
    queue.sweep()
    assert list(Mail.objects.all()) == [new]


def test_staff_are_told_what_waits(fails: Callable[[Exception], None]) -> None:
    (row,) = write()
    assert queue.problem() == ""
    fails(ConnectionRefusedError("nobody there"))
    later(row, wait=timedelta(minutes=3))
    assert "1 mail waits" in queue.problem()
    assert "nobody there" in queue.problem()


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_server_that_is_away_is_no_error_and_the_page_says_so(
    client: Client, owner: User, fails: Callable[[Exception], None], settings: Any
) -> None:
    settings.MAIL_SERVER = True
    fails(ConnectionRefusedError("nobody there"))
    answer = client.post(reverse("account_reset_password"), {"email": owner.email}, follow=True)
    assert answer.status_code == 200
    assert "waits here" not in answer.content.decode()
    later(Mail.objects.get())
    for email in (owner.email, "nobody@example.com"):
        asked = client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        assert "Yours waits here" in asked.content.decode(), "whoever asks"


def test_the_admin_shows_it_without_what_it_says_and_tries_again(
    client_of: Callable[[User], Client], fails: Callable[[Exception], None]
) -> None:
    desk = client_of(User.objects.create_superuser("root@example.com", "correct horse"))
    fails(smtplib.SMTPDataError(554, b"spam"))
    (row,) = write()
    later(row)
    listed = desk.get(reverse("admin:studio_mail_changelist")).content.decode()
    page = desk.get(reverse("admin:studio_mail_change", args=[row.pk])).content.decode()
    assert "given up" in listed
    assert "spam" in listed
    assert "secret" not in listed + page
    assert "could not be sent" in desk.get(reverse("admin:index")).content.decode()
    done = desk.post(
        reverse("admin:studio_mail_changelist"),
        {"action": "send_again", "_selected_action": [row.pk]},
        follow=True,
    )
    assert "1 mail is tried again" in done.content.decode()
    row.refresh_from_db()
    assert row.state == Mail.State.WAITING
