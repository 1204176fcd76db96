"""Mail to the people who run a team, or the site, in plain words. A mail that cannot be written
is logged and changes nothing else."""

from __future__ import annotations

import logging
from typing import Literal

from django.conf import settings
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.modelstudio.answers import tidy
from studio.models import Role, Team, User

log = logging.getLogger("footlight.mail")
PREFIX = "Footlight: "


def notify(
    team: Team, subject: str, text: str, *, to: Literal["owners", "staff"] = "owners"
) -> int:
    """Mail `text` to the owners and admins of `team`, or to the site's staff, each in a letter of
    their own; returns to how many.

    Inside a transaction it is sent after the commit. Keys and the queries of addresses are taken
    out. Raises nothing, but for a DatabaseError inside a transaction: what was noted there as told
    is undone with it.
    """
    try:
        people = _people(team, to)
    except DatabaseError as error:
        if connection.in_atomic_block:
            raise
        log.error("nobody was told “%s”: %s", subject, error)
        return 0
    title = PREFIX + " ".join(tidy(subject).split())[:150]
    link = settings.PUBLIC_URL + reverse("jobs:board", args=[team.slug])
    if to == "owners":
        because = _("You get this because you are an owner or an admin of %(team)s.") % {
            "team": team
        }
    else:
        because = _("You get this because you are staff of this site, about %(team)s.") % {
            "team": team
        }
    body = "\n".join(tidy(line) for line in text.splitlines()) + f"\n\n{link}\n\n{because}\n"
    if people:
        transaction.on_commit(lambda: _send(title, body, people))
    else:
        log.warning("nobody to tell: %s", title)
    return len(people)


def _people(team: Team, to: str) -> list[str]:
    members = User.objects.filter(is_active=True).exclude(email="")
    if to == "staff":
        members = members.filter(is_staff=True)
    else:
        members = members.filter(
            memberships__team=team, memberships__role__in=(Role.OWNER, Role.ADMIN)
        )
    return list(members.order_by("pk").values_list("email", flat=True).distinct())


def _send(title: str, body: str, people: list[str]) -> None:
    """Into the queue of studio/mail, one by one: what cannot be written to one keeps nobody else
    from being told."""
    for address in people:
        try:
            mail.EmailMessage(title, body, to=[address]).send()
        except Exception:
            log.exception("“%s” could not be mailed to %s", title, address)
