"""How a job ends or begins anew: archived, failed, sent anew, canceled with what waits for it; what
each writes, and what it does with the money."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.billing.limit_use import BudgetStatus
from jobs.common.states import Code, Fault, Group, Outcome, State
from jobs.engine import requeue, transitions
from jobs.models import Job
from jobs.modelstudio import Explanation, WireError
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1
NOTHING = "Nothing was produced."


class Said(WireError):
    """An error that says whose fault it is and what to do."""

    def __init__(self, fault: str, code: str = "Code.X") -> None:
        super().__init__(code, "what the service wrote")
        self.fault = fault

    def explain(self) -> Explanation:
        return Explanation(self.fault, phrase("It did not work."), phrase("Do it again."))


@pytest.fixture
def running(team: Team, creator: User) -> Job:
    return makers.job(team, creator, state=State.RUNNING, attempt=1, task_id="t-1")


def money(job: Job) -> list[tuple[str, int, int, str]]:
    return [
        (one.kind, one.held, one.settled, str(one.note)) for one in job.ledger.order_by("pk")[1:]
    ]


def dance_of(maker: Job, state: State = State.QUEUED) -> Job:
    return makers.job(
        maker.team,
        maker.owner,
        "animate-anyone-gen2",
        state,
        maker.account,
        code=Code.NEEDS_TEMPLATE,
        needs=maker,
    )


# ── archived ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("billed", "text", "differs"),
    [
        (Decimal("4"), "Saved, 4.0 s, 2.5 MB", False),
        (Decimal("9.04"), "Saved, 4.0 s, 2.5 MB · 9.0 s were billed", True),
        (None, "Saved, 4.0 s, 2.5 MB", False),
    ],
)
def test_a_video_that_is_stored_ends_its_job(
    team: Team, creator: User, noon: datetime, billed: Decimal | None, text: str, differs: bool
) -> None:
    job = makers.job(
        team,
        creator,
        state=State.ARCHIVING,
        code="x",
        billed_units=billed,
        lease_until=noon,
        result_url="https://a.test/video.mp4",
        not_before=noon,
    )
    video, before = makers.asset(team, "video", size=2_500_000), columns(job)
    transitions.archived(job, video)
    expected: dict[str, Any] = {
        "state": State.SUCCEEDED,
        "code": "",
        "group": Group.DONE,
        "result_id": video.pk,
        "lease_until": None,
        "result_url": "",
        "finished_at": noon,
        "not_before": None,
    }
    assert changed(before, job) == expected | ({"length_differs": True} if differs else {})
    assert str(job.events.get().text) == text


# ── failed ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("service", Fault.SERVICE),
        ("ours", Fault.OURS),
        ("account", Fault.ACCOUNT),
        ("input", Fault.INPUT),
        ("?", Fault.INPUT),
    ],
)
def test_a_failure_says_whose_it_was_and_what_to_do(
    running: Job, noon: datetime, said: str, fault: Fault
) -> None:
    before = columns(running)
    transitions.fail(running, Code.REJECTED, Said(said), provider_status="FAILED")
    assert changed(before, running) == {
        "state": State.FAILED,
        "code": Code.REJECTED,
        "group": Group.FAILED,
        "fault": fault,
        "provider_code": "Code.X",
        "provider_message": "what the service wrote",
        "provider_status": "FAILED",
        "sentence": phrase("It did not work."),
        "advice": phrase("Do it again."),
        "finished_at": noon,
    }
    event = running.events.get()
    assert (event.code, str(event.text)) == (Code.REJECTED, "It did not work.")
    assert money(running) == [("release", -HELD, 0, NOTHING)]


def test_who_fails_it_may_say_it_in_other_words(running: Job) -> None:
    text, advice = phrase("Nobody saw its end"), phrase("Look at the bill.")
    transitions.fail(running, Code.TASK_LOST, Said("service"), text=text, advice=advice)
    running.refresh_from_db()
    assert str(running.events.get().text) == "Nobody saw its end"
    assert (str(running.sentence), str(running.advice)) == ("It did not work.", "Look at the bill.")


@pytest.mark.parametrize("length", [79, 80, 81, 300])
def test_a_long_code_of_the_service_has_room(running: Job, length: int) -> None:
    transitions.fail(running, Code.REJECTED, Said("service", "C" * length))
    running.refresh_from_db()
    assert running.provider_code == "C" * min(length, 80)


def test_the_attempt_of_a_failure_keeps_what_became_of_it(running: Job) -> None:
    attempt = running.attempts.create(number=1, began_at=running.created_at)
    transitions.fail(running, Code.REJECTED, Said("input"), outcome=Outcome.REFUSED)
    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.REFUSED


def test_what_was_billed_is_settled_and_not_given_back(running: Job) -> None:
    note = phrase("It was billed.")
    settle = (Decimal("3.93"), "1:1", note)
    transitions.fail(running, Code.TASK_LOST, Said("service"), settle=settle)
    assert money(running) == [("settle", -HELD, 45_073, "It was billed.")]
    assert running.settled_micros == 45_073
    running.refresh_from_db()
    assert running.settled_micros == 45_073


def test_what_is_settled_already_stays_settled(team: Team, creator: User) -> None:
    """A video that was billed and never came home."""
    job = makers.job(team, creator, state=State.ARCHIVING)
    transitions.settlement(job, Decimal(4), "1:1", phrase("Billed."))()
    transitions.fail(job, Code.ARCHIVE_FAILED, Said("service"))
    assert money(job) == [("settle", -HELD, HELD, "Billed.")]
    assert budget.status(team) == BudgetStatus("USD", None, 0, HELD)


@pytest.mark.parametrize("settled", [False, True])
def test_dances_fail_with_the_template_they_wait_for(
    team: Team, creator: User, noon: datetime, settled: bool
) -> None:
    maker = makers.job(team, creator, "animate-anyone-template-gen2", State.RUNNING)
    waiting, gone = dance_of(maker), dance_of(maker, State.CANCELED)
    before, untouched = columns(waiting), columns(gone)
    settle = (Decimal(4), maker.variant, phrase("Billed.")) if settled else None
    transitions.fail(maker, Code.TASK_LOST, Said("service"), settle=settle)
    assert changed(before, waiting) == {
        "state": State.FAILED,
        "code": Code.NO_TEMPLATE,
        "group": Group.FAILED,
        "fault": Fault.INPUT,
        "finished_at": noon,
        "sentence": waiting.__class__.objects.get(pk=waiting.pk).sentence,
        "advice": phrase("Choose another video and run it again."),
    }
    waiting.refresh_from_db()
    assert str(waiting.sentence) == "The dance template could not be made. It did not work."
    assert str(waiting.events.get().text) == "The template could not be made"
    assert changed(untouched, gone) == {}
    assert money(waiting) == [("release", -waiting.quote_micros, 0, NOTHING)]
    assert [kind for kind, *_ in money(maker)] == ["settle" if settled else "release"]
    assert budget.status(team).held == gone.quote_micros


def test_dances_of_a_template_that_is_settled_already_are_given_back(
    team: Team, creator: User
) -> None:
    maker = makers.job(
        team, creator, "animate-anyone-template-gen2", State.RUNNING, settled_micros=5
    )
    dance = dance_of(maker)
    transitions.fail(maker, Code.TASK_FAILED, Said("service"))
    assert money(maker) == []
    assert money(dance) == [("release", -dance.quote_micros, 0, NOTHING)]


# ── sent anew ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("left", "times"), [(1, "once, not again"), (3, "up to 3 times")])
@pytest.mark.parametrize(
    ("code", "reason"), [("InternalError.Algo", "InternalError.Algo"), ("", "no code")]
)
def test_a_task_that_broke_leaves_nothing_of_itself(
    team: Team, creator: User, noon: datetime, left: int, times: str, code: str, reason: str
) -> None:
    then = timezone.now() - timedelta(minutes=4)
    job = makers.job(
        team,
        creator,
        state=State.RUNNING,
        attempt=1,
        retries=1,
        tries=3,
        task_id="t-1",
        request_id="r-1",
        provider_status="RUNNING",
        provider_started_at=then,
        provider_ended_at=then,
        submitted_at=then,
        next_look_at=then,
        advice=phrase("Wait."),
    )
    attempt = job.attempts.create(number=1, began_at=then, task_id="t-1")
    before, error = columns(job), Said("service", code)
    requeue.send_anew(job, error, Outcome.BROKEN, left, 30)
    assert changed(before, job) == {
        "state": State.QUEUED,
        "code": Code.BACKING_OFF,
        "group": Group.WAITING,
        "retries": 2,
        "task_id": "",
        "request_id": "",
        "provider_status": "",
        "provider_started_at": None,
        "provider_ended_at": None,
        "submitted_at": None,
        "next_look_at": None,
        "sentence": phrase("It did not work."),
        "advice": "",
        "not_before": noon + timedelta(seconds=30),
        "tries": 0,
    }
    event = job.events.get()
    assert times in event.text
    assert f"({reason})" in event.text
    assert event.data == {"task_id": "t-1", "error": str(error)[:200]}
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.ended_at, attempt.task_id) == (Outcome.BROKEN, noon, "t-1")
    assert budget.status(team).held == HELD, "the same hold pays for the new one"


@pytest.mark.parametrize("length", [199, 200, 201, 500])
def test_a_long_error_is_cut_in_the_history(running: Job, length: int) -> None:
    class Long(Said):
        def __str__(self) -> str:
            return "e" * length

    requeue.send_anew(running, Long("service"), Outcome.BROKEN, 1, 1)
    assert running.events.get().data["error"] == "e" * min(length, 200)


# ── canceled ──────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_for_a_canceled_template_is_canceled_with_it(
    team: Team, creator: User, noon: datetime
) -> None:
    maker = makers.job(team, creator, "animate-anyone-template-gen2")
    waiting, sent = dance_of(maker), dance_of(maker, State.RUNNING)
    rows, untouched = [columns(maker), columns(waiting)], columns(sent)
    transitions.canceled(maker, phrase("Canceled by Aiko"))
    for before, job, text in zip(
        rows, (maker, waiting), ("Canceled by Aiko", "Canceled with its template"), strict=True
    ):
        expected = {
            "state": State.CANCELED,
            "code": Code.CANCELED,
            "group": Group.CANCELED,
            "cancel_asked_at": noon,
            "finished_at": noon,
        }
        assert changed(before, job) == expected
        assert str(job.events.get().text) == text
        assert money(job) == [("release", -job.quote_micros, 0, "Canceled.")]
    assert changed(untouched, sent) == {}
    assert money(sent) == []


# ── booked ────────────────────────────────────────────────────────────────────────────────────────


def test_a_settlement_is_in_the_row_and_the_object(running: Job) -> None:
    other = makers.job(running.team, running.owner)
    free = makers.job(running.team, running.owner)
    before = columns(other)
    transitions.settlement(running, Decimal("3.93"), "3:4", phrase("By the bill."), [free])()
    cost = 90_142
    assert money(running) == [("settle", -HELD, cost, money(running)[0][3])]
    assert "By the bill." in money(running)[0][3]
    assert (running.settled_micros, Job.objects.get(pk=running.pk).settled_micros) == (cost, cost)
    assert money(free) == [("release", -HELD, 0, NOTHING)]
    assert changed(before, other) == {}
