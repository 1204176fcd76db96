"""Invariants of money: holds, releases and settlements of jobs and checks, and budgets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, F, Max, Q, Sum

from jobs.billing import prices
from jobs.common.states import TERMINAL, State
from jobs.engine.bill_check import unlike
from jobs.engine.invariant_tally import CHUNK, Tally
from jobs.models import Budget, Check, Job, LedgerEntry, Price

HOLD, RELEASE, SETTLE = LedgerEntry.Kind.HOLD, LedgerEntry.Kind.RELEASE, LedgerEntry.Kind.SETTLE


def holds_of_jobs(tally: Tally) -> Iterator[str]:
    """A job that waits or is at the service holds its quote (an adopted one nothing); once the
    service is done it is settled or released, never both, holds nothing, and says the same as its
    ledger."""
    rows = (
        Job.objects.order_by("pk")
        .values_list(
            "pk", "public_id", "state", "adopted", "quote_micros", "settled_micros", "currency"
        )
        .annotate(
            _held=Sum("ledger__held"),
            _settled=Sum("ledger__settled"),
            _given=Sum("ledger__held", filter=Q(ledger__kind=HOLD)),
            _holds=Count("ledger", filter=Q(ledger__kind=HOLD)),
            _releases=Count("ledger", filter=Q(ledger__kind=RELEASE)),
            _settles=Count("ledger", filter=Q(ledger__kind=SETTLE)),
        )
    )
    for row in rows.iterator(CHUNK):
        tally.seen += 1
        yield from _JobMoney(*row).broken()


@dataclass(frozen=True, slots=True)
class _JobMoney:
    """What a job says of its money and what its ledger says, amounts in millionths of `currency`.
    `given` is what was held for it, `held` what still is."""

    pk: int
    name: str
    word: str
    adopted: bool
    quote: int
    says: int | None
    currency: str
    held_sum: int | None
    settled_sum: int | None
    given_sum: int | None
    holds: int
    releases: int
    settles: int

    def broken(self) -> Iterator[str]:
        name, unit = self.name, f"millionths {self.currency}"
        settled, says = self.settled_sum or 0, self.says or 0
        if self.holds != 1:
            yield f"Job {name} has {self.holds} holds in the ledger; it must have one."
        if self.releases and self.settles:
            yield f"Job {name} was both released and charged."
        if self.settles > 1:
            yield f"Job {name} was charged {self.settles} times."
        if settled != says:
            yield f"Job {name} says that it cost {says} {unit}, and its ledger says {settled}."
        yield from self._wrong_for_its_state(State(self.word), unit)

    def _wrong_for_its_state(self, state: State, unit: str) -> Iterator[str]:
        name, held, given = self.name, self.held_sum or 0, self.given_sum or 0
        quote = 0 if self.adopted else self.quote
        if state in TERMINAL or state is State.ARCHIVING:
            if held:
                yield f"Job {name} is {state} and still holds {held} {unit}."
            if state in (State.SUCCEEDED, State.ARCHIVING) and not self.settles:
                yield f"Job {name} is {state} and was never charged."
        elif held != given or self.settles or self.releases:
            yield (
                f"Job {name} is {state} and holds {held} of the {given} {unit} that were held "
                "for it."
            )
        elif self.holds == 1 and given != quote:
            yield f"Job {name} is {state} and holds {given} {unit}; its quote is {quote}."


def holds_of_checks(tally: Tally) -> Iterator[str]:
    """A check that is not answered holds the price of its present attempt; any other holds
    nothing."""
    rows = (
        Check.objects.order_by("pk")
        .values_list("pk", "public_id", "state")
        .annotate(
            _held=Sum("ledger__held"),
            _given=Sum("ledger__held", filter=Q(ledger__kind=HOLD, ledger__attempt=F("attempt"))),
        )
    )
    waits = (Check.State.WAITING, Check.State.ASKING, Check.State.UNCERTAIN)
    for _pk, name, state, held, given in rows.iterator(CHUNK):
        tally.seen += 1
        held, given = held or 0, given or 0
        if state in waits and held != given:
            yield (
                f"Check {name} is {state} and holds {held} of the {given} millionths that were "
                "held for it."
            )
        elif state not in waits and held:
            yield f"Check {name} is {state} and still holds {held} millionths."
    ended = (
        LedgerEntry.objects.filter(check_asked__isnull=False)
        .order_by()
        .values_list("check_asked__public_id", "attempt")
    )
    both = ended.annotate(
        _releases=Count("pk", filter=Q(kind=RELEASE)), _settles=Count("pk", filter=Q(kind=SETTLE))
    ).filter(_releases__gt=0, _settles__gt=0)
    for name, attempt, _releases, _settles in both:
        yield f"Attempt {attempt} of check {name} was both released and charged."


def settled_as_used(tally: Tally) -> Iterator[str]:
    """Every settlement is its units at its price version, rounded once. One of another length than
    was quoted is noted: the bill may be wrong."""
    rows = LedgerEntry.objects.filter(kind=SETTLE).order_by("pk")
    columns = (
        "pk",
        "job__public_id",
        "check_asked__public_id",
        "units",
        "settled",
        "currency",
        "price__micros",
        "price__currency",
        "job__milliseconds",
        "job__adopted",
    )
    for row in rows.values_list(*columns).iterator(CHUNK):
        pk, job, check, units, settled, currency, micros, priced_in, quoted, adopted = row
        tally.seen += 1
        what = f"Ledger entry {pk} of {f'job {job}' if job else f'check {check}'}"
        if units is None or micros is None:
            yield (
                f"{what} settles {settled} millionths without "
                f"{'units' if units is None else 'a price'}."
            )
            continue
        due = prices.amount(Price(micros=micros), units)
        if settled != due:
            yield f"{what} settles {settled} millionths; {units} units at {micros} are {due}."
        if currency != priced_in:
            yield f"{what} is in {currency}, and its price in {priced_in}."
        if job and not adopted and unlike(units, Decimal(quoted) / 1000):
            tally.notes.append(f"{what} settles {units} s; {quoted / 1000:g} s were quoted.")


def budgets_hold(tally: Tally) -> Iterator[str]:
    """Nothing was taken on that a limit had no room for. What is settled above its hold says why in
    its note (an adopted task, a bill larger than the quote) and is no breach; nor is what was taken
    before the limit was set or last changed."""
    changes = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Budget), action_flag=CHANGE
    )
    changed: dict[str, datetime] = dict(
        changes.order_by().values_list("object_id").annotate(_last=Max("action_time"))
    )
    with_own = defaultdict(set)
    for team, period, member in Budget.objects.filter(member__isnull=False).values_list(
        "team_id", "period", "member_id"
    ):
        with_own[team, period].add(member)
    limits = Budget.objects.filter(micros__isnull=False).select_related("team", "member")
    for budget in limits.iterator(CHUNK):
        times = (budget.created_at, budget.changed_at, changed.get(str(budget.pk)))
        since = max(at for at in times if at is not None)
        yield from _kept(budget, since, with_own[budget.team_id, budget.period], tally)


def _kept(budget: Budget, since: datetime, with_own: set[int], tally: Tally) -> Iterator[str]:
    """Whether `budget` was kept since it counts, by each person for whom it counts: `with_own` have
    one of their own."""
    of_day = budget.period == Budget.Period.DAY
    entries = LedgerEntry.objects.filter(
        team_id=budget.team_id,
        # A day before, since the team's may have begun while it was another one elsewhere.
        month__gte=(since - timedelta(days=1)).astimezone(UTC).date().replace(day=1),
    )
    if of_day:
        entries = entries.filter(day__isnull=False)
    if budget.member_id is not None:
        entries = entries.filter(member_id=budget.member_id)
    elif budget.of_each:
        entries = entries.filter(member__isnull=False).exclude(member__in=with_own)
    key = ("member_id" if budget.of_each else "team_id", "day" if of_day else "month")
    columns = (
        *key,
        "kind",
        "held",
        "settled",
        "created_at",
        "job__public_id",
        "check_asked__public_id",
    )
    rows = entries.order_by(*key, "pk").values_list(*columns).iterator(CHUNK)
    for (_whose, begins), lines in groupby(rows, key=itemgetter(0, 1)):
        yield from _within(budget, begins, lines, since, tally)


def _within(
    budget: Budget, begins: date, lines: Iterator[tuple[Any, ...]], since: datetime, tally: Tally
) -> Iterator[str]:
    used = excused = 0
    said = False
    for _whose, _begins, kind, held, settled, at, job, check in lines:
        tally.seen += 1
        used += held + settled
        if kind != HOLD:
            excused += max(0, held + settled)
        elif held > 0 and at > since and used - excused > (budget.micros or 0) and not said:
            said = True
            whose = f"{budget.member} in {budget.team}" if budget.member else str(budget.team)
            if budget.of_each:
                whose = f"each person in {budget.team}"
            what = f"job {job}" if job else f"check {check}"
            when = f"{begins:%d %B %Y}" if budget.period == Budget.Period.DAY else f"{begins:%B %Y}"
            yield (
                f"The limit of {whose} is {budget.micros} millionths, and {what} took "
                f"{when} to {used - excused}."
            )
