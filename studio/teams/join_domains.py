"""Joining by confirmed mail domain: an owner names a domain, and whoever has an address of it
confirmed may join by themselves. Off unless an owner turns it on."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name
from django.db import models, transaction

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.sentence_error import SentenceError
from studio.common.translatable import phrase
from studio.models import JoinDomain, Membership, Role, Team, User
from studio.teams.invitations import lock, role_of
from studio.teams.mail_addresses import canonical_domain, confirmed_addresses
from studio.teams.permissions import Permission, allows
from studio.teams.public_mail_domains import PUBLIC_MAIL_DOMAINS

ROLES = (Role.CREATOR, Role.VIEWER)  # others are given by name
MOST = 10  # domains of one team


class NotOpened(SentenceError):
    """The domain was not taken. Its sentence says why, and what to do."""


def domains_of(addresses: set[str]) -> set[str]:
    return {address.rpartition("@")[2] for address in addresses}


def allow(team: Team, by: User, text: str, role: str) -> JoinDomain:
    """Let everybody with an address of the domain `text` join `team` as `role`. NotOpened."""
    domain = canonical_domain(text.strip().lstrip("@"))
    if role not in ROLES:
        raise NotOpened(phrase("People join by domain as a creator or a viewer."))
    try:
        validate_domain_name(domain)
    except ValidationError:
        raise NotOpened(
            phrase("“%(text)s” is no mail domain, such as example.org.", text=text.strip()[:80])
        ) from None
    if domain in PUBLIC_MAIL_DOMAINS:
        raise NotOpened(
            phrase(
                "Anybody can get an address at %(domain)s, so it opens no team. Invite people by "
                "their address instead.",
                domain=domain,
            )
        )
    if domain not in domains_of(confirmed_addresses(by)):
        raise NotOpened(
            phrase(
                "You have no confirmed address at %(domain)s, so you cannot open the team to it. "
                "Add one under “Your e-mail” and confirm it, or invite people by their address.",
                domain=domain,
            )
        )
    with transaction.atomic():
        lock(team)
        if not allows(role_of(team, by), Permission.OPEN_TO_DOMAIN):
            raise NotOpened(phrase("Only an owner can let a whole mail domain join."))
        if team.join_domains.exclude(domain=domain).count() >= MOST:
            raise NotOpened(phrase("A team has at most %(most)s mail domains.", most=MOST))
        before = team.join_domains.filter(domain=domain).first()
        row: JoinDomain = team.join_domains.update_or_create(
            domain=domain, defaults={"role": role, "set_by": by}
        )[0]
        record(
            Event.DOMAIN_CHANGED,
            team=team,
            by=by,
            before={domain: before.role} if before else None,
            after={domain: role},
        )
    return row


def stop(team: Team, by: User, domain: str) -> None:
    """Nobody joins by `domain` any more; who has joined stays."""
    with transaction.atomic():
        lock(team)
        row = team.join_domains.filter(domain=domain).first()
        if row is not None:
            row.delete()
            record(Event.DOMAIN_CHANGED, team=team, by=by, before={domain: row.role})


def open_to(user: User) -> models.QuerySet[JoinDomain]:
    """The teams that `user` may join by a confirmed address, and is not in."""
    mine = domains_of(confirmed_addresses(user))
    rows = JoinDomain.objects.filter(domain__in=mine, team__closed_at=None).exclude(
        team__memberships__user=user
    )
    return rows.select_related("team").order_by("team__name", "pk")


def join(user: User, pk: int) -> Membership | None:
    """`user` joins by the row `pk`; None when that is not open to them any more. Twice is once."""
    row = open_to(user).filter(pk=pk).first()
    if row is None:
        return None
    with transaction.atomic():
        lock(row.team)
        again = open_to(user).filter(pk=pk).first()
        if again is None:
            return row.team.memberships.filter(user=user).first()
        joined = Membership.objects.create(team=row.team, user=user, role=again.role)
        record(
            Event.JOINED,
            team=row.team,
            by=user,
            person=user,
            after={"role": again.role, "by domain": row.domain},
        )
    return joined
