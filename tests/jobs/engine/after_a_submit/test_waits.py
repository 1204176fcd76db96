"""What was not made and goes back into the queue: for how long, what is said, and when patience
ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.accounts import health
from jobs.accounts.clients import NoKey
from jobs.billing import budget
from jobs.common.states import Code, Fault, Group, Outcome, State
from jobs.engine import clock_check, retry, submit_outcomes
from jobs.engine.clock_check import ClocksApart
from jobs.engine.submit_outcomes import Phase, after_error
from jobs.models import Job, Lane
from jobs.modelstudio import (
    MediaUnreachable,
    NotSent,
    OurFault,
    RetryLater,
)
from studio.common.translatable import phrase
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1


def outcome_of(job: Job) -> str:
    return str(job.attempts.get(number=job.attempt).outcome)


# ── refused for now ───────────────────────────────────────────────────────────────────────────────

WAITS: list[tuple[Phase, Exception, float, int, str]] = [
    (
        Phase.SEND,
        RetryLater("Throttling", "slow", retry_after=7),
        7,
        3,
        "The service asked to come later",
    ),
    (Phase.PREPARE, RetryLater("Throttling", "slow"), 5, 3, "The files could not be handed over"),
    (Phase.PREPARE, NotSent(message="no route"), 5, 3, "The files could not be handed over"),
    (Phase.SEND, NotSent(message="no route"), 5, 3, "Not sent"),
    (Phase.SEND, submit_outcomes.TooLate(message="late"), 1, 3, "Not sent in time"),
    (
        Phase.SEND,
        MediaUnreachable("InvalidURL", "no"),
        4,
        4,
        "The service could not fetch our file",
    ),
    (
        Phase.PREPARE,
        MediaUnreachable("InvalidURL", "no"),
        4,
        4,
        "The files could not be handed over",
    ),
    (Phase.PREPARE, OSError(28, "full"), 4, 4, "Our own storage could not be read"),
]


@pytest.mark.parametrize(("phase", "error", "seconds", "tries", "what"), WAITS)
def test_what_was_not_made_goes_back_into_the_queue(
    sending: Job,
    waiting: Job,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    phase: Phase,
    error: Exception,
    seconds: float,
    tries: int,
    what: str,
) -> None:
    """For as long as the service asks; longer with each try when it may be the job's own file."""
    monkeypatch.setattr(retry, "backoff", lambda n: float(n))
    monkeypatch.setattr(health.random, "uniform", lambda low, high: 1.25)
    job = sending if phase is Phase.SEND else waiting
    Lane.objects.filter(pk=job.lane_id).update(troubles=2)
    before = columns(job)
    after_error(job, phase, error)
    now = changed(before, job)
    words = (
        error
        if isinstance(error, RetryLater | NotSent | MediaUnreachable)
        else OurFault("StorageAway", "")
    ).explain()
    assert now.pop("state", "queued") == State.QUEUED
    assert now.pop("group", Group.WAITING) == Group.WAITING
    assert now.pop("tries", 3) == tries
    assert now.pop("code") == Code.BACKING_OFF
    assert now.pop("not_before") == noon + timedelta(seconds=seconds)
    assert (now.pop("sentence"), now.pop("advice", "")) == (words.sentence, words.advice)
    assert now == {}
    event = job.events.get()
    assert str(event.text) == f"{what}: tries again in {seconds:.0f} s"
    assert event.data["error"]
    if phase is Phase.SEND:
        attempt = job.attempts.get()
        assert (attempt.outcome, attempt.ended_at) == (Outcome.REFUSED, noon)
    assert budget.status(job.team).held == 2 * HELD


@pytest.mark.parametrize("phase", Phase)
def test_nobody_waits_longer_than_an_hour_because_the_service_said_so(
    sending: Job, waiting: Job, noon: datetime, phase: Phase
) -> None:
    after_error(sending, Phase.SEND, RetryLater("Throttling", "slow", retry_after=86_400))
    assert sending.not_before == noon + timedelta(seconds=health.LONGEST_WAIT)


