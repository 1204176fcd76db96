"""Approval: above the team's amount per click somebody whose role may not approve asks first. The
one place of that rule, which `create` and `create_batch` keep under the team's lock."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from jobs.billing import limit_words
from jobs.billing.prices import format_money
from jobs.common.errors import Refused
from jobs.models import Job, JobSet, PendingOrder
from jobs.orders import approval_mail
from jobs.orders.order_group import OrderGroup
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.sentence_error import SentenceError
from studio.common.translatable import Sentence, phrase, together
from studio.models import Membership, Team, User
from studio.teams.permissions import Permission, allows, roles_with


class NeedsApproval(SentenceError):
    """Nothing was ordered: the click `group`, of `micros`, needs somebody's approval."""

    code = "needs-approval"

    def __init__(self, team: Team, group: OrderGroup, micros: int) -> None:
        super().__init__(needs_words(team, micros))
        self.group, self.micros = group, micros


def needed(team: Team, person: User, micros: int) -> bool:
    """Whether a click of `person` for `micros` in `team` needs approval. Asks the database only in
    a team that has set an amount."""
    if team.approval_micros is None or micros <= team.approval_micros:
        return False
    role = Membership.objects.filter(team=team, user=person).values_list("role", flat=True).first()
    return role is None or not allows(role, Permission.APPROVE, team)


def approvers(team: Team) -> list[User]:
    """Who may approve, those who came first first."""
    rows = team.memberships.filter(role__in=roles_with(Permission.APPROVE), user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("id")]


def needs_words(team: Team, micros: int) -> Sentence:
    """That a click of `micros` needs approval, and whose."""
    people = limit_words.names(approvers(team))
    said = phrase(
        "This costs %(sum)s, and above %(amount)s per click somebody has to approve it in "
        "%(team)s.",
        sum=format_money(micros, team.currency),
        amount=format_money(team.approval_micros or 0, team.currency),
        team=team,
    )
    who = (
        phrase("Who can: %(people)s.", people=people)
        if people
        else phrase("Nobody can at the moment; an owner can give somebody the role.")
    )
    return together(said, who, phrase("Nothing is reserved or sent until then."))


@dataclass(frozen=True, slots=True)
class GoAhead:
    """Somebody's word that `pending` is made now, at a price of `most` micros at most, as they saw
    it in its `round`."""

    pending: PendingOrder
    by: User
    most: int
    round: int
    answer: str = ""

    @property
    def approves(self) -> bool:
        return self.pending.reason == PendingOrder.Reason.APPROVAL


def admit(team: Team, group: OrderGroup, micros: int, go_ahead: GoAhead | None) -> None:
    """Let a click of `micros` pass, once. The caller has the lock of `team` and rolls back when
    this raises: NeedsApproval, or Refused when the price grew or somebody else was faster."""
    if go_ahead is None:
        if needed(team, group.orders[0].owner, micros):
            raise NeedsApproval(team, group, micros)
        return
    if micros > go_ahead.most:
        raise Refused(grown(team, micros, go_ahead.most))
    if not go_ahead.approves and needed(team, go_ahead.by, micros):
        approved = go_ahead.pending.approved_micros
        if approved is None or micros > approved:
            # Not asked for as something new: then it could be made twice.
            raise Refused(
                phrase("Somebody who may approve has to go on with it."),
                needs_words(team, micros),
            )
    _claim(go_ahead)


def grown(team: Team, micros: int, most: int) -> Sentence:
    return phrase(
        "The price is %(now)s now, and the button said %(was)s. Nothing was ordered. Look at it, "
        "then click again.",
        now=format_money(micros, team.currency),
        was=format_money(most, team.currency),
    )


def _claim(go_ahead: GoAhead) -> None:
    """Compare and swap: of several clicks at once one goes on."""
    pending, now = go_ahead.pending, clock.now()
    in_time = Q(expires_at__gt=now) if go_ahead.approves else Q()
    done = PendingOrder.objects.filter(
        in_time, pk=pending.pk, state=PendingOrder.State.OPEN, round=go_ahead.round
    ).update(
        state=PendingOrder.State.ORDERED,
        round=go_ahead.round + 1,
        answered_by=go_ahead.by,
        answered_at=now,
        answer=go_ahead.answer,
    )
    if not done:
        raise Refused(over_words(PendingOrder.objects.get(pk=pending.pk)))


def over_words(pending: PendingOrder) -> Sentence:
    """Why nothing can be decided about `pending` any more."""
    who = pending.answered_by.short_name if pending.answered_by is not None else ""
    state = PendingOrder.State(pending.state)
    if state == PendingOrder.State.ORDERED:
        return phrase("It was ordered already, by %(person)s. Nothing is made twice.", person=who)
    if state == PendingOrder.State.DECLINED:
        return phrase("It was declined already, by %(person)s.", person=who)
    if state == PendingOrder.State.WITHDRAWN:
        return phrase("It was withdrawn, so there is nothing to decide any more.")
    if pending.reason == PendingOrder.Reason.LIMIT:
        return phrase("Somebody went on with it already. Look at what is left, then click again.")
    return phrase("Nobody answered in time, so it has expired. Whoever needs it asks again.")


def ordered(go_ahead: GoAhead | None, made: Job | JobSet) -> None:
    """Note what `go_ahead` became, in the transaction that made it."""
    if go_ahead is None:
        return
    pending = go_ahead.pending
    columns = {"set": made} if isinstance(made, JobSet) else {"job": made}
    PendingOrder.objects.filter(pk=pending.pk).update(**columns)
    if go_ahead.approves:
        pending.refresh_from_db()
        approval_mail.answered(pending)
    record(
        Event.APPROVED if go_ahead.approves else Event.REST_WENT_ON,
        team=pending.team,
        by=go_ahead.by,
        person=pending.owner,
        about=pending.title,
        after={"most": format_money(go_ahead.most, pending.currency, 6)},
    )
