"""Hold, settle, release: the only module that writes ledger entries. Everything is in integer
millionths.

A hold and its budget test are one transaction under a lock on the team's row; an entry is unique
per (job or check, kind, attempt), so a step that runs twice writes once.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from jobs.billing.budget import month_of, require_room
from jobs.billing.prices import NoPrice, Quote, amount, price_of
from jobs.models import Check, Job, LedgerEntry, Price
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models.people import Team, User


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
