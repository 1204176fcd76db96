"""Quote, hold, settle, release: the only hand that writes the ledger. Everything is in integer
millionths.

A hold and its budget test are one transaction under a lock on the team's row; an entry is unique
per (job or check, kind, attempt), so a step that runs twice writes once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from jobs.catalogue import entries
from jobs.common.dates import month_name, short_day
from jobs.common.errors import Told
from jobs.models import Budget, Check, Job, LedgerEntry, Price
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models.people import Team, User

MILLION = 1_000_000
SYMBOLS = {"USD": "$", "CNY": "¥"}


class NoPrice(Told):
    """The price table has no row for this; without a price nothing is submitted."""


class OverBudget(Told):
    """A monthly limit would be passed. Its sentence names the limit, whose it is and when it begins
    anew."""


@dataclass(frozen=True, slots=True)
class Quote:
    """`micros` for `units` (seconds or images) at `price`; what is shown, held and later
    compared."""

    micros: int
    units: Decimal
    price: Price

    @property
    def currency(self) -> str:
        return self.price.currency

    @property
    def formula(self) -> Sentence:
        """The arithmetic, such as “13.930 s × $0.011469”."""
        n, each = f"{self.units.normalize():f}", shown(self.price.micros, self.currency, 6)
        if self.price.unit == "second":
            return phrase("%(n)s s × %(price)s", n=n, price=each)
        return phrase("%(n)s image × %(price)s", n=n, price=each)


def shown(micros: int, currency: str, places: int = 4, rounding: str = ROUND_HALF_UP) -> str:
    """“$0.4725”: `micros` with its symbol; 4 places for a job, 6 for the ledger, 2 for budgets."""
    amount = (Decimal(micros) / MILLION).quantize(Decimal(1).scaleb(-places), rounding=rounding)
    sign = "−" if amount < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{abs(amount):,.{places}f}"


def left_shown(micros: int, currency: str) -> str:
    """Money that is left is rounded down: a promise must not be larger than the purse."""
    return shown(micros, currency, 2, ROUND_DOWN)


def price_of(
    model: str, variant: str, currency: str, region: str = "", at: date | None = None
) -> Price:
    """The price row in force on day `at` (UTC, default today); one for `region` before one for
    everywhere. NoPrice."""
    day = at or datetime.now(UTC).date()
    row = (
        Price.objects.filter(
            model=model,
            variant=variant,
            currency=currency,
            region__in={"", region},
            effective_from__lte=day,
        )
        .order_by("-region", "-effective_from", "-id")
        .first()
    )
    if row is None:
        what = f"{model} {variant}".strip()
        raise NoPrice(
            phrase(
                "There is no price in %(currency)s for %(what)s, so nothing can be sent. Staff can "
                "add one under Prices in the admin.",
                currency=currency,
                what=what,
            )
        )
    return row


def amount(price: Price, units: Decimal) -> int:
    """Micros of `units` at `price`, rounded half up once, at the end: the same for quote and
    settlement."""
    return int((price.micros * units).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def quote(
    model: entries.Model, variant: str, units: Decimal, *, currency: str, region: str = ""
) -> Quote:
    """What `units` of `model` cost now. One function for the page, the hold and the settlement.
    NoPrice."""
    price = price_of(model.name, variant, currency, region)
    units = units.quantize(Decimal("0.001"))
    return Quote(amount(price, units), units, price)


def month_of(moment: datetime | None = None) -> date:
    """First day of the calendar month (UTC) that `moment` counts for."""
    return (moment or timezone.now()).astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a budget stands in a month; `limit` None means no limit was set."""

    currency: str
    limit: int | None
    held: int
    settled: int

    @property
    def used(self) -> int:
        return self.held + self.settled

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


def standing(team: Team, member: User | None = None, month: date | None = None) -> Standing:
    """Held and settled of `team` (or of `member` in it) in `month`, with its limit."""
    entries = LedgerEntry.objects.filter(team=team, month=month or month_of())
    budget = Budget.objects.filter(team=team, member=member).first()
    if member is not None:
        entries = entries.filter(member=member)
    sums = entries.aggregate(held=Sum("held"), settled=Sum("settled"))
    return Standing(
        team.currency, budget.micros if budget else None, sums["held"] or 0, sums["settled"] or 0
    )


def require_room(team: Team, member: User, micros: int) -> None:
    """OverBudget unless both the member's and the team's limit have room for `micros` more this
    month; nothing needs no room."""
    if micros == 0:
        return
    month = month_of()
    begins = next_month(month)
    for who in (member, None):
        now = standing(team, who, month)
        if now.limit is not None and now.used + micros > now.limit:
            needs, limit, left = (
                shown(micros, team.currency),
                shown(now.limit, team.currency, 2),
                left_shown(now.left or 0, team.currency),
            )
            if who is not None:
                said = phrase(
                    "This needs %(needs)s, and %(person)s’s limit in %(team)s has %(left)s of "
                    "%(limit)s left in %(month)s.",
                    needs=needs,
                    person=who.short_name,
                    team=team,
                    left=left,
                    limit=limit,
                    month=month_name(month),
                )
            else:
                said = phrase(
                    "This needs %(needs)s, and the limit of %(team)s has %(left)s of %(limit)s "
                    "left in %(month)s.",
                    needs=needs,
                    team=team,
                    left=left,
                    limit=limit,
                    month=month_name(month),
                )
            raise OverBudget(
                together(
                    said,
                    phrase(
                        "It begins anew on %(day)s; an owner can raise it.", day=short_day(begins)
                    ),
                )
            )


