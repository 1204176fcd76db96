"""The table of what an error leads to, row by row: every error has one, and the order holds."""

from __future__ import annotations

import pytest

from jobs.accounts.clients import NoKey
from jobs.engine import submit_outcomes
from jobs.engine.clock_check import ClocksApart
from jobs.engine.submit_outcomes import TABLE, Phase, Row, TooLate, row_for
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
)
from studio.common.translatable import EMPTY

RETIRED, OFFERED = "a-retired-model", "a-model"
PREPARE, SEND = Phase.PREPARE, Phase.SEND
# (phase, error, model) → the step, what is said, and which wait: the whole of what happens next.
EXPECTED: list[tuple[Phase, Exception, str, str, str, str]] = [
    (PREPARE, NoKey("no key"), OFFERED, "wait_for_key", "", ""),
    (PREPARE, ClocksApart(EMPTY), OFFERED, "wait_for_clock", "", ""),
    (PREPARE, AccountTrouble(reason="key"), OFFERED, "pause", "", ""),
    (PREPARE, ModelGone(), OFFERED, "pause", "", ""),
    (PREPARE, Rejected(), OFFERED, "reject", "", ""),
    (PREPARE, NotSent(), OFFERED, "wait", "handed over", "_lane_unreachable"),
    (PREPARE, NoAnswer(), OFFERED, "wait", "handed over", "_lane_unreachable"),
    (PREPARE, RetryLater(), OFFERED, "wait", "handed over", "_lane_unreachable"),
    (PREPARE, MediaUnreachable(), OFFERED, "wait_with_patience", "handed over", ""),
    (PREPARE, OurFault(), OFFERED, "wait_with_patience", "handed over", ""),
    (PREPARE, OurFault(status=404), RETIRED, "wait_with_patience", "handed over", ""),
    (PREPARE, WireError(), OFFERED, "wait_with_patience", "handed over", ""),
    (PREPARE, OSError(28, "disk full"), OFFERED, "wait_with_patience", "storage", ""),
    (SEND, NoAnswer(), OFFERED, "in_doubt", "", ""),
    (SEND, RetryLater(), OFFERED, "wait", "come later", "_lane_throttled"),
    (SEND, TooLate(), OFFERED, "wait", "Not sent in time", "_at_once"),
    (SEND, NotSent(), OFFERED, "wait", "Not sent", "_lane_unreachable"),
    (SEND, MediaUnreachable(), OFFERED, "wait_with_patience", "could not fetch", ""),
    (SEND, AccountTrouble(reason="key"), OFFERED, "pause", "", ""),
    (SEND, ModelGone(), OFFERED, "pause", "", ""),
    (SEND, OurFault(status=404), RETIRED, "pause", "", ""),
    (SEND, OurFault(status=404), OFFERED, "reject", "", ""),
    (SEND, OurFault(status=400), RETIRED, "reject", "", ""),
    (SEND, Rejected(), OFFERED, "reject", "", ""),
    (SEND, WireError(), OFFERED, "reject", "", ""),
]


@pytest.fixture(autouse=True)
def _retirement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.accounts.health.retired", lambda model: model == RETIRED)


@pytest.mark.parametrize(("phase", "error", "model", "step", "what", "seconds"), EXPECTED)
def test_each_error_leads_to_one_step(
    phase: Phase, error: Exception, model: str, step: str, what: str, seconds: str
) -> None:
    row = row_for(phase, error, model)
    assert row is not None
    assert row.then.__name__ == step
    assert what in row.what
    assert bool(what) == bool(row.what)
    assert (row.seconds.__name__ if row.seconds is not None else "") == seconds


def errors_of_the_wire() -> list[type[WireError]]:
    """Every class of jobs/modelstudio/errors.py."""
    there = (one for one in WireError.__subclasses__() if one.__module__ == WireError.__module__)
    return [WireError, *there]


def rows(phase: Phase, error: type[Exception]) -> list[Row]:
    """The rows that name this very class and hold whatever it says."""
    return [row for row in TABLE if row.phase is phase and error in row.errors and row.when is None]


@pytest.mark.parametrize("phase", Phase)
def test_every_error_is_named_by_exactly_one_row_of_a_phase(phase: Phase) -> None:
    for error in errors_of_the_wire():
        assert len(rows(phase, error)) == 1, f"{phase}: {error.__name__}"


def test_preparing_has_a_row_for_anything() -> None:
    for error in (NoKey, ClocksApart, Exception):
        assert len(rows(PREPARE, error)) == 1
    assert row_for(PREPARE, KeyError("x"), OFFERED) is not None


def test_what_says_nothing_about_the_post_moves_no_job() -> None:
    """Only the wire's errors say what became of a POST; after another one a task may exist."""
    for error in (NoKey("no key"), OSError(), RuntimeError()):
        assert row_for(SEND, error, OFFERED) is None


def test_no_row_hides_a_later_one() -> None:
    """Each row is the first for some error: nothing in the table is dead."""
    first = {id(row_for(phase, error, model)) for phase, error, model, *_ in EXPECTED}
    assert [row for row in TABLE if id(row) not in first] == []


def test_only_no_answer_is_in_doubt_and_never_goes_back_into_the_queue() -> None:
    """Every other step of SEND follows an answer that proves that no task was made."""
    doubtful = [row for row in TABLE if row.then is submit_outcomes.in_doubt]
    assert [(row.phase, row.errors) for row in doubtful] == [(SEND, (NoAnswer,))]
