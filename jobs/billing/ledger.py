"""Hold, settle, release, adjust: the only module that writes ledger entries, and with each its
balances. Everything is in integer millionths.

A hold and its budget test are one transaction under a lock on the team's row; an entry is unique
per (job or check, kind, attempt), so a step that runs twice writes once. What else a transaction
locks, it locks before it settles or releases (`balances` has the order).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from decimal import Decimal
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from jobs.billing import balances, limit_warnings
from jobs.billing.budget import limit_uses, require_room
from jobs.billing.periods import day_of, month_of
from jobs.billing.prices import NoPrice, Quote, format_money, price_of, priced
from jobs.models import Attempt, Budget, Check, Job, LedgerEntry
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.sentence_error import SentenceError
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models.people import Team, User

MOST = 10**15  # micros of one adjustment
LONGEST_REASON = 300


class NotAdjustable(SentenceError):
    """A correction that makes no sense. Its sentence says what is wrong with it."""


def hold(
    subject: Job | Check,
    quote: Quote,
    team: Team,
    member: User,
    attempt: int = 1,
    *,
    locked: bool = False,
) -> LedgerEntry:
    """Reserve the quote. Must run inside the transaction that creates what it pays for.

    The lock on the team's row makes budget test and entry one step; `locked` says that `team` is
    that row as this transaction's `lock` gave it. OverBudget leaves nothing behind.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(
            "hold() belongs into the transaction of the job or check that it pays for"
        )
    if not locked:
        team = lock(team)
    day = day_of(team)
    month = day.replace(day=1)
    stood = require_room(team, member, quote.micros, month, day)
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
        month=month,
        day=day,
        written_on=day,
        **_about(subject),
    )
    balances.add([entry])
    limit_warnings.warn(team, member, stood, quote.micros)
    return entry


def lock(team: Team) -> Team:
    """Let one writer of holds and adjustments of `team` at a time come here, until its transaction
    ends; the team as it is now, for its time zone or a limit may be another one since its page was
    asked for. Before the rows of jobs and checks, so that no two wait for each other."""
    # NO KEY: only other holds wait. A full lock would also stop every row that names the team, such
    # as events of its jobs.
    return Team.objects.select_for_update(no_key=True).get(pk=team.pk)


def _warn_of(entry: LedgerEntry, team: Team) -> None:
    """After an entry that used more than was held: tell what that has reached of the limits of the
    present day and month. The caller has the lock of `team`, as for every warning."""
    if entry.held + entry.settled <= 0:
        return
    counts_for = {Budget.Period.DAY: entry.day, Budget.Period.MONTH: entry.month}
    found = limit_uses(team, entry.member)
    now = [one for one in found if one.begins == counts_for[Budget.Period(one.limit.period)]]
    limit_warnings.warn(team, entry.member, now)


def _warn_after_commit(entries: Iterable[LedgerEntry]) -> None:
    """For entries that end holds, whose writers have no lock of the team and cannot wait for it.
    What a process that dies in between does not tell, the next hold does."""
    for entry in entries:
        if entry.held + entry.settled > 0:
            transaction.on_commit(partial(_warn_alone, entry), robust=True)


def _warn_alone(entry: LedgerEntry) -> None:
    with transaction.atomic():
        _warn_of(entry, lock(entry.team))


def settle(
    subject: Job | Check,
    units: Decimal,
    variant: str,
    *,
    attempt: int = 1,
    note: Sentence = EMPTY,
    free: Iterable[Job] = (),
    free_note: Sentence = EMPTY,
) -> int:
    """Turn the hold into what was really billed and return it in micros; the holds of `free`, which
    end with it, go back. Calling it twice writes once.

    The price is the one of the hold's day; when the service billed another variant than quoted,
    that variant's. What is more than was held is said in the note, and counts against the limits.
    """
    micros, written = _settlement(subject, units, variant, attempt, note)
    # All at once, since the balances are locked in one order.
    balances.add([*written, *_releases(free, 1, free_note)])
    _warn_after_commit(written)
    return micros


def _settlement(
    subject: Job | Check, units: Decimal, variant: str, attempt: int, note: Sentence
) -> tuple[int, list[LedgerEntry]]:
    """What it cost, and the entry that says so unless it is there already."""
    held = _hold_of(subject, attempt)
    done = LedgerEntry.objects.filter(
        kind=LedgerEntry.Kind.SETTLE, attempt=attempt, **_about(subject)
    ).first()
    if done is not None:
        return int(done.settled), []
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
            # The video exists and its address is running out: it must not wait for a price row. The
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
    bill = priced(price, units)
    note = together(_more(held, subject, bill), note)
    written = _written(held, subject, LedgerEntry.Kind.SETTLE, bill, note)
    return bill.micros if written else _settled(subject, attempt), written


def _settled(subject: Job | Check, attempt: int) -> int:
    done = LedgerEntry.objects.get(kind=LedgerEntry.Kind.SETTLE, attempt=attempt, **_about(subject))
    return int(done.settled)


def _more(held: LedgerEntry, subject: Job | Check, bill: Quote) -> Sentence:
    """What to say when the bill is larger than its hold."""
    if bill.micros <= held.held:
        return EMPTY
    if isinstance(subject, Job) and subject.adopted:
        return phrase("Nothing was reserved for it, since its task was made elsewhere.")
    return phrase(
        "The bill of %(sum)s is more than the %(held)s that were reserved.",
        sum=format_money(bill.micros, held.currency, 6),
        held=format_money(held.held, held.currency, 6),
    )


