"""Who is away when their videos are ready gets one mail; who looks on gets none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.common import presence
from jobs.common.states import State
from jobs.engine import transitions
from jobs.models import EventCursor, Job, JobEvent, ReadyNotice
from jobs.notifications import ready_mail
from studio.common import clock
from studio.common.translatable import phrase
from studio.models import Membership, Team, User
from tests import makers


@pytest.fixture(autouse=True)
def began(db: object) -> None:
    """The first run only notes where the events stand."""
    ready_mail.run()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock of the mails, so many minutes on."""

    def move(minutes: float) -> None:
        now = timezone.now() + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: now)

    return move


def end(job: Job, state: str = State.SUCCEEDED) -> None:
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=timezone.now())
    transitions.record(job, State.ARCHIVING, state, phrase("It ended."))


def written() -> list[EmailMessage]:
    return list(mail.outbox)


def test_one_mail_for_all_that_ended(team: Team, creator: User, later: Any) -> None:
    for n in range(3):
        end(makers.job(team, creator, title=f"Part {n}"))
    end(makers.job(team, creator, title="Broken"), State.FAILED)
    later(6)
    assert ready_mail.run() == 1
    later(7)
    assert ready_mail.run() == 0
    (told,) = written()
    assert "3 videos are ready" in told.subject
    assert "Part 2" in told.body


def test_the_mail_waits_for_what_is_still_under_way(team: Team, creator: User, later: Any) -> None:
    end(makers.job(team, creator))
    rest = makers.job(team, creator)
    later(6)
    assert ready_mail.run() == 0
    end(rest)
    later(7)
    assert ready_mail.run() == 1


def test_it_does_not_wait_for_ever(team: Team, creator: User, later: Any) -> None:
    end(makers.job(team, creator))
    makers.job(team, creator)
    later(1)
    ready_mail.run()
    later(125)
    assert ready_mail.run() == 1


def test_who_was_just_here_is_not_away_yet(team: Team, creator: User, later: Any) -> None:
    UserSession.objects.create(
        user=creator, session_key="x", ip="127.0.0.1", last_seen_at=timezone.now()
    )
    end(makers.job(team, creator))
    later(2)
    assert ready_mail.run() == 0
    later(6)
    assert ready_mail.run() == 1


def test_who_looked_since_gets_none(team: Team, creator: User, later: Any) -> None:
    end(makers.job(team, creator))
    later(1)
    ready_mail.run()
    row = UserSession.objects.create(user=creator, session_key="x", ip="127.0.0.1")
    UserSession.objects.filter(pk=row.pk).update(last_seen_at=timezone.now() + timedelta(minutes=1))
    later(20)
    assert ready_mail.run() == 0
    assert not ReadyNotice.objects.exists()


def test_who_has_a_page_open_gets_none(
    team: Team, creator: User, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "is_here", lambda person: person == creator.pk)
    end(makers.job(team, creator))
    later(6)
    assert ready_mail.run() == 0
    assert not ReadyNotice.objects.exists()


@pytest.mark.parametrize("why", ["does not want", "has left", "is not active"])
def test_who_is_not_to_be_told_gets_none(team: Team, creator: User, later: Any, why: str) -> None:
    end(makers.job(team, creator))
    later(1)
    ready_mail.run()
    if why == "has left":
        Membership.objects.filter(user=creator).delete()
    else:
        column = "mail_when_ready" if why == "does not want" else "is_active"
        User.objects.filter(pk=creator.pk).update(**{column: False})
    later(6)
    assert ready_mail.run() == 0
    assert not ReadyNotice.objects.exists()


def test_what_ended_before_is_nobodys_news(team: Team, creator: User, later: Any) -> None:
    EventCursor.objects.all().delete()
    end(makers.job(team, creator))
    ready_mail.run()
    later(6)
    assert ready_mail.run() == 0


def test_an_event_that_is_committed_late_is_not_passed_over(
    team: Team, creator: User, later: Any
) -> None:
    """Its id is lower than that of one which is there already."""
    end(makers.job(team, creator))
    assert ready_mail.run() == 0  # too fresh to be counted
    cursor = EventCursor.objects.get()
    assert cursor.event < JobEvent.objects.latest("id").pk
    later(6)
    assert ready_mail.run() == 1


def test_a_job_that_was_erased_meanwhile_is_no_news(team: Team, creator: User, later: Any) -> None:
    job = makers.job(team, creator)
    end(job)
    later(1)
    ready_mail.run()
    Job.objects.filter(pk=job.pk).update(erased_at=timezone.now())
    later(6)
    ready_mail.run()
    assert written() == []


def test_what_ended_after_the_look_is_told(team: Team, creator: User, later: Any) -> None:
    """Somebody looks at the first video and leaves; the second ends before the next run."""
    now = timezone.now()
    first, second = (makers.job(team, creator, title=title) for title in ("Seen", "Unseen"))
    end(first)
    later(1)
    ready_mail.run()
    row = UserSession.objects.create(user=creator, session_key="x", ip="127.0.0.1")
    UserSession.objects.filter(pk=row.pk).update(last_seen_at=now + timedelta(seconds=70))
    end(second)
    JobEvent.objects.filter(job=second).update(at=now + timedelta(seconds=80))
    later(2)
    ready_mail.run()
    later(8)
    ready_mail.run()
    (told,) = written()
    assert "1 video is ready" in told.subject
    assert "Unseen" in told.body
    assert "Seen" not in told.body.replace("Unseen", "")


def test_a_mail_costs_the_same_whatever_was_made_before(
    team: Team, creator: User, later: Any
) -> None:
    """What is looked at begins with the event of the first video, not with the first job."""
    for n in range(3):
        makers.job(team, creator, title=f"Old {n}", state=State.SUCCEEDED)
    job = makers.job(team, creator, title="New")
    end(job)
    later(6)
    with CaptureQueriesContext(connection) as asked:
        assert ready_mail.run() == 1
    of_jobs = [one["sql"] for one in asked if "finished_at" in one["sql"].partition("WHERE")[2]]
    assert of_jobs == []


def test_many_who_wait_hide_nobody(team: Team, creator: User, owner: User, later: Any) -> None:
    busy = [User.objects.create_user(f"busy{n}@example.com", "correct horse") for n in range(3)]
    for user in busy:
        Membership.objects.create(team=team, user=user)
        end(makers.job(team, user))
        makers.job(team, user)
    end(makers.job(team, creator))
    later(6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ready_mail, "PORTION", 2)
        assert ready_mail.run() == 1
