"""What a question about a picture writes, all columns of it, and what each attempt holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.billing import budget, ledger, prices
from jobs.catalogue import entries
from jobs.common import wakeup
from jobs.common.errors import Refused
from jobs.engine import checks
from jobs.models import Account, ApiKey, Budget, Check, LedgerEntry
from studio.common.translatable import EMPTY, phrase
from studio.models import Asset, Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
MODEL, COST = "emo-detect-v1", 574
State = Check.State


@pytest.fixture
def portrait(team: Team) -> Asset:
    return makers.asset(team)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The checks that a worker is called for."""
    found: list[int] = []
    monkeypatch.setattr(wakeup, "enqueue_check", found.append)
    return found


def ask(portrait: Asset, account: Account, by: User, **chosen: Any) -> Check:
    chosen = chosen or {"ratio": "3:4", "style_level": "calm"}
    return checks.ask(asset=portrait, model=MODEL, chosen=chosen, account=account, by=by)


def entries_of(check: Check) -> list[tuple[Any, ...]]:
    rows = LedgerEntry.objects.filter(check_asked=check).order_by("pk")
    return [(one.kind, one.attempt, one.held, one.settled, one.member_id) for one in rows]


def test_a_new_question_with_its_hold(
    portrait: Asset,
    account: Account,
    creator: User,
    rung: list[int],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        check = ask(portrait, account, creator)
        assert rung == []
    assert rung == [check.pk]
    row = columns(check)
    for name in ("id", "public_id", "created_at"):
        del row[name]
    assert row == {
        "asked_at": None,
        "key_id": None,
        "team_id": portrait.team_id,
        "account_id": account.pk,
        "asset_id": portrait.pk,
        "asked_by_id": creator.pk,
        "sha256": portrait.sha256,
        "model": MODEL,
        "parameters": {"ratio": "3:4"},
        "choice": "ratio=3:4",
        "state": State.WAITING,
        "facts": {},
        "code": "",
        "message": "",
        "sentence": EMPTY,
        "request_id": "",
        "attempt": 1,
        "lease_until": None,
        "not_before": None,
        "answered_at": None,
    }
    assert entries_of(check) == [("hold", 1, COST, 0, creator.pk)]


def test_the_price_of_a_question_is_that_of_its_account(account: Account) -> None:
    quote = checks.price(MODEL, account)
    assert (quote.micros, quote.units, quote.currency) == (COST, 1, "USD")


@pytest.mark.parametrize("state", [State.WAITING, State.ASKING, State.PASSED, State.REFUSED])
def test_what_is_known_or_being_asked_is_not_asked_again(
    portrait: Asset, account: Account, creator: User, rung: list[int], state: str
) -> None:
    known = makers.check(portrait, account, state=state, chosen={"ratio": "3:4"})
    before = columns(known)
    assert ask(portrait, account, creator) == known
    assert checks.ask_again(known, creator) == known
    assert (changed(before, known), entries_of(known), rung) == ({}, [], [])


def test_an_unanswered_question_is_shown_and_not_repeated_by_itself(
    portrait: Asset, account: Account, creator: User
) -> None:
    known = makers.check(portrait, account, state=State.UNCERTAIN, chosen={"ratio": "3:4"})
    before = columns(known)
    assert ask(portrait, account, creator) == known
    assert changed(before, known) == {}


def test_what_is_known_belongs_to_its_team_and_choice(
    portrait: Asset, account: Account, stranger: User
) -> None:
    known = makers.check(portrait, account, chosen={"ratio": "3:4"})
    same = {"asset": portrait, "model": MODEL}
    assert checks.known(**same, chosen={"ratio": "3:4", "style_level": "active"}) == known
    assert checks.known(**same, chosen={"ratio": "1:1"}) is None
    assert checks.known(**same, chosen={}) is None, "the model's own choice is 1:1"
    assert checks.known(asset=portrait, model="animate-anyone-detect-gen2", chosen={}) is None
    another = makers.asset(portrait.team)
    assert checks.known(**same | {"asset": another}, chosen={"ratio": "3:4"}) is None
    portrait.team = stranger.memberships.get().team
    assert checks.known(**same, chosen={"ratio": "3:4"}) is None


def failed(portrait: Asset, account: Account, creator: User, noon: datetime, state: str) -> Check:
    check = ask(portrait, account, creator)
    values = {
        "state": state,
        "facts": {"a": 1},
        "code": "X",
        "message": "x",
        "sentence": phrase("It failed."),
        "not_before": noon,
        "lease_until": noon,
    }
    Check.objects.filter(pk=check.pk).update(**values)
    if state == State.FAILED:
        ledger.release(check)
    check.refresh_from_db()
    return check


@pytest.mark.parametrize("state", [State.UNCERTAIN, State.FAILED])
def test_a_question_asked_again_is_a_new_attempt(
    portrait: Asset,
    account: Account,
    creator: User,
    owner: User,
    noon: datetime,
    rung: list[int],
    state: str,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    """What got no answer is booked as paid: the service bills each request that reached it."""
    check, other = failed(portrait, account, creator, noon, state), makers.asset(portrait.team)
    before = columns(check)
    with django_capture_on_commit_callbacks(execute=True):
        again = checks.ask_again(check, owner, other)
    assert changed(before, check) == {
        "state": State.WAITING,
        "attempt": 2,
        "asked_by_id": owner.pk,
        "asset_id": other.pk,
        "facts": {},
        "code": "",
        "message": "",
        "sentence": EMPTY,
        "not_before": None,
        "lease_until": None,
    }
    assert (again.pk, again.attempt, rung) == (check.pk, 2, [check.pk])
    first = ("settle", 1, -COST, COST, creator.pk)
    if state == State.FAILED:
        first = ("release", 1, -COST, 0, creator.pk)
    assert entries_of(check) == [
        ("hold", 1, COST, 0, creator.pk),
        first,
        ("hold", 2, COST, 0, owner.pk),
    ]


def test_without_another_picture_it_is_about_the_same(
    portrait: Asset, account: Account, creator: User, noon: datetime
) -> None:
    check = failed(portrait, account, creator, noon, State.UNCERTAIN)
    assert checks.ask_again(check, creator).asset == portrait


def test_a_picture_that_is_asked_about_again_is_of_who_asks_now(
    portrait: Asset,
    account: Account,
    creator: User,
    owner: User,
    noon: datetime,
    rung: list[int],
) -> None:
    check = failed(portrait, account, creator, noon, State.FAILED)
    again = ask(portrait, account, owner)
    assert (again.pk, again.attempt, again.asked_by, again.asset) == (check.pk, 2, owner, portrait)
    assert entries_of(check)[-1] == ("hold", 2, COST, 0, owner.pk)


def test_the_name_of_a_choice_stays(portrait: Asset, account: Account, creator: User) -> None:
    """It stands in rows: under another name everything that is known would be paid once more."""
    assert checks.choice_word(entries.get(MODEL), {"ratio": "3:4"}) == (
        {"ratio": "3:4"},
        "ratio=3:4",
    )
    two = replace(
        entries.get(MODEL),
        parameters=tuple(
            replace(entries.get(MODEL).parameters[0], name=name) for name in ("b", "a")
        ),
    )
    assert checks.choice_word(two, {"b": "3:4"})[1] == "a=1:1,b=3:4"


def test_of_two_first_clicks_one_pays(
    portrait: Asset,
    account: Account,
    creator: User,
    monkeypatch: pytest.MonkeyPatch,
    rung: list[int],
) -> None:
    """The other one looked before the first had written: it gets what the first one asked."""
    check, known = ask(portrait, account, creator), checks.known
    looks: list[Check | None] = []

    def at_first_nothing(**of: Any) -> Check | None:
        looks.append(known(**of) if looks else None)
        return looks[-1]

    monkeypatch.setattr(checks, "known", at_first_nothing)
    paid = entries_of(check)
    assert ask(portrait, account, creator) == check
    assert (Check.objects.count(), entries_of(check), len(looks)) == (1, paid, 2)


def test_a_lost_question_costs_its_quote_and_the_ledger_says_why(
    portrait: Asset, account: Account, creator: User, noon: datetime
) -> None:
    check = failed(portrait, account, creator, noon, State.UNCERTAIN)
    checks.book_lost(check)
    last = LedgerEntry.objects.filter(check_asked=check).latest("pk")
    assert (last.kind, last.settled, last.held) == ("settle", COST, -COST)
    assert str(last.note) == "No answer came; the service bills every request that reached it."


def test_a_click_that_comes_second_pays_nothing(
    portrait: Asset, account: Account, creator: User, noon: datetime, rung: list[int]
) -> None:
    check = failed(portrait, account, creator, noon, State.FAILED)
    stale = Check.objects.get(pk=check.pk)
    checks.ask_again(check, creator)
    before, paid = columns(check), entries_of(check)
    assert checks.ask_again(stale, creator).attempt == 2
    assert (changed(before, check), entries_of(check)) == ({}, paid)


def test_an_account_that_lost_its_key_is_left_for_one_that_has_one(
    portrait: Asset, account: Account, creator: User, noon: datetime, stranger: User
) -> None:
    check = failed(portrait, account, creator, noon, State.FAILED)
    makers.account(stranger.memberships.get().team)
    ApiKey.objects.filter(account=account).update(active=False)
    check = Check.objects.get(pk=check.pk)
    with pytest.raises(Refused, match="no Model Studio connection with a key"):
        checks.ask_again(check, creator)
    first, _second = makers.account(portrait.team), makers.account(portrait.team)
    assert checks.ask_again(check, creator).account == first


def test_a_question_over_the_limit_leaves_nothing(
    portrait: Asset, account: Account, creator: User, noon: datetime, rung: list[int]
) -> None:
    limit = Budget.objects.create(team=portrait.team, micros=COST - 1)
    with pytest.raises(budget.OverBudget):
        ask(portrait, account, creator)
    assert (Check.objects.count(), LedgerEntry.objects.count()) == (0, 0)
    limit.micros = COST
    limit.save(update_fields=["micros"])
    check = failed(portrait, account, creator, noon, State.UNCERTAIN)
    before, paid = columns(check), entries_of(check)
    with pytest.raises(budget.OverBudget):
        checks.ask_again(check, creator)
    assert (changed(before, check), entries_of(check)) == ({}, paid)


def test_without_a_price_nothing_is_asked(
    portrait: Asset, account: Account, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait.team.currency = account.team.currency = "EUR"
    with pytest.raises(prices.NoPrice):
        ask(portrait, account, creator)
    assert Check.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"state": State.WAITING}, True),
        ({"state": State.WAITING, "not_before": timedelta(0)}, True),
        ({"state": State.WAITING, "not_before": timedelta(microseconds=1)}, False),
        ({"state": State.ASKING, "lease_until": timedelta(microseconds=-1)}, True),
        ({"state": State.ASKING, "lease_until": timedelta(0)}, False),
        ({"state": State.PASSED, "lease_until": timedelta(-1)}, False),
        ({"state": State.UNCERTAIN, "not_before": timedelta(-1)}, False),
        ({"state": State.FAILED}, False),
    ],
)
def test_what_a_worker_should_take_up(
    portrait: Asset, account: Account, noon: datetime, fields: dict[str, Any], due: bool
) -> None:
    values = {
        name: noon + value if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }
    check = makers.check(portrait, account, **values)
    assert checks.due() == ([check.pk] if due else [])


def test_the_oldest_are_taken_up_first(team: Team, account: Account) -> None:
    made = [makers.check(makers.asset(team), account, state=State.WAITING) for _ in range(3)]
    assert checks.due() == [check.pk for check in made]
