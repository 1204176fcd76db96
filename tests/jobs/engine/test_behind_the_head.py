"""A task at the head of a lane that never ends: what waits behind it is seen nevertheless, and
staff may end it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.engine import lane_lease, lane_round, lane_schedule, lane_visit, retry
from jobs.models import Account, Attempt, Job, Lane
from jobs.modelstudio import NoAnswer
from studio.models import Team, User
from tests import html, makers
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(seconds=retry.BEHIND_THE_HEAD + 1)


@pytest.fixture
def line(team: Team, creator: User, account: Account) -> list[Job]:
    """A head that renders, and three more that were sent after it."""
    now = timezone.now()
    return [
        makers.job(
            team,
            creator,
            account=account,
            state=State.RUNNING,
            attempt=1,
            task_id=f"task-{number}",
            provider_status="PENDING" if number else "RUNNING",
            provider_started_at=None if number else now - timedelta(minutes=20),
            submitted_at=now - timedelta(minutes=30) + timedelta(seconds=number),
            looked_at=now,
            next_look_at=now,
        )
        for number in range(4)
    ]


def answers(service: Service, monkeypatch: pytest.MonkeyPatch, **said: Any) -> list[str]:
    """`said` by the last digit of a task's id as `t0`; the others are PENDING. Returns the ids that
    are asked for, as they come."""
    asked: list[str] = []

    def get(task_id: str) -> Any:
        asked.append(task_id)
        answer = said.get(f"t{task_id[-1]}", task(task_id, "PENDING"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(service, "get", get)
    return asked


def claimed(lane: Lane) -> lane_lease.ClaimedLane:
    Lane.objects.filter(pk=lane.pk).update(next_visit_at=timezone.now(), lease_until=None)
    (found,) = lane_lease.claim()
    return found


def by_visit(lane: Lane) -> None:
    lane_visit.visit(claimed(lane))


def by_round(lane: Lane) -> None:
    for one in lane_round.take_in([lane_round.ask(one, False) for one in _surveyed(lane)]):
        lane_visit.visit(one.claimed, one.answers)


def _surveyed(lane: Lane) -> list[lane_round.LaneSurvey]:
    return lane_round.survey([claimed(lane)])


HOW = pytest.mark.parametrize("look", [by_visit, by_round])


@HOW
def test_what_ended_behind_a_head_that_never_ends_comes_home(
    line: list[Job],
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[Lane], None],
) -> None:
    asked = answers(service, monkeypatch, t0=task("task-0", "RUNNING"), t2=done("task-2", 4.0))
    look(line[0].lane)
    assert asked == ["task-0"], "the head alone, as long as the others were seen lately"
    Job.objects.update(looked_at=timezone.now() - LONG_AGO)
    look(line[0].lane)
    assert sorted(asked[1:]) == ["task-1", "task-2", "task-3"], "the head is not due yet"
    assert Job.objects.get(pk=line[2].pk).state == "archiving"
    assert Job.objects.get(pk=line[0].pk).state == "running"


@HOW
def test_behind_a_head_without_an_answer_too(
    line: list[Job],
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[Lane], None],
) -> None:
    answers(service, monkeypatch, t0=NoAnswer(message="cut"), t3=done("task-3", 4.0))
    Job.objects.update(looked_at=timezone.now() - LONG_AGO)
    look(line[0].lane)
    assert Job.objects.get(pk=line[3].pk).state == "archiving"


def test_the_lane_is_visited_for_those_behind(line: list[Job]) -> None:
    """Whatever the head is waited for, those behind are not seen later than a beat."""
    now = timezone.now()
    Job.objects.filter(pk=line[0].pk).update(next_look_at=now + timedelta(hours=1))
    due = lane_schedule.next_visit(lane_lease.ClaimedLane(line[0].lane))
    assert due is not None
    assert due - now <= timedelta(seconds=retry.BEHIND_THE_HEAD)
    assert due - now > timedelta(seconds=retry.BEHIND_THE_HEAD - 5), "and not oftener"


def test_one_never_seen_is_due_a_beat_after_it_was_sent(line: list[Job]) -> None:
    now = timezone.now()
    last = line[3]
    last.looked_at, last.submitted_at = None, now - timedelta(seconds=10)
    due = lane_schedule.look_time(last, now, head=False)
    assert (due - now).total_seconds() == pytest.approx(retry.BEHIND_THE_HEAD - 10)
    assert lane_schedule.look_time(last, now, head=True) <= now


# ── staff end it ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(client_of: Callable[[User], Client]) -> Client:
    boss = User.objects.create_superuser("boss@example.com", "correct horse", first_name="Boss")
    return client_of(boss)


@pytest.fixture
def head(line: list[Job]) -> Job:
    Attempt.objects.create(job=line[0], number=1, began_at=timezone.now(), task_id="task-0")
    return line[0]


def end_of(job: Job) -> str:
    return reverse("admin:jobs_job_end", args=[job.pk])


def change_of(job: Job) -> str:
    return reverse("admin:jobs_job_change", args=[job.pk])


def test_staff_end_a_head_by_hand_after_reading_what_follows(
    head: Job, desk: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(service, monkeypatch, t0=task("task-0", "RUNNING"))
    service.cancels = [False]
    assert html.parse(desk.get(change_of(head))).all(f"a[href='{end_of(head)}']")
    said = html.text(desk.get(end_of(head)))
    for words in ("may have been billed", "$0.0459", "task-0", "3 other tasks"):
        assert words in said
    head.refresh_from_db()
    assert head.state == "running", "reading ends nothing"
    desk.post(end_of(head))
    head.refresh_from_db()
    assert (head.state, head.code, head.settled_micros) == (
        "failed",
        "task-lost",
        head.quote_micros,
    )
    assert (service.count("cancel"), asked) == (1, ["task-0"]), "the service is asked once more"
    assert "boss@example.com ended it by hand" in head.events.last().text
    assert "may have been billed" in head.ledger.get(kind="settle").note
    assert head.attempts.get().outcome == "ended"
    assert Lane.objects.get(pk=head.lane_id).next_visit_at <= timezone.now()
    assert "nothing to end" in html.text(desk.get(end_of(head), follow=True))
    assert not html.parse(desk.get(change_of(head))).all(f"a[href='{end_of(head)}']")


def test_what_the_service_cancels_costs_nothing(head: Job, desk: Client, service: Service) -> None:
    desk.post(end_of(head))
    head.refresh_from_db()
    assert (head.state, head.settled_micros) == ("canceled", None)


def test_a_video_that_is_ready_at_the_last_look_is_not_thrown_away(
    head: Job, desk: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(service, monkeypatch, t0=done("task-0", 4.0))
    service.cancels = [False]
    assert "has said by now" in html.text(desk.post(end_of(head), follow=True))
    head.refresh_from_db()
    assert head.state == "archiving"


def test_a_service_that_does_not_answer_keeps_nobody_from_ending_it(
    head: Job, desk: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(service, monkeypatch, t0=NoAnswer(message="cut"))
    service.cancels = [NoAnswer(message="cut")]
    desk.post(end_of(head))
    head.refresh_from_db()
    assert (head.state, head.code) == ("failed", "task-lost")


def test_only_staff_with_the_right_may_end_it(
    head: Job, service: Service, client_of: Callable[[User], Client], owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    answer = client_of(User.objects.get(pk=owner.pk)).post(end_of(head))
    assert answer.status_code in (302, 403)
    head.refresh_from_db()
    assert head.state == "running"
