"""Whether a sign-in may see a team, and whether it still may: for what outlasts a request, such as
a stream, and is no page of Django's.

A sign-in ends with its session (signed out, here or from elsewhere), with the person's password
(changed) and with the person (deactivated); what it may see of a team ends with the membership, and
when the team begins to require a second factor that the person has not. All of that stands in the
database, so it is asked there: for many at once, with three queries at most for every few hundred.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from studio.models import Membership, User
from studio.teams import required_factor
from studio.teams.access import membership_of

AT_ONCE = 400  # sign-ins that one query asks for; SQLite takes some thousands of values


class SignedOut(Exception):
    """Nobody is signed in with this session."""


@dataclass(frozen=True, slots=True)
class TeamSession:
    """A person's sign-in as it was admitted to a team; no row, so it may be kept for hours."""

    session_key: str
    user_id: int
    team_id: int
    auth_hash: str  # Django's digest of the password that the session was begun with


def signed_in_user(session_key: str | None) -> User:
    """Who is signed in with the session `session_key` (the session cookie's value). SignedOut when
    nobody is, also when the person was deactivated or changed the password since."""
    request = HttpRequest()
    request.session = SessionStore(session_key or None)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        raise SignedOut
    return user


def admit(session_key: str | None, slug: str) -> TeamSession:
    """Admit the sign-in to the team at `slug`. SignedOut for nobody, Http404 for a stranger,
    SecondFactorMissing for who lacks one that the team requires."""
    user = signed_in_user(session_key)
    membership = membership_of(user, slug)
    digest = user.get_session_auth_hash()
    return TeamSession(session_key or "", user.pk, membership.team_id, digest)


def still_admitted(admitted: Collection[TeamSession]) -> set[TeamSession]:
    """Those of `admitted` that may still see their team. Asks the database, so it belongs in a
    thread."""
    left: set[TeamSession] = set()
    for some in _portions(admitted):
        keys = {one.session_key for one in some}
        alive = set(
            Session.objects.filter(
                session_key__in=keys, expire_date__gt=timezone.now()
            ).values_list("session_key", flat=True)
        )
        pairs = Q()
        for user_id, team_id in {(one.user_id, one.team_id) for one in some}:
            pairs |= Q(user_id=user_id, team_id=team_id)
        members = Membership.objects.filter(pairs, user__is_active=True).select_related(
            "user", "team"
        )
        people = {(row.user_id, row.team_id): (row.user, row.team) for row in members}
        refused = required_factor.lacking(people)
        hashes = {
            key: user.get_session_auth_hash()
            for key, (user, _team) in people.items()
            if key not in refused
        }
        left.update(
            one
            for one in some
            if one.session_key in alive
            and constant_time_compare(hashes.get((one.user_id, one.team_id), ""), one.auth_hash)
        )
    return left


def still_may_see(admitted: TeamSession) -> bool:
    """Whether this one sign-in may still see its team."""
    return bool(still_admitted([admitted]))


def _portions(admitted: Collection[TeamSession]) -> Iterator[list[TeamSession]]:
    rest = iter(admitted)
    while some := list(islice(rest, AT_ONCE)):
        yield some
