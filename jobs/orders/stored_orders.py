"""Orders that wait for approval or for room in a limit: asked for, approved, declined, withdrawn,
expired, gone on with. What is made of one goes the way of every order (`create`,
`create_batch`)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction

from jobs.billing import ledger
from jobs.billing.prices import format_money
from jobs.common.errors import Refused
from jobs.models import Job, JobSet, PendingOrder
from jobs.orders import approval, approval_mail
from jobs.orders.approval import GoAhead, NeedsApproval
from jobs.orders.create import create
from jobs.orders.create_batch import create_batch, total_of
from jobs.orders.order_group import OrderGroup, group_of, stored
from jobs.orders.plan import plan
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase
from studio.models import Membership, Team, User
from studio.teams.permissions import Permission, allows

EXPIRES_AFTER = timedelta(days=7)
AT_ONCE = 200  # that one sweep ends
OPEN, APPROVAL = PendingOrder.State.OPEN, PendingOrder.Reason.APPROVAL


# ── asking ────────────────────────────────────────────────────────────────────────────────────────


def ask(needs: NeedsApproval) -> PendingOrder:
    """Keep the click of `needs` until somebody answers, and tell those who may. The same click asks
    once."""
    group, order = needs.group, needs.group.orders[0]
    team, now = order.team, clock.now()
    key = _key(group)
    known = _asked_before(team, key)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            ledger.lock(team)
            pending: PendingOrder = PendingOrder.objects.create(
                team=team,
                owner=order.owner,
                reason=APPROVAL,
                title=group.name,
                wish=stored(group),
                videos=len(group.orders),
                quote_micros=needs.micros,
                currency=team.currency,
                idempotency_key=key,
                why=needs.sentence,
                created_at=now,
                expires_at=now + EXPIRES_AFTER,
            )
            price = format_money(needs.micros, team.currency, 6)
            record(
                Event.APPROVAL_ASKED,
                team=team,
                by=order.owner,
                about=pending.title,
                after={"price": price, "videos_n": pending.videos},
            )
            approval_mail.asked(pending, approval.approvers(team))
    except IntegrityError:
        known = _asked_before(team, key)
        if known is None:
            raise
        return known
    return pending


def _asked_before(team: Team, key: str) -> PendingOrder | None:
    return team.pending_orders.filter(idempotency_key=key).first() if key else None


def _key(group: OrderGroup) -> str:
    """The same for the same click with the same orders; "" without the key of a click."""
    clicked = group.key or group.orders[0].key
    if not clicked:
        return ""
    return hashlib.sha256(repr((clicked, stored(group))).encode()).hexdigest()


# ── what it costs now ─────────────────────────────────────────────────────────────────────────────


def price_now(pending: PendingOrder) -> int:
    """Micros of all that `pending` makes, by the prices and templates of now. Raises Refused and
    NoPrice."""
    group = group_of(pending)
    return total_of([plan(order, checked=False) for order in group.orders])


# ── answering ─────────────────────────────────────────────────────────────────────────────────────


def approve(pending: PendingOrder, by: User, most: int, answer: str = "") -> Job | JobSet:
    """Order what was asked for, in the name of who asked, at `most` micros at most. Raises Refused,
    OverBudget, NoPrice; then it stays open."""
    _require_open(pending)
    made = _order(GoAhead(pending, by, most, pending.round, " ".join(answer.split())[:500]))
    _settle_old_click(pending, by, made)
    pending.refresh_from_db()
    if pending.answered_by_id != by.pk:
        raise Refused(approval.over_words(pending))  # somebody else was faster
    return made


def go_on(pending: PendingOrder, by: User, most: int, round_seen: int) -> Job | JobSet:
    """Make what of the rest of a set has room by now, at `most` micros at most. Raises Refused
    (also when `by` may not approve it), OverBudget, NoPrice; then it stays as it is."""
    if pending.state != OPEN or pending.round != round_seen:
        raise Refused(
            phrase("Somebody went on with it already. Look at what is left, then click again.")
        )
    return _order(GoAhead(pending, by, most, round_seen))


def _order(go_ahead: GoAhead) -> Job | JobSet:
    pending = go_ahead.pending
    _require_asker(pending)
    group = group_of(pending)
    if group.single:
        return create(group.orders[0], group.again_of[0], group.full[0], go_ahead=go_ahead)
    return create_batch(
        group.orders,
        kind=group.kind,
        title=group.title,
        key=group.key,
        again_of=group.again_of,
        full=group.full,
        into=group.into,
        partly=group.kind == JobSet.Kind.BATCH,
        go_ahead=go_ahead,
    )


def _settle_old_click(pending: PendingOrder, by: User, made: Job | JobSet) -> None:
    """Where `made` was ordered by the same click of its person meanwhile, because the amount was
    raised, that is the answer; nothing was made twice. Refused when that answered another question
    of the same click."""
    columns = {"set": made} if isinstance(made, JobSet) else {"job": made}
    with transaction.atomic():
        ledger.lock(pending.team)
        if not PendingOrder.objects.filter(pk=pending.pk, state=OPEN).exists():
            return
        if isinstance(made, Job) and PendingOrder.objects.filter(job=made).exists():
            raise Refused(
                phrase(
                    "The same click asked twice, and “%(title)s” was made of it already. Nothing "
                    "is made twice; decline this one.",
                    title=made.title,
                )
            )
        settled = PendingOrder.objects.filter(pk=pending.pk, state=OPEN).update(
            state=PendingOrder.State.ORDERED, answered_by=by, answered_at=clock.now(), **columns
        )
        if not settled:
            return
        pending.refresh_from_db()
        approval_mail.answered(pending)
        team, person = pending.team, pending.owner
        record(Event.APPROVED, team=team, by=by, person=person, about=pending.title)


def asker_problem(pending: PendingOrder) -> Sentence:
    """Why nothing can be made for who asked; "" when it can."""
    person, team = pending.owner, pending.team
    row = Membership.objects.filter(team=team, user=person).first()
    if row is None or not person.is_active:
        return phrase(
            "%(person)s is not in %(team)s any more, so nothing can be made for them. Decline it; "
            "who still needs it makes it themselves.",
            person=person.short_name,
            team=team,
        )
    if not allows(row.role, Permission.MAKE, team):
        return phrase(
            "%(person)s is %(role)s in %(team)s now, who makes no videos. Decline it, or change "
            "the role first.",
            person=person.short_name,
            role=row.get_role_display(),
            team=team,
        )
    return EMPTY


def _require_asker(pending: PendingOrder) -> None:
    problem = asker_problem(pending)
    if problem:
        raise Refused(problem)


def _require_open(pending: PendingOrder) -> None:
    expired = pending.expires_at is not None and pending.expires_at <= clock.now()
    if pending.state == OPEN and not expired:
        return
    raise Refused(approval.over_words(pending))


def decline(pending: PendingOrder, by: User, answer: str) -> bool:
    """No, with a reason; whether it was still open."""
    return _end(
        pending, PendingOrder.State.DECLINED, Event.APPROVAL_DECLINED, by, " ".join(answer.split())
    )


def withdraw(pending: PendingOrder, by: User) -> bool:
    """Whoever asked needs it no more; whether it was still open."""
    return _end(pending, PendingOrder.State.WITHDRAWN, Event.APPROVAL_WITHDRAWN, by)


def expire() -> int:
    """End what nobody answered in time, and tell who asked; how many that were."""
    rows = PendingOrder.objects.filter(state=OPEN, expires_at__lte=clock.now())
    due = list(rows.select_related("team", "owner").order_by("pk")[:AT_ONCE])
    return sum(_end(one, PendingOrder.State.EXPIRED, Event.APPROVAL_EXPIRED) for one in due)


def _end(
    pending: PendingOrder, state: str, event: Event, by: User | None = None, answer: str = ""
) -> bool:
    with transaction.atomic():
        ended = PendingOrder.objects.filter(pk=pending.pk, state=OPEN, reason=APPROVAL).update(
            state=state, answered_by=by, answered_at=clock.now(), answer=answer[:500]
        )
        if not ended:
            return False
        told = {"reason": answer} if answer else None
        record(
            event,
            team=pending.team,
            by=by,
            person=pending.owner,
            about=pending.title,
            after=told,
        )
        pending.refresh_from_db()
        approval_mail.answered(pending)
    return True
