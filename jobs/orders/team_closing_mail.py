"""The mail to the owners of a team that one of them has deleted: also to that one, so that nobody's
open browser deletes a team unseen."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.common.dates import short_day
from studio.models import Role, Team, User

log = logging.getLogger("footlight.closing")


def closed(team: Team, by: User) -> None:
    """Into the mail queue, in the transaction that closes the team. What is wrong with one mail is
    logged and stops nothing."""
    day = short_day(team.erase_at.date()) if team.erase_at else ""
    words = {"who": by.short_name, "team": team.name, "day": day}
    subject = "Footlight: " + _("%(team)s is deleted on %(day)s") % words
    text = _(
        "%(who)s has deleted the team %(team)s. It is closed: nothing new is made, uploaded or "
        "shared in it, and what waited is canceled. On %(day)s everything in it is erased for "
        "ever. Until then an owner can reopen it here:"
    )
    link = settings.PUBLIC_URL + reverse("team_delete", args=[team.slug])
    rows = team.memberships.filter(role=Role.OWNER, user__is_active=True).select_related("user")
    for row in rows:
        if not row.user.email:
            continue
        try:
            title = " ".join(subject.split())[:200]
            EmailMessage(title, f"{text % words}\n\n{link}\n", to=[row.user.email]).send()
        except DatabaseError:
            raise
        except Exception:
            log.exception("person %s was not told that team %s closes", row.user_id, team.pk)
