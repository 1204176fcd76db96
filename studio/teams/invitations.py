"""Invitations to a team: made, made anew, revoked and accepted, each once.

Only a digest of a link's secret is stored. An invitation for an address is only taken by whoever
has that address confirmed. An invitation ends with the right of who made it: it counts as long as
that person may still give its role. Whoever writes here holds the lock on the team's row first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.sentence_error import SentenceError
from studio.common.translatable import Sentence, phrase
from studio.models import Invitation, Membership, Team, User
from studio.teams import closed_team
from studio.teams.mail_addresses import confirmed_addresses
from studio.teams.permissions import may_grant

LIFETIME = timedelta(days=7)
DROPPED_AFTER = timedelta(days=90)  # after their end, to say so to who opens them
MOST_OPEN = 200  # of one team
SESSION_KEY = "invitations"  # {public id: digest of the link that was opened}, the latest last
MOST_HELD = 10  # in one session


class Problem(models.TextChoices):
    """Why an invitation cannot be accepted."""

    UNKNOWN = "unknown", _("This link does not work any more")
    GONE = "gone", _("The team is gone")
    CLOSED = "closed", _("The team is closed")
    USED = "used", _("This invitation was used")
    REVOKED = "revoked", _("This invitation was taken back")
    EXPIRED = "expired", _("This invitation has ended")
    MAKER = "maker", _("This invitation does not count any more")
    BEGUN = "begun", _("Somebody has made their account with this invitation")
    ADDRESS = "address", _("This invitation is for somebody else")
    UNCONFIRMED = "unconfirmed", _("Confirm your address first")
    MEMBER = "member", _("You are in this team already")


class CannotJoin(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class NotInvited(SentenceError):
    """An invitation that nobody may make. Its sentence says why, and what to do."""


@dataclass(frozen=True)
class Wish:
    """One invitation to make: for the confirmed owner of `email`, or, without one, for whoever has
    the link; `note` says whom that is meant for."""

    role: str
    email: str = ""
    note: str = ""


@dataclass(frozen=True)
class Made:
    invitation: Invitation
    secret: str

    @property
    def link(self) -> str:
        """The address with which it is taken; nobody can be shown it again."""
        return settings.PUBLIC_URL + reverse("invitation_link", args=[self.secret])


# ── making ────────────────────────────────────────────────────────────────────────────────────────


def make(
    team: Team, by: User, wishes: Sequence[Wish], *, mailed: bool, click: str = ""
) -> list[Made]:
    """Make all of `wishes`, or none: NotInvited. An address that has an open invitation gets that
    one anew. The same `click` twice makes nothing the second time. `mailed`: nobody but the
    mailboxes will see the links."""
    with transaction.atomic():
        _require_open(lock(team))
        if click and team.invitations.filter(click=click).exists():
            return []
        role = role_of(team, by)
        _forget_old(team)
        made = [_made(team, by, role, wish, mailed=mailed, click=click) for wish in wishes]
        for one in made:
            _record(Event.INVITED, one.invitation, by)
        if open_ones(team).count() > MOST_OPEN:
            raise NotInvited(
                phrase(
                    "A team has at most %(most)s open invitations. Take back some that nobody will "
                    "use, or wait until they end.",
                    most=MOST_OPEN,
                )
            )
    return made


def _made(team: Team, by: User, role: str, wish: Wish, *, mailed: bool, click: str) -> Made:
    if not may_grant(role, wish.role):
        raise NotInvited(_not_yours())
    there = team.memberships.filter(user__email=wish.email).select_related("user").first()
    if wish.email and there is not None:
        raise NotInvited(
            phrase("%(email)s is in the team already; change the role there.", email=wish.email)
        )
    before = (
        team.invitations.filter(email=wish.email, used_at=None, revoked_at=None).first()
        if wish.email
        else None
    )
    if before is not None:
        return _anew(before, by, role, wish.role, mailed=mailed, click=click)
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    invitation = Invitation.objects.create(
        team=team,
        team_name=team.name,
        email=wish.email,
        note=wish.note,
        role=wish.role,
        digest=_digest(secret),
        mailed=mailed,
        click=click,
        made_by=by,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return Made(invitation, secret)


def renew(team: Team, by: User, public_id: str, *, mailed: bool) -> Made:
    """The open invitation with a new link and a new week; `by` answers for it now. The link before
    ends. NotInvited when it is not open any more, or `by` may not give its role."""
    with transaction.atomic():
        _require_open(lock(team))
        found = _open(team, public_id)
        if mailed and not found.email:
            raise NotInvited(phrase("It has no address to be mailed to. Make its link anew."))
        made = _anew(found, by, role_of(team, by), found.role, mailed=mailed)
        _record(Event.INVITATION_SENT_AGAIN, found, by)
    return made


def _anew(
    found: Invitation, by: User, role: str, granted: str, *, mailed: bool, click: str = ""
) -> Made:
    if not (may_grant(role, found.role) and may_grant(role, granted)):
        raise NotInvited(_not_yours())
    secret = secrets.token_urlsafe(32)
    found.digest, found.mailed, found.made_by, found.role = _digest(secret), mailed, by, granted
    found.click, found.expires_at, found.begun_by = click, clock.now() + LIFETIME, None
    found.save(
        update_fields=["digest", "mailed", "made_by", "role", "click", "expires_at", "begun_by"]
    )
    return Made(found, secret)


def revoke(team: Team, by: User, public_id: str) -> Invitation:
    """Take the open invitation back. NotInvited as in `renew`."""
    with transaction.atomic():
        lock(team)
        found = _open(team, public_id)
        if not may_grant(role_of(team, by), found.role):
            raise NotInvited(_not_yours())
        found.revoked_at = clock.now()
        found.save(update_fields=["revoked_at"])
        _record(Event.INVITATION_REVOKED, found, by)
    return found


def _record(event: Event, about: Invitation, by: User) -> None:
    after: dict[str, object] = {"role": about.role, "by mail": about.mailed}
    record(event, team=about.team, by=by, person=about.whom, after=after)


def open_ones(team: Team) -> models.QuerySet[Invitation]:
    """Neither used nor taken back; those that have ended by their date among them."""
    return team.invitations.filter(used_at=None, revoked_at=None)


def lock(team: Team) -> Team | None:
    """One writer of people and invitations of `team` at a time, until its transaction ends; its row
    as it is now."""
    return Team.objects.select_for_update(no_key=True).filter(pk=team.pk).first()


def _require_open(team: Team | None) -> None:
    if team is not None and team.is_closed:
        raise NotInvited(closed_team.words(team))


def role_of(team: Team, user: User) -> str:
    """The role that `user` has now; "" for who is not in the team, or may not sign in."""
    found: Membership | None = team.memberships.filter(user=user, user__is_active=True).first()
    return found.role if found is not None else ""


def _open(team: Team, public_id: str) -> Invitation:
    found: Invitation | None = open_ones(team).filter(public_id=public_id).first()
    if found is None:
        raise NotInvited(
            phrase(
                "This invitation is not open any more: it was used or taken back meanwhile. Make a "
                "new one."
            )
        )
    return found


def _not_yours() -> Sentence:
    return phrase(
        "You may not invite with a role that may more than yours. An owner of the team can."
    )


def _forget_old(team: Team) -> None:
    """Drop what ended long ago: addresses of people who never came are not kept."""
    before = clock.now() - DROPPED_AFTER
    team.invitations.filter(expires_at__lt=before).delete()
    Invitation.objects.filter(team=None, expires_at__lt=before).delete()


# ── opening ───────────────────────────────────────────────────────────────────────────────────────


def opened(secret: str) -> Invitation | None:
    """The invitation whose link has this secret, in whatever state it is."""
    return _rows().filter(digest=_digest(secret)).first()


def remember(request: HttpRequest, invitation: Invitation) -> None:
    """The visitor goes on with `invitation`, also after signing in or up."""
    held = _held(request)
    held.pop(invitation.public_id, None)
    held[invitation.public_id] = invitation.digest
    request.session[SESSION_KEY] = dict(list(held.items())[-MOST_HELD:])


def shown_to(request: HttpRequest, public_id: str) -> Invitation | None:
    """The invitation, for who has opened its latest link in this session or is the one person that
    it waits for."""
    found = _rows().filter(public_id=public_id).first() if public_id.isalnum() else None
    if found is None:
        return None
    if _held(request).get(public_id) == found.digest:
        return found
    user = request.user
    return found if isinstance(user, User) and _waits_for(found, user) else None


def remembered(request: HttpRequest) -> Invitation | None:
    """The invitation that the visitor came with last, as long as an account may be made with it."""
    held = _held(request)
    if settings.SIGNUP == "closed" or not held:
        return None
    public_id, digest = list(held.items())[-1]
    found = _rows().filter(public_id=public_id, digest=digest).first()
    if found is None or ended(found) is not None:
        return None
    return found if settings.SIGNUP == "open" or found.begun_by_id is None else None


def waiting_for(user: User) -> list[Invitation]:
    """The open invitations that only `user` can mean: for an address that they have confirmed, or
    with which they made their account."""
    mine = models.Q(begun_by=user) | models.Q(email__in=confirmed_addresses(user))
    rows = _rows().filter(mine, used_at=None, revoked_at=None, expires_at__gt=clock.now())
    return [one for one in rows[:20] if problem_for(one, user) is None]


def _waits_for(invitation: Invitation, user: User) -> bool:
    if invitation.begun_by_id == user.pk or invitation.used_by_id == user.pk:
        return True
    return bool(invitation.email) and invitation.email in confirmed_addresses(user)


def _held(request: HttpRequest) -> dict[str, str]:
    session = getattr(request, "session", None)
    held = session.get(SESSION_KEY) if session is not None else None
    return dict(held) if isinstance(held, dict) else {}


def _rows() -> models.QuerySet[Invitation]:
    return Invitation.objects.select_related("team", "made_by")


# ── accepting ─────────────────────────────────────────────────────────────────────────────────────


def ended(invitation: Invitation) -> Problem | None:
    """Why nobody can accept it any more; None while somebody can."""
    if invitation.team is None:
        return Problem.GONE
    if invitation.team.is_closed:
        return Problem.CLOSED
    if invitation.used_at is not None:
        return Problem.USED
    if invitation.revoked_at is not None:
        return Problem.REVOKED
    if invitation.expires_at <= clock.now():
        return Problem.EXPIRED
    maker = invitation.made_by
    if maker is None or not may_grant(role_of(invitation.team, maker), invitation.role):
        return Problem.MAKER
    return None


def problem_for(invitation: Invitation, user: User) -> Problem | None:
    """Why `user` cannot accept it; None when they can."""
    if invitation.team is not None and role_of(invitation.team, user):
        return Problem.MEMBER
    problem = ended(invitation)
    if problem is not None:
        return problem
    if not invitation.email or invitation.email in confirmed_addresses(user):
        return None
    return Problem.UNCONFIRMED if user.email == invitation.email else Problem.ADDRESS


def accept(invitation: Invitation, user: User, *, proven: bool = False) -> Membership:
    """`user` joins the team, and the invitation is spent: both, once. CannotJoin with what is
    wrong. `proven`: whoever holds the link has thereby shown that its address is theirs."""
    team = invitation.team
    if team is None:
        raise CannotJoin(Problem.GONE)
    with transaction.atomic():
        lock(team)
        now_row = _rows().filter(pk=invitation.pk, digest=invitation.digest).first()
        if now_row is None:  # made anew meanwhile
            raise CannotJoin(Problem.UNKNOWN)
        problem = problem_for(now_row, user)
        if problem is not None and not (
            proven and problem in (Problem.ADDRESS, Problem.UNCONFIRMED)
        ):
            raise CannotJoin(problem)
        Invitation.objects.filter(pk=now_row.pk).update(used_at=clock.now(), used_by=user)
        membership: Membership = Membership.objects.create(team=team, user=user, role=now_row.role)
        record(Event.JOINED, team=team, by=user, person=user, after={"role": now_row.role})
    return membership


def begin(invitation: Invitation, user: User) -> None:
    """`user` has just made their account with the invitation. They join at once when nothing is
    left to confirm, else after that. CannotJoin, also when another account was made with it."""
    if invitation.mailed or not (invitation.email or settings.MAIL_SERVER):
        accept(invitation, user, proven=invitation.mailed and user.email == invitation.email)
        return
    free = Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest, begun_by=None)
    if not free.update(begun_by=user) and settings.SIGNUP != "open":
        raise CannotJoin(Problem.BEGUN)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
