"""What the service refuses: the account or the model rests and the job waits, or the job fails and
costs nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.accounts import health
from jobs.billing import budget
from jobs.common.states import Code, Group, Outcome, State
from jobs.engine.submit_outcomes import Phase, after_error
from jobs.models import Account, Attempt, Job, Lane
from jobs.modelstudio import (
    AccountTrouble,
    ModelGone,
    Rejected,
)
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
HELD = 45_876  # micros of 4 s of emo-v1 at 1:1


def outcome_of(job: Job) -> str:
    return str(job.attempts.get(number=job.attempt).outcome)


# ── the account or the model rests ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "code", "of_account"),
    [
        (AccountTrouble("InvalidApiKey", "bad key", reason="key"), Code.ACCOUNT_PAUSED, True),
        (AccountTrouble("Quota", "used up", reason="quota"), Code.ACCOUNT_PAUSED, False),
        (ModelGone("ModelNotFound", "gone", status=404), Code.MODEL_GONE, False),
    ],
)
@pytest.mark.parametrize("phase", Phase)
def test_what_rests_keeps_its_jobs(
    sending: Job,
    waiting: Job,
    service: Any,
    phase: Phase,
    error: Any,
    code: Code,
    of_account: bool,
) -> None:
    job = sending if phase is Phase.SEND else waiting
    before = columns(job)
    after_error(job, phase, error)
    rests = (Account if of_account else Lane).objects.get(
        pk=job.account_id if of_account else job.lane_id
    )
    now = changed(before, job)
    assert now.pop("state", "queued") == State.QUEUED
    assert now.pop("sentence")
    assert now == {
        "code": code,
        "group": Group.ATTENTION,
        "provider_code": error.code,
        "provider_message": error.message,
        "not_before": rests.paused_until,
    }
    assert job.events.get().code == code
    assert str(job.events.get().text) == str(job.sentence)
    if phase is Phase.SEND:
        assert outcome_of(job) == Outcome.REFUSED
    assert budget.status(job.team).held == 2 * HELD


def test_a_long_code_of_a_refusal_has_room(sending: Job, service: Any) -> None:
    after_error(sending, Phase.SEND, ModelGone("C" * 90, "gone", status=404))
    assert sending.provider_code == "C" * 80


def test_with_another_key_it_goes_on_at_once(
    sending: Job, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "trouble", lambda *args: phrase("One key is refused."))
    after_error(sending, Phase.SEND, AccountTrouble("InvalidApiKey", "bad", reason="key"))
    sending.refresh_from_db()
    assert (sending.code, sending.not_before) == (Code.WAITING_TURN, None)
    assert str(sending.sentence) == ""
    assert str(sending.events.get().text) == "One key is refused."


def test_a_row_that_turned_out_to_be_a_twin_waits_for_its_own_lane(
    sending: Job, account: Account, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane that rests is that of the first row, where the job goes at its next visit."""
    sending.account.same_as = makers.account(sending.team)
    monkeypatch.setattr(health, "gone", lambda *args: phrase("It is gone."))
    after_error(sending, Phase.SEND, ModelGone("ModelNotFound", "gone", status=404))
    assert (sending.code, sending.not_before) == (Code.MODEL_GONE, noon + timedelta(seconds=60))


# ── refused for good ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phase", Phase)
def test_what_is_refused_fails_and_costs_nothing(sending: Job, waiting: Job, phase: Phase) -> None:
    job = sending if phase is Phase.SEND else waiting
    after_error(job, phase, Rejected("InvalidParameter", "no"))
    job.refresh_from_db()
    assert (job.state, job.code, job.provider_code) == (
        State.FAILED,
        Code.REJECTED,
        "InvalidParameter",
    )
    if phase is Phase.SEND:
        assert outcome_of(job) == Outcome.REFUSED
    assert budget.status(job.team).held == HELD


@pytest.mark.parametrize(("phase", "forgotten"), [(Phase.SEND, True), (Phase.PREPARE, False)])
def test_only_the_service_says_that_a_template_is_forgotten(
    team: Team, creator: User, account: Account, phase: Phase, forgotten: bool
) -> None:
    template = makers.template(team, account)
    state = State.SUBMITTING if phase is Phase.SEND else State.QUEUED
    job = makers.job(team, creator, "animate-anyone-gen2", state, account, template=template)
    after_error(job, phase, Rejected("InvalidFile.Template", "unknown"))
    template.refresh_from_db()
    assert template.forgotten is forgotten


def test_what_says_nothing_about_the_submit_is_raised_and_moves_nothing(sending: Job) -> None:
    before, error = columns(sending), RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        after_error(sending, Phase.SEND, error)
    assert changed(before, sending) == {}
    assert Attempt.objects.get().outcome == Outcome.SENDING
