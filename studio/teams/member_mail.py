"""Mails to a person about what somebody else changed of their membership of a team. Who did it
themselves gets none: they know."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.urls import reverse
from django.utils.translation import gettext as _

from studio.models import Role, Team, User

log = logging.getLogger("footlight.members")


def added(team: Team, person: User, role: str, by: User | None) -> None:
    """Somebody put `person` into the team."""
    _tell(
        team,
        person,
        by,
        _("you are in the team %(team)s"),
        _("%(who)s has taken you into the team %(team)s. Your role is %(role)s."),
        role=Role(role).label,
    )


def role_changed(team: Team, person: User, role: str, by: User | None) -> None:
    """Somebody gave `person` another role."""
    _tell(
        team,
        person,
        by,
        _("your role in %(team)s has changed"),
        _("%(who)s has changed your role in the team %(team)s: it is %(role)s now."),
        role=Role(role).label,
    )


def handed_over(team: Team, person: User, by: User | None) -> None:
    """An owner made `person` one."""
    _tell(
        team,
        person,
        by,
        _("you are an owner of %(team)s"),
        _(
            "%(who)s has handed the team %(team)s over to you. As its owner you decide about its "
            "people, its limits and its connections."
        ),
    )


def removed(team: Team, person: User, by: User | None) -> None:
    """Somebody took `person` out of the team; its pages are closed to them."""
    _tell(
        team,
        person,
        by,
        _("you are no longer in the team %(team)s"),
        _(
            "%(who)s has taken you out of the team %(team)s. If that was not meant, ask an owner "
            "of the team to invite you again."
        ),
        inside=False,
    )


def _tell(
    team: Team,
    person: User,
    by: User | None,
    subject: str,
    text: str,
    *,
    role: object = "",
    inside: bool = True,
) -> None:
    """Into the mail queue, in the transaction of the change. What is wrong with the mail is logged
    and keeps nobody from changing the team."""
    if (by is not None and by.pk == person.pk) or not (person.is_active and person.email):
        return
    who = by.short_name if by is not None else _("An operator of this site")
    words = {"who": who, "team": team.name, "role": role}
    page = reverse("team", args=[team.slug]) if inside else reverse("home")
    title = "Footlight: " + " ".join((subject % words).split())[:150]
    body = f"{text % words}\n\n{settings.PUBLIC_URL}{page}\n"
    try:
        EmailMessage(title, body, to=[person.email]).send()
    except DatabaseError:
        raise
    except Exception:
        log.exception("person %s was not told about team %s", person.pk, team.pk)