def test_the_lane_waits_with_the_job(sending: Job, noon: datetime) -> None:
    after_error(sending, Phase.SEND, RetryLater("Throttling", "slow", retry_after=7))
    assert Lane.objects.get().paused_until == noon + timedelta(seconds=7)


def test_a_file_of_one_job_holds_up_nobody_else(sending: Job) -> None:
    after_error(sending, Phase.SEND, MediaUnreachable("InvalidURL", "no"))
    assert Lane.objects.get().paused_until is None


@pytest.mark.parametrize(
    ("error", "code", "fault"),
    [
        (MediaUnreachable("InvalidURL", "no"), Code.REJECTED, None),
        (OurFault("X", "x"), Code.OUR_FAULT, None),
        (OSError(28, "full"), Code.OUR_FAULT, Fault.OURS),
    ],
)
def test_patience_ends_after_the_last_try_and_not_before(
    waiting: Job, error: Exception, code: Code, fault: Fault | None
) -> None:
    waiting.tries = retry.SEND_TRIES - 1
    after_error(waiting, Phase.PREPARE, error)
    assert (waiting.state, waiting.tries) == (State.QUEUED, retry.SEND_TRIES)
    after_error(waiting, Phase.PREPARE, error)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.code) == (State.FAILED, code)
    assert fault is None or waiting.fault == fault
    assert waiting.advice == submit_outcomes.GIVEN_UP
    assert budget.status(waiting.team).held == 0


def test_what_is_given_up_after_a_submit_was_refused(sending: Job) -> None:
    sending.tries = retry.SEND_TRIES
    after_error(sending, Phase.SEND, MediaUnreachable("InvalidURL", "no"))
    assert (sending.state, outcome_of(sending)) == (State.FAILED, Outcome.REFUSED)


# ── said once ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "code", "seconds"),
    [
        (NoKey(phrase("No key.")), Code.ACCOUNT_PAUSED, retry.KEY_WAIT),
        (ClocksApart(phrase("Set the clock.")), Code.BACKING_OFF, clock_check.AGAIN),
    ],
)
def test_what_lasts_is_said_once(
    waiting: Job,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    error: Any,
    code: Code,
    seconds: float,
) -> None:
    before, after = columns(waiting), timedelta(seconds=seconds)
    after_error(waiting, Phase.PREPARE, error)
    now = changed(before, waiting)
    assert now.pop("group", Group.WAITING) in (Group.WAITING, Group.ATTENTION)
    assert now == {"code": code, "sentence": error.sentence, "not_before": noon + after}
    event = waiting.events.get()
    assert (event.code, str(event.text)) == (code, str(error.sentence))
    monkeypatch.setattr("studio.common.clock.now", lambda: noon + after)
    other = makers.job(waiting.team, waiting.owner)
    untouched, before = columns(other), columns(waiting)
    after_error(waiting, Phase.PREPARE, error)
    assert changed(before, waiting) == {"not_before": noon + 2 * after}
    assert (waiting.events.count(), changed(untouched, other)) == (1, {})
    after_error(waiting, Phase.PREPARE, type(error)(phrase("Something else.")))
    assert (waiting.events.count(), str(waiting.sentence)) == (2, "Something else.")


@pytest.mark.parametrize("error", [NoKey(phrase("No key.")), ClocksApart(phrase("Set the clock."))])
def test_what_was_sent_meanwhile_is_not_put_off(waiting: Job, error: Any) -> None:
    after_error(waiting, Phase.PREPARE, error)
    Job.objects.filter(pk=waiting.pk).update(state=State.SUBMITTING, not_before=None)
    after_error(waiting, Phase.PREPARE, error)
    waiting.refresh_from_db()
    assert waiting.not_before is None
