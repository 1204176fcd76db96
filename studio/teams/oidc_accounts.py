"""Which account of this site somebody of the OpenID Connect service has, and which teams their
groups give them (docs/decisions/0031-openid-connect.md)."""

from __future__ import annotations

import logging

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from studio.audit.events import Event
from studio.audit.trail import record
from studio.config.oidc import ROLES, Oidc
from studio.models import Membership, Role, Team, User
from studio.teams import confirmed, sign_up_links
from studio.teams.oidc import Answer, Claims, configured

log = logging.getLogger("footlight.oidc")
GIVEN = "teams"  # of SocialAccount.extra_data: the teams that groups gave


class NotLetIn(Exception):
    """Nobody is signed in; its text says why, and what to do."""


def account_of(answer: Answer) -> SocialAccount | None:
    """The account of the service that `answer` is about, as far as it is linked to a person."""
    found: SocialAccount | None = (
        SocialAccount.objects.select_related("user")
        .filter(provider=configured().provider, uid=answer.sub)
        .first()
    )
    return found


def person_of(request: HttpRequest, answer: Answer) -> User:
    """The person who signs in: who has linked the account; else who owns its address, when the
    operator trusts the service with addresses; else somebody new, who may make an account. Their
    teams are as their groups say. NotLetIn for all others."""
    with transaction.atomic():
        account = account_of(answer)
        if account is None:
            account = link(_owner_or_new(request, answer), answer)
        else:
            account.extra_data = {**account.extra_data, **_kept(answer)}
            account.save(update_fields=["extra_data", "last_login"])
        give_teams(account, answer.claims)
        user: User = account.user
        return user


def link(user: User, answer: Answer) -> SocialAccount:
    """From now on whoever the answer is about signs in as `user`. NotLetIn when they are linked to
    somebody else."""
    there = account_of(answer)
    if there is not None and there.user_id != user.pk:
        raise NotLetIn(
            _(
                "That account of %(service)s belongs to somebody else here. Sign in with it to see "
                "whom, and unlink it there first."
            )
            % {"service": configured().name}
        )
    if there is not None:
        return there
    made = SocialAccount(
        user=user, provider=configured().provider, uid=answer.sub, extra_data=_kept(answer)
    )
    with transaction.atomic():
        made.save()
        record(Event.SIGN_IN_LINKED, by=user, person=user, about=configured().name)
    return made


def _kept(answer: Answer) -> Claims:
    """What is stored of somebody: to show them which account it is, and no more."""
    return {name: answer.claims[name] for name in ("email", "name") if name in answer.claims}


def trusted_address(claims: Claims) -> str:
    """The address that the service vouches for, when the operator trusts it with that; else ""."""
    email = str(claims.get("email") or "").strip().lower()
    if not configured().trusts_email or claims.get("email_verified") not in (True, "true"):
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def _owner_or_new(request: HttpRequest, answer: Answer) -> User:
    oidc = configured()
    email = trusted_address(answer.claims)
    if not email:
        raise NotLetIn(
            _(
                "%(service)s knows you, but nothing here does yet. Sign in with your password, "
                "then link %(service)s under “Sign-in and security”; without an account here, ask "
                "for an invitation first."
            )
            % {"service": oidc.name}
        )
    there = confirmed.person_at(email)
    if there is None:
        return _new_person(request, oidc, email, answer.claims)
    if not confirmed.is_confirmed(there):  # somebody claimed it before its owner came
        confirmed.take_back(there)
        confirmed.confirm(there)
    return there


def _new_person(request: HttpRequest, oidc: Oidc, email: str, claims: Claims) -> User:
    sign_up_link = sign_up_links.remembered(request)
    if sign_up_link is not None and sign_up_link.email not in ("", email):
        sign_up_link = None
    by_group = bool(_wanted(oidc, claims)) and settings.SIGNUP != "closed"
    if not (settings.SIGNUP == "open" or sign_up_link is not None or by_group):
        raise NotLetIn(
            _(
                "%(service)s knows you, but you have no account here, and accounts are made by "
                "invitation only. Ask whoever runs this site for one."
            )
            % {"service": oidc.name}
        )
    name = str(claims.get("given_name") or claims.get("name") or "").strip()[:150]
    user = User.objects.create_user(email, None, first_name=name)
    confirmed.confirm(user)
    if sign_up_link is not None:
        sign_up_links.use(sign_up_link, user)
    if not by_group:
        Team.start(f"{user.short_name}’s studio", user, personal=True)
    return user


# ── groups ────────────────────────────────────────────────────────────────────────────────────────


def _wanted(oidc: Oidc, claims: Claims) -> dict[str, str]:
    """Address of a team → the strongest role that the groups of the claims give there."""
    told = claims.get(oidc.groups_claim)
    groups = (
        {told} if isinstance(told, str) else set(map(str, told if isinstance(told, list) else []))
    )
    wanted: dict[str, str] = {}
    for entry in oidc.groups:
        if entry.group in groups:
            before = wanted.get(entry.team, entry.role)
            wanted[entry.team] = min(before, entry.role, key=ROLES.index)
    return wanted


def give_teams(account: SocialAccount, claims: Claims) -> None:
    """Make the person's memberships what their groups say, in the teams that groups are mapped to.
    An owner stays one, and a membership that people gave stays."""
    oidc = configured()
    if not oidc.groups:
        return
    wanted = _wanted(oidc, claims)
    given = set(account.extra_data.get(GIVEN, []))
    teams = {team.slug: team for team in Team.objects.filter(slug__in={*wanted, *given})}
    for slug in sorted(set(wanted) - set(teams)):
        log.warning("OIDC_GROUPS names a team that is not there: %s", slug)
    for slug, team in sorted(teams.items()):
        membership = Membership.objects.filter(team=team, user_id=account.user_id).first()
        if membership is None and team.is_closed:
            given.discard(slug)
        elif slug in wanted and membership is None:
            Membership.objects.create(team=team, user_id=account.user_id, role=wanted[slug])
            _tell(Event.ADDED, team, account, after=wanted[slug])
            given.add(slug)
        elif membership is None or membership.role == Role.OWNER:
            given.discard(slug)
        elif slug in wanted and membership.role != wanted[slug]:
            _tell(Event.ROLE_CHANGED, team, account, membership.role, wanted[slug])
            membership.role = wanted[slug]
            membership.save(update_fields=["role"])
        elif slug not in wanted and slug in given:
            _tell(Event.REMOVED, team, account, membership.role)
            membership.delete()
            given.discard(slug)
    account.extra_data = {**account.extra_data, GIVEN: sorted(given & set(teams))}
    account.save(update_fields=["extra_data"])


def _tell(
    event: Event, team: Team, account: SocialAccount, before: str = "", after: str = ""
) -> None:
    was, became = {"role": before or None}, {"role": after or None}
    record(event, team=team, person=account.user, about=configured().name, before=was, after=became)


def unlink(user: User) -> bool:
    """Whether there was an account of the service to unlink from `user`."""
    rows = SocialAccount.objects.filter(user=user, provider=configured().provider)
    with transaction.atomic():
        gone = bool(rows.delete()[0])
        if gone:
            record(Event.SIGN_IN_UNLINKED, by=user, person=user, about=configured().name)
    return gone
