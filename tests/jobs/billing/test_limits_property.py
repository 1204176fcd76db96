"""Limits over random histories, beside a plain model that is written apart: members, days and
months in zones with and without summer time, cancels, second tries, late and larger bills,
corrections, limits and zones that change in between. Never above, nothing refused that fits,
every warning exactly once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.billing import budget, ledger, limits
from jobs.billing.limits import NOT_SET, Setting, Whose
from jobs.models import Account, Job, LimitWarning
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
PRICE = 11_469  # micros of a second
EXAMPLES = int(os.environ.get("LIMIT_HISTORIES", "25"))
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kolkata", "UTC")
# Around the nights in which clocks change, the ends of months and of the year.
STARTS = (
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 10, 31, 20, tzinfo=UTC),
    datetime(2026, 3, 8, 3, tzinfo=UTC),
    datetime(2026, 12, 31, 8, tzinfo=UTC),
    datetime(2028, 2, 28, 22, tzinfo=UTC),
)
PEOPLE = ("ada", "bo")


# ── the model: nothing of the code that is tested ─────────────────────────────────────────────────


@dataclass
class Paid:
    """One order: whose, when, what it reserves as long as it is open, what it cost since."""

    person: str
    day: date
    reserved: int
    cost: int = 0
    open: bool = True

    @property
    def counts(self) -> int:
        return (self.reserved if self.open else 0) + self.cost


@dataclass
class Model:
    zone: str
    now: datetime
    orders: list[Paid] = field(default_factory=list)
    corrections: list[tuple[str, date, int]] = field(default_factory=list)  # by month
    # (“team”, “each” or a person, period) -> an amount, None for no limit
    limits: dict[tuple[str, str], int | None] = field(default_factory=dict)
    told: set[tuple[str, date, str, int, int]] = field(default_factory=set)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def begins(self, period: str, day: date | None = None) -> date:
        day = day or self.today
        return day if period == "day" else day.replace(day=1)

    def used(self, whose: str, period: str) -> int:
        """By a person or the team in the present day or month."""
        begins = self.begins(period)
        found = sum(
            one.counts
            for one in self.orders
            if whose in ("team", one.person) and self.begins(period, one.day) == begins
        )
        if period == "month":
            found += sum(
                micros
                for person, month, micros in self.corrections
                if whose in ("team", person) and month == begins
            )
        return found

    def counting(self, person: str) -> list[tuple[str, str, int]]:
        """(whose, period, amount) of the limits that count for `person`; "" for the team alone."""
        found = []
        for period in ("day", "month"):
            if person:
                own = (person, period) if (person, period) in self.limits else ("each", period)
                amount = self.limits.get(own)
                if amount is not None:
                    found.append((person, period, amount))
            amount = self.limits.get(("team", period))
            if amount is not None:
                found.append(("team", period, amount))
        return found

    def fits(self, person: str, micros: int) -> bool:
        return not micros or all(
            self.used(whose, period) + micros <= amount
            for whose, period, amount in self.counting(person)
        )

    def warn(self, person: str, day: date | None, month: date) -> list[str]:
        """After more was used, of `day` and `month`: note what is told now, and whose limits those
        are, one for each mail that is due."""
        due = []
        for whose, period, amount in self.counting(person):
            if (day if period == "day" else month) != self.begins(period) or not amount:
                continue
            used = self.used(whose, period)
            new = {
                (period, self.begins(period), whose, amount, level)
                for level in (50, 80, 100)
                if used * 100 >= amount * level
            } - self.told
            if new:
                self.told |= new
                due.append(whose)
        return due


# ── the site, moved along with the model ──────────────────────────────────────────────────────────


class World:
    def __init__(self, zone: str, start: datetime, tools: dict[str, Any]) -> None:
        self.model = Model(zone, start)
        self.tools = tools
        serial = f"{tools['serial']()}"
        self.owner = User.objects.create_user(f"owner{serial}@example.com")
        self.team = Team.start(f"Team {serial}", self.owner)
        Team.objects.filter(pk=self.team.pk).update(time_zone=zone)
        self.team.refresh_from_db()
        self.account: Account = makers.account(self.team)
        self.files = {
            "image_url": makers.asset(self.team),
            "audio_url": makers.asset(self.team, "audio"),
        }
        self.people = {
            name: User.objects.create_user(f"{name}{serial}@example.com", first_name=name)
            for name in PEOPLE
        }
        for one in self.people.values():
            self.team.memberships.create(user=one, role="creator")
        self.jobs: list[Job] = []
        tools["clock"](lambda: self.model.now)

    def order(self, person: int, seconds: int) -> None:
        name, micros = PEOPLE[person], PRICE * seconds
        fits = self.model.fits(name, micros)
        try:
            with transaction.atomic():
                job = makers.job(
                    self.team,
                    self.people[name],
                    account=self.account,
                    milliseconds=seconds * 1000,
                    files=self.files,
                )
        except budget.OverBudget:
            assert not fits, "refused although it fits"
            return
        assert fits, "made although it does not fit"
        self.jobs.append(job)
        self.model.orders.append(Paid(name, self.model.today, micros))
        self.mails(name, self.model.today)

    def mails(self, name: str, day: date | None, month: date | None = None) -> None:
        """Compare the letters with those that the model expects."""
        due = self.model.warn(name, day, month or self.model.begins("month", day))
        letters = len(due) * (2 if name else 1)  # to the owner, and to the person
        box = self.tools["mailbox"]
        assert len(box) == letters, (due, [one.subject for one in box])
        box.clear()

    def some(self, which: int, *, open: bool) -> int | None:
        found = [n for n, one in enumerate(self.model.orders) if one.open == open]
        return found[which % len(found)] if found else None

    def cancel(self, which: int) -> None:
        number = self.some(which, open=True)
        if number is None:
            return
        ledger.release(self.jobs[number])
        ledger.release(self.jobs[number])  # a step may run twice
        self.model.orders[number].open = False

    def bill(self, which: int, seconds: int) -> None:
        number = self.some(which, open=True)
        if number is None:
            return
        paid, bill = self.model.orders[number], PRICE * seconds
        more = bill > paid.reserved
        with self.tools["commits"](execute=True):
            ledger.settle(self.jobs[number], Decimal(seconds), "1:1")
            ledger.settle(self.jobs[number], Decimal(seconds), "1:1")
        paid.open, paid.cost = False, bill
        if more:
            self.mails(paid.person, paid.day)

    def correct(self, which: int, micros: int) -> None:
        number = self.some(which, open=False)
        if number is None or not micros:
            return
        paid = self.model.orders[number]
        micros = max(micros, -paid.cost)
        if not micros:
            return
        ledger.adjust(self.team, micros, "corrected", self.owner, subject=self.jobs[number])
        paid.cost += micros
        if micros > 0:
            self.mails(paid.person, paid.day)

    def correct_month(self, person: int, micros: int) -> None:
        name = ("", *PEOPLE)[person]
        if not micros:
            return
        member = self.people.get(name)
        ledger.adjust(self.team, micros, "corrected", self.owner, member=member)
        month = self.model.begins("month")
        self.model.corrections.append((name, month, micros))
        if micros > 0:
            self.mails(name, None, month)

    def limit(self, whose: int, period: str, amount: int | str | None) -> None:
        name = ("team", "each", *PEOPLE)[whose]
        of = Whose(self.people.get(name), name == "each")
        setting = (
            NOT_SET
            if amount == "unset"
            else Setting(True, amount if isinstance(amount, int) else None)
        )
        limits.set_limits(self.team, of, {period: setting}, self.owner)
        if amount == "unset":
            self.model.limits.pop((name, period), None)
        else:
            self.model.limits[(name, period)] = amount if isinstance(amount, int) else None

    def wait(self, minutes: int) -> None:
        self.model.now += timedelta(minutes=minutes)

    def move(self, zone: str) -> None:
        Team.objects.filter(pk=self.team.pk).update(time_zone=zone)
        self.team.refresh_from_db()
        self.model.zone = zone

    def compare(self) -> None:
        for name in ("team", *PEOPLE):
            member = self.people.get(name)
            month, day = budget.status(self.team, member), budget.day_status(self.team, member)
            assert month.used == self.model.used(name, "month"), (name, "month")
            assert day.used == self.model.used(name, "day"), (name, "day")
        names = {one.pk: name for name, one in self.people.items()} | {None: "team"}
        told = [
            (one.period, one.begins, names[one.member_id], one.micros, one.level)
            for one in LimitWarning.objects.filter(team=self.team)
        ]
        assert sorted(told) == sorted(self.model.told)


SECONDS = st.integers(1, 12)
AMOUNTS = st.one_of(
    st.integers(0, 30).map(lambda n: n * PRICE),  # right at the edge
    st.integers(0, 30 * PRICE),
    st.just(None),
    st.just("unset"),
)
MONEY = st.integers(-6 * PRICE, 6 * PRICE)
PERIOD = st.sampled_from(("day", "month"))
LIMITS = st.tuples(st.just("limit"), st.integers(0, 3), PERIOD, AMOUNTS)
STEPS = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 1), SECONDS),
    st.tuples(st.just("order"), st.integers(0, 1), SECONDS),
    LIMITS,
    st.tuples(st.just("wait"), st.sampled_from((1, 50, 180, 700, 1440, 10_000, 44_640))),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("bill"), st.integers(0, 9), st.integers(0, 16)),
    st.tuples(st.just("correct"), st.integers(0, 9), MONEY),
    st.tuples(st.just("correct_month"), st.integers(0, 2), MONEY),
    st.tuples(st.just("move"), st.sampled_from(ZONES)),
)
# A history begins with a limit, or most of them would have none.
HISTORIES = st.tuples(
    st.lists(
        st.tuples(st.just("limit"), st.integers(0, 3), PERIOD, AMOUNTS), min_size=1, max_size=3
    ),
    st.lists(STEPS, min_size=4, max_size=24),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(zone=st.sampled_from(ZONES), start=st.sampled_from(STARTS), history=HISTORIES)
def test_limits_hold_over_any_history(
    zone: str,
    start: datetime,
    history: tuple[list[Any], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    mailbox: list[Any],
    django_capture_on_commit_callbacks: Any,
    serial: Any,
) -> None:
    mailbox.clear()
    world = World(
        zone,
        start,
        {
            "serial": serial,
            "mailbox": mailbox,
            "commits": django_capture_on_commit_callbacks,
            "clock": lambda now: monkeypatch.setattr("studio.common.clock.now", now),
        },
    )
    for name, *arguments in [*history[0], *history[1]]:
        getattr(world, name)(*arguments)
        world.compare()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    sent: list[Any] = []
    monkeypatch.setattr(mail.EmailMessage, "send", lambda self: sent.append(self) or 1)
    return sent


@pytest.fixture
def serial() -> Any:
    """A new number for each history."""
    numbers = iter(range(1, 10**6))
    return lambda: next(numbers)