def release(*subjects: Job | Check, attempt: int = 1, note: Sentence = EMPTY) -> None:
    """Give the whole hold of each of `subjects` back: nothing was produced. Calling it twice, or
    after a settlement, writes nothing."""
    balances.add(_releases(subjects, attempt, note))


def _releases(subjects: Iterable[Job | Check], attempt: int, note: Sentence) -> list[LedgerEntry]:
    """The entries that give holds back, of those that have not ended."""
    ends = (LedgerEntry.Kind.SETTLE, LedgerEntry.Kind.RELEASE)
    written = []
    for subject in subjects:
        held = _hold_of(subject, attempt)
        about = _about(subject)
        if not LedgerEntry.objects.filter(kind__in=ends, attempt=attempt, **about).exists():
            written += _written(held, subject, LedgerEntry.Kind.RELEASE, None, note)
    return written


def adjust(
    team: Team,
    micros: int,
    reason: str,
    by: User,
    *,
    subject: Job | Check | None = None,
    member: User | None = None,
    month: date | None = None,
) -> LedgerEntry:
    """Correct what was settled by `micros`, more or less, for a reason that people read with the
    name of `by`.

    About a job or check it counts for the month, day and person of its hold, and changes what the
    job says it cost; without one for `member` (None: the team alone) in `month` (default this one)
    and for no day. No limit stops a correction. Raises NotAdjustable.
    """
    reason = " ".join(reason.split())
    if not micros or abs(micros) > MOST or not reason or len(reason) > LONGEST_REASON:
        raise NotAdjustable(
            phrase("A correction needs an amount other than 0 and a reason of up to 300 letters.")
        )
    note = phrase("Adjusted by %(person)s: %(reason)s", person=by.email, reason=reason)
    columns: dict[str, object] = {
        "team_id": team.pk,
        "member": member,
        "kind": LedgerEntry.Kind.ADJUST,
        "settled": micros,
        "currency": team.currency,
        "note": note,
    }
    with transaction.atomic():
        team = lock(team)
        columns |= {"month": month or month_of(team), "written_on": day_of(team)}
        if subject is not None:
            columns |= _adjustment_of(subject, team, micros)
        entry: LedgerEntry = LedgerEntry.objects.create(**columns)
        balances.add([entry])
        corrected = {"micros": micros, "currency": team.currency, "month": entry.month}
        record(Event.ADJUSTED, team=team, by=by, person=entry.member, about=reason, after=corrected)
        _warn_of(entry, team)
    return entry


def _adjustment_of(subject: Job | Check, team: Team, micros: int) -> dict[str, object]:
    """The columns of an adjustment that its subject decides. Changes what a job says it cost."""
    entries = list(
        LedgerEntry.objects.filter(team=team, **_about(subject))
        .select_related("price")
        .order_by("pk")
    )
    holds = [entry for entry in entries if entry.kind == LedgerEntry.Kind.HOLD]
    if not holds or sum(entry.held for entry in entries):
        raise NotAdjustable(
            phrase("Its quote is still reserved. Correct it when it has ended and is charged.")
        )
    cost = sum(entry.settled for entry in entries)
    if cost + micros < 0:
        raise NotAdjustable(
            phrase(
                "It cost %(sum)s in all, so no more than that can be taken off.",
                sum=format_money(cost, holds[-1].currency, 6),
            )
        )
    if isinstance(subject, Job):
        Job.objects.filter(pk=subject.pk).update(settled_micros=cost + micros)
    return {
        "member": holds[-1].member,
        "attempt": 1 + sum(entry.kind == LedgerEntry.Kind.ADJUST for entry in entries),
        "currency": holds[-1].currency,
        "model": holds[-1].model,
        "price": holds[-1].price,
        "month": holds[-1].month,
        "day": holds[-1].day,
        "key_id": next((entry.key_id for entry in entries if entry.key_id), None),
        **_about(subject),
    }


def _hold_of(subject: Job | Check, attempt: int) -> LedgerEntry:
    """Its hold, with `sent_with`: the id of the key that it was sent with, None when that is not
    known."""
    last = Attempt.objects.filter(job=OuterRef("job")).order_by("-number")
    of_job, of_check = Subquery(last.values("key_id")[:1]), F("check_asked__key_id")
    held: LedgerEntry = (
        LedgerEntry.objects.select_related("price", "team")
        .annotate(sent_with=Coalesce(of_job, of_check, output_field=BigIntegerField()))
        .get(kind=LedgerEntry.Kind.HOLD, attempt=attempt, **_about(subject))
    )
    return held


def _about(subject: Job | Check) -> dict[str, object]:
    return {"job": subject} if isinstance(subject, Job) else {"check_asked": subject}


def _written(
    held: LedgerEntry, subject: Job | Check, kind: str, bill: Quote | None, note: Sentence
) -> list[LedgerEntry]:
    """The entry that ends `held`, written; none when another process wrote it between our look and
    our write: the first one counts."""
    try:
        with transaction.atomic():
            entry: LedgerEntry = LedgerEntry.objects.create(
                team_id=held.team_id,
                member_id=held.member_id,
                kind=kind,
                attempt=held.attempt,
                held=-held.held,
                settled=bill.micros if bill else 0,
                currency=held.currency,
                model=held.model,
                price=bill.price if bill else held.price,
                units=bill.units if bill else None,
                key_id=getattr(held, "sent_with", None) if bill else None,
                month=held.month,
                day=held.day,
                written_on=day_of(held.team),
                note=note,
                **_about(subject),
            )
            return [entry]
    except IntegrityError:
        if not LedgerEntry.objects.filter(
            kind=kind, attempt=held.attempt, **_about(subject)
        ).exists():
            raise
        return []
