"""Who is in a team, with which role: changing it, removing, leaving, handing the team over.

Nobody changes who has more than they, or gives more than they have (`may_grant` of the old and the
new role), and a team never is without an owner. Whoever writes here holds the lock on the team's
row first, so that two changes at once are judged one after the other.
"""

from __future__ import annotations

from django.db import transaction

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.sentence_error import SentenceError
from studio.common.translatable import Sentence, phrase
from studio.models import Membership, Role, Team, User
from studio.models.people import without_owner
from studio.teams import member_mail
from studio.teams.invitations import lock, role_of
from studio.teams.permissions import Permission, allows, may_grant


class NotChanged(SentenceError):
    """Nothing was changed. Its sentence says why, and what to do."""


def is_still_member(membership: Membership) -> bool:
    """Whether the person is in the team still; then nobody else does this, nor removes them, until
    the transaction ends."""
    rows = Membership.objects.select_for_update(no_key=True).filter(pk=membership.pk)
    return rows.first() is not None


def change_role(team: Team, by: User, member: Membership, role: str) -> Membership:
    """Give `member` the role. NotChanged."""
    with transaction.atomic():
        lock(team)
        mine, there = role_of(team, by), _again(team, member)
        if role not in Role.values or not (may_grant(mine, there.role) and may_grant(mine, role)):
            raise NotChanged(
                phrase(
                    "You may not give or take this role: it may more than yours. An owner of the "
                    "team can."
                )
            )
        if there.role == role:
            return there
        if there.role == Role.OWNER:
            _keep_an_owner(there)
        told = phrase(
            "%(person)s has changed your role here: you are %(role)s now.",
            person=by.short_name,
            role=Role(role).label,
        )
        _write(team, by, there, role, told if there.user_id != by.pk else None)
        member_mail.role_changed(team, there.user, role, by)
    return there


def transfer(team: Team, by: User, to: Membership, role: str) -> Membership:
    """`to` becomes an owner, and `by` gets `role`, or stays an owner too. NotChanged."""
    with transaction.atomic():
        lock(team)
        if not allows(role_of(team, by), Permission.DELETE_TEAM):
            raise NotChanged(phrase("Only an owner can hand the team over."))
        there = _again(team, to)
        if there.user_id == by.pk or role not in Role.values or not there.user.is_active:
            raise NotChanged(phrase("Choose a member of the team, and the role that you keep."))
        told = phrase(
            "%(person)s has handed this team over to you: you are its owner now.",
            person=by.short_name,
        )
        record(Event.OWNER_CHANGED, team=team, by=by, person=there.user)
        _write(team, by, there, Role.OWNER, told)
        member_mail.handed_over(team, there.user, by)
        _write(team, by, team.memberships.select_related("user").get(user=by), role, None)
    return there


def remove(team: Team, by: User, member: Membership) -> None:
    """Take `member` out of the team, or let `by` leave it. NotChanged. What they have in it is
    settled by the caller, in the same transaction."""
    with transaction.atomic():
        lock(team)
        there = _again(team, member)
        if there.user_id != by.pk and not may_grant(role_of(team, by), there.role):
            raise NotChanged(
                phrase(
                    "You may not remove somebody whose role may more than yours. An owner of the "
                    "team can."
                )
            )
        if there.role == Role.OWNER:
            _keep_an_owner(there)
        there.delete()
        event = Event.LEFT if there.user_id == by.pk else Event.REMOVED
        record(event, team=team, by=by, person=there.user, before={"role": there.role})
        member_mail.removed(team, there.user, by)


def _again(team: Team, member: Membership) -> Membership:
    """The row as it is now, under the lock."""
    there: Membership | None = (
        team.memberships.select_related("user", "team").filter(pk=member.pk).first()
    )
    if there is None:
        raise NotChanged(phrase("This person is not in the team any more."))
    return there


def _keep_an_owner(owner: Membership) -> None:
    others = owner.team.memberships.filter(role=Role.OWNER, user__is_active=True)
    if not others.exclude(pk=owner.pk).exists():
        raise NotChanged(without_owner(owner))


def _write(team: Team, by: User, member: Membership, role: str, told: Sentence | None) -> None:
    before, after = {"role": member.role}, {"role": role}
    record(Event.ROLE_CHANGED, team=team, by=by, person=member.user, before=before, after=after)
    changes: dict[str, object] = {"role": role} if told is None else {"role": role, "news": told}
    team.memberships.filter(pk=member.pk).update(**changes)
    member.role = role