def hold(
    subject: Job | Check, quote: Quote, team: Team, member: User, attempt: int = 1
) -> LedgerEntry:
    """Reserve the quote. Must run inside the transaction that creates what it pays for.

    The lock on the team's row makes budget test and entry one step. OverBudget leaves nothing
    behind.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(
            "hold() belongs into the transaction of the job or check that it pays for"
        )
    # NO KEY: only other holds wait. A full lock would also stop every row that names the team, such
    # as events of its jobs.
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    require_room(team, member, quote.micros)
    entry: LedgerEntry = LedgerEntry.objects.create(
        team=team,
        member=member,
        kind=LedgerEntry.Kind.HOLD,
        attempt=attempt,
        held=quote.micros,
        currency=quote.currency,
        model=subject.model,
        price=quote.price,
        units=quote.units,
        month=month_of(),
        **_about(subject),
    )
    return entry


def settle(
    subject: Job | Check, units: Decimal, variant: str, *, attempt: int = 1, note: Sentence = EMPTY
) -> int:
    """Turn the hold into what was really billed and return it in micros. Calling it twice writes
    once.

    The price is the one of the hold's day; when the service billed another variant than quoted,
    that variant's.
    """
    held = _hold_of(subject, attempt)
    done = LedgerEntry.objects.filter(
        kind=LedgerEntry.Kind.SETTLE, attempt=attempt, **_about(subject)
    ).first()
    if done is not None:
        return int(done.settled)
    price = held.price
    if price is None or price.variant != variant:
        try:
            price = price_of(
                subject.model,
                variant,
                held.currency,
                subject.account.region,
                held.created_at.astimezone(UTC).date(),
            )
        except NoPrice:
            # The film exists and its address is running out: it must not wait for a price row. The
            # note says what to adjust.
            if held.price is None:
                raise
            price = held.price
            note = together(
                phrase(
                    "There is no price for what was billed (%(variant)s); the quoted one counts.",
                    variant=variant,
                ),
                note,
            )
    micros = amount(price, units)
    _finish(held, subject, LedgerEntry.Kind.SETTLE, micros, price, units, note)
    return micros


def release(subject: Job | Check, *, attempt: int = 1, note: Sentence = EMPTY) -> None:
    """Give the whole hold back: nothing was produced. Calling it twice, or after a settlement,
    writes nothing."""
    held = _hold_of(subject, attempt)
    ends = (LedgerEntry.Kind.SETTLE, LedgerEntry.Kind.RELEASE)
    if not LedgerEntry.objects.filter(kind__in=ends, attempt=attempt, **_about(subject)).exists():
        _finish(held, subject, LedgerEntry.Kind.RELEASE, 0, held.price, None, note)


def _hold_of(subject: Job | Check, attempt: int) -> LedgerEntry:
    held: LedgerEntry = LedgerEntry.objects.select_related("price").get(
        kind=LedgerEntry.Kind.HOLD, attempt=attempt, **_about(subject)
    )
    return held


def _about(subject: Job | Check) -> dict[str, Any]:
    return {"job": subject} if isinstance(subject, Job) else {"check_asked": subject}


def _finish(
    held: LedgerEntry,
    subject: Job | Check,
    kind: str,
    micros: int,
    price: Price | None,
    units: Decimal | None,
    note: Sentence,
) -> None:
    try:
        with transaction.atomic():
            LedgerEntry.objects.create(
                team_id=held.team_id,
                member_id=held.member_id,
                kind=kind,
                attempt=held.attempt,
                held=-held.held,
                settled=micros,
                currency=held.currency,
                model=held.model,
                price=price,
                units=units,
                month=held.month,
                note=note,
                **_about(subject),
            )
    except IntegrityError:
        # Another process wrote the same (subject, kind, attempt) between our look and our write:
        # the first one counts.
        if not LedgerEntry.objects.filter(
            kind=kind, attempt=held.attempt, **_about(subject)
        ).exists():
            raise


@dataclass(frozen=True, slots=True)
class MemberSpend:
    member: User | None
    held: int
    settled: int
    jobs: int
    checks: int
    seconds: Decimal


def spend_by_member(team: Team, month: date) -> list[MemberSpend]:
    """One row per person who spent in `month`, largest first; seconds are those billed."""
    rows: dict[int | None, dict[str, Any]] = {}
    entries = LedgerEntry.objects.filter(team=team, month=month)
    for row in entries.values("member").annotate(held=Sum("held"), settled=Sum("settled")):
        rows[row["member"]] = {
            "held": row["held"],
            "settled": row["settled"],
            "jobs": 0,
            "checks": 0,
            "seconds": Decimal(0),
        }
    settled = entries.filter(kind=LedgerEntry.Kind.SETTLE)
    for member, units in settled.filter(job__isnull=False).values_list("member", "units"):
        rows[member]["jobs"] += 1
        rows[member]["seconds"] += units or 0
    for member in settled.filter(check_asked__isnull=False).values_list("member", flat=True):
        rows[member]["checks"] += 1
    people = User.objects.in_bulk([pk for pk in rows if pk is not None])
    found = [MemberSpend(people.get(pk) if pk else None, **row) for pk, row in rows.items()]
    return sorted(found, key=lambda row: -(row.settled + row.held))
