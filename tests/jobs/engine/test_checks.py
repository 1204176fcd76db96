"""Checks: asked once, paid once, kept by content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.billing.limit_use import BudgetStatus
from jobs.common.errors import Refused
from jobs.engine import checks, detect, retry
from jobs.models import Account, Budget, Check
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    NoAnswer,
    NotSent,
    RetryLater,
    Verdict,
)
from studio.models import Asset, Team, User
from tests import makers
from tests.service import Service

pytestmark = pytest.mark.django_db
MODEL = "emo-detect-v1"


@pytest.fixture
def portrait(team: Team) -> Asset:
    return makers.asset(team)


def ask(portrait: Asset, account: Account, by: User, ratio: str = "1:1") -> Check:
    return checks.ask(
        asset=portrait,
        model=MODEL,
        chosen={"ratio": ratio, "style_level": "calm"},
        account=account,
        by=by,
    )


def step(check: Check) -> Check:
    Check.objects.filter(pk=check.pk).update(not_before=None)
    detect.step(check.pk)
    check.refresh_from_db()
    return check


def test_asked_once_and_paid_once(
    portrait: Asset, account: Account, creator: User, owner: User, service: Service, team: Team
) -> None:
    check = ask(portrait, account, creator)
    assert (check.state, check.choice, check.parameters) == (
        "waiting",
        "ratio=1:1",
        {"ratio": "1:1"},
    )
    assert budget.status(team) == BudgetStatus("USD", None, 574, 0)
    check = step(check)
    assert (check.state, check.facts["face_bbox"], check.request_id) == (
        "passed",
        [1, 2, 3, 4],
        "request-d",
    )
    assert ask(portrait, account, owner).pk == check.pk
    step(check)
    assert service.count("detect") == 1
    assert budget.status(team) == BudgetStatus("USD", None, 0, 574)


def test_each_ratio_is_its_own_check_and_style_is_none(
    portrait: Asset, account: Account, creator: User
) -> None:
    assert ask(portrait, account, creator).pk != ask(portrait, account, creator, "3:4").pk


def test_the_same_content_in_another_file_row_is_known(
    team: Team, portrait: Asset, account: Account, creator: User, service: Service
) -> None:
    check = step(ask(portrait, account, creator))
    portrait.delete()
    same = makers.asset(team, sha256=check.sha256)
    assert ask(same, account, creator).pk == check.pk


def test_a_refusal_is_a_verdict_and_is_paid(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    service.detects = [
        Verdict(
            False, {}, "InvalidFile.NoHuman", "The input image has no human body.", Decimal(1), "r"
        )
    ]
    check = step(ask(portrait, account, creator))
    assert check.state == "refused"
    assert "No person" in check.sentence
    assert budget.status(team).settled == 574
    assert step(check).state == "refused"
    assert service.count("detect") == 1


def test_a_refusal_as_a_400_costs_nothing(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    service.detects = [Verdict(False, {}, "InvalidFile.NoHuman", "…", Decimal(0), "r")]
    assert step(ask(portrait, account, creator)).state == "refused"
    assert budget.status(team).used == 0


def test_a_picture_outside_the_limits_is_not_asked(
    team: Team, account: Account, creator: User, service: Service
) -> None:
    with pytest.raises(Refused, match="300 × 300"):
        ask(makers.asset(team, width=300, height=300), account, creator)
    assert budget.status(team).used == 0


def test_a_cut_line_waits_for_a_person(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    service.detects = [NoAnswer(message="cut")]
    check = step(ask(portrait, account, creator))
    assert check.state == "uncertain"
    assert "may have been paid" in check.sentence
    step(check)
    assert service.count("detect") == 1, "never asked again by itself"
    check = step(checks.ask_again(check, creator))
    assert (check.state, check.attempt, service.count("detect")) == ("passed", 2, 2)
    assert budget.status(team) == BudgetStatus("USD", None, 0, 2 * 574)


def test_a_page_from_before_does_not_pay_for_a_later_attempt(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    """It shows the doubt about the first attempt; the second one is in doubt by now."""
    service.detects = [NoAnswer(message="cut"), NoAnswer(message="cut")]
    check = step(ask(portrait, account, creator))
    stale = Check.objects.get(pk=check.pk)
    check = step(checks.ask_again(check, creator))
    assert (check.state, check.attempt) == ("uncertain", 2)
    assert checks.ask_again(stale, creator).attempt == 2
    assert step(Check.objects.get(pk=check.pk)).state == "uncertain"
    assert service.count("detect") == 2


@pytest.mark.parametrize(
    "error",
    [RetryLater(status=429), NotSent(message="dns"), NoAnswer("InternalError", "", status=500)],
)
def test_what_cost_nothing_is_tried_again(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team, error: Exception
) -> None:
    service.detects = [error]
    check = step(ask(portrait, account, creator))
    assert check.state == "waiting"
    assert check.not_before > timezone.now()
    assert step(check).state == "passed"
    assert budget.status(team).used == 574


def test_it_is_given_up_after_a_while(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    service.detects = [NotSent(message="dns")] * 20
    check = ask(portrait, account, creator)
    for _ in range(retry.CHECK_TRIES + 1):
        check = step(check)
    assert check.state == "failed"
    assert budget.status(team).used == 0


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("key", "refuses the API key"),
        ("arrears", "payment due"),
        ("quota", "free quota"),
        ("access", "no longer offers"),
    ],
)
def test_trouble_of_the_account_is_a_sentence(
    portrait: Asset,
    account: Account,
    creator: User,
    service: Service,
    team: Team,
    reason: str,
    words: str,
) -> None:
    service.detects = [AccountTrouble("x", "y", status=401, reason=reason)]
    check = step(ask(portrait, account, creator))
    assert check.state == "failed"
    assert words in check.sentence
    assert budget.status(team).used == 0
    account.refresh_from_db()
    # A quota or the leave to use a model is the model's affair; a check has no lane that could
    # rest.
    assert account.health == (reason if reason in ("key", "arrears") else "ok")
    assert account.paused() == (reason in ("key", "arrears"))
    # asking again is a new attempt, not a second payment
    assert step(ask(portrait, account, creator)).state == "passed"
    assert budget.status(team).used == 574


def test_a_file_the_service_cannot_fetch(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    service.detects = [MediaUnreachable("InvalidURL.Timeout", "Download timed out", status=400)]
    check = step(ask(portrait, account, creator))
    assert check.state == "failed"
    assert check.code == "InvalidURL.Timeout"
    assert budget.status(team).used == 0


def test_a_worker_that_died_is_followed_by_one_more_try(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    check = ask(portrait, account, creator)
    gone = timezone.now() - timedelta(seconds=1)
    Check.objects.filter(pk=check.pk).update(state="asking", lease_until=gone)
    assert check.pk in checks.due()
    check = step(check)
    assert (check.state, check.attempt) == ("waiting", 2)
    assert budget.status(team) == BudgetStatus("USD", None, 574, 574), (
        "the lost attempt is booked as paid"
    )
    Check.objects.filter(pk=check.pk).update(state="asking", lease_until=gone)
    check = step(check)
    assert check.state == "uncertain"
    assert service.count("detect") == 0


def test_two_workers_ask_once(
    portrait: Asset, account: Account, creator: User, service: Service
) -> None:
    check = ask(portrait, account, creator)
    service.detects = [
        lambda: (
            detect.step(check.pk),
            Verdict(True, {"face_bbox": [1], "ext_bbox": [2]}, "", "", Decimal(1), "r"),
        )[1]
    ]
    assert step(check).state == "passed"
    assert service.count("detect") == 1


def test_no_money_no_check(portrait: Asset, account: Account, creator: User, team: Team) -> None:
    Budget.objects.create(team=team, micros=500)
    with pytest.raises(budget.OverBudget):
        ask(portrait, account, creator)
    assert team.checks.count() == 0


def test_a_pass_without_its_boxes_is_of_no_use(
    portrait: Asset, account: Account, creator: User, service: Service, team: Team
) -> None:
    service.detects = [Verdict(True, {"face_bbox": [1, 2, 3, 4]}, "", "", Decimal(1), "r")]
    check = step(ask(portrait, account, creator))
    assert check.state == "refused"
    assert "ext_bbox is missing" in check.sentence
    assert budget.status(team).settled == 574


def test_a_gateways_page_is_no_answer(
    portrait: Asset, account: Account, creator: User, service: Service
) -> None:
    service.detects = [NoAnswer("NotJson", "<html>502</html>", status=502)]
    assert step(ask(portrait, account, creator)).state == "uncertain"
    assert service.count("detect") == 1


def test_the_same_content_uploaded_again_can_be_asked_again(
    team: Team, portrait: Asset, account: Account, creator: User, service: Service
) -> None:
    service.detects = [MediaUnreachable("InvalidURL.Timeout", "Download timed out", status=400)]
    check = step(ask(portrait, account, creator))
    portrait.delete()
    again = makers.asset(team, sha256=check.sha256)
    assert step(ask(again, account, creator)).state == "passed"


def test_a_slow_hand_over_does_not_shorten_the_lease(
    portrait: Asset,
    account: Account,
    creator: User,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check = ask(portrait, account, creator)
    now = timezone.now()
    times = iter([now - timedelta(minutes=10)])
    monkeypatch.setattr("django.utils.timezone.now", lambda: next(times, now))
    seen = []
    service.detects = [
        lambda: (
            seen.append(Check.objects.get(pk=check.pk).lease_until),
            Verdict(True, {"face_bbox": [1], "ext_bbox": [2]}, "", "", None, ""),
        )[1]
    ]
    step(check)
    assert seen[0] > now


def test_the_lease_lasts_as_long_as_the_paid_call(
    portrait: Asset,
    account: Account,
    creator: User,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or another worker would take the call for lost, book it and pay a second one."""
    check = ask(portrait, account, creator)
    renewals: list[Callable[[], object]] = []

    @contextmanager
    def renewing(renew: Callable[[], object]) -> Iterator[None]:
        renewals.append(renew)
        yield

    def slow() -> Verdict:
        Check.objects.update(lease_until=timezone.now())
        renewals[0]()
        assert checks.due() == [], "nobody else takes it up"
        return Verdict(True, {"face_bbox": [1], "ext_bbox": [2]}, "", "", None, "")

    monkeypatch.setattr(detect, "renewing", renewing)
    service.detects = [slow]
    assert step(check).state == "passed"
    renewals[0]()
    assert Check.objects.get().lease_until is None, "a late renewal brings no lease back"
