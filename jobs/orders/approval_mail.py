"""Mails of approval: to those who may approve when somebody asks, and to who asked when there is an
answer. A link leads to a page that needs a sign-in; opening it decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.billing.prices import format_money
from jobs.common.dates import short_day
from jobs.models import PendingOrder
from studio.models import User

log = logging.getLogger("footlight.approval")


def asked(pending: PendingOrder, approvers: Iterable[User]) -> None:
    """In the transaction that stores the question."""
    what = {
        "person": pending.owner.short_name,
        "title": pending.title,
        "price": format_money(pending.quote_micros, pending.currency),
        "team": pending.team,
        "day": short_day(pending.expires_at.date()) if pending.expires_at else "",
    }
    subject = _("Footlight: %(person)s asks for approval of “%(title)s”") % what
    text = (
        _(
            "%(person)s would like to make “%(title)s” in %(team)s for %(price)s. Nothing is "
            "reserved or sent until somebody approves it. It expires on %(day)s."
        )
        % what
    )
    _send(pending, approvers, subject, text)


def answered(pending: PendingOrder) -> None:
    """In the transaction that notes the answer. What somebody withdrew themselves they know."""
    state = PendingOrder.State(pending.state)
    who = pending.answered_by.short_name if pending.answered_by is not None else ""
    what = {"title": pending.title, "person": who}
    said = {
        PendingOrder.State.ORDERED: _("“%(title)s” was approved by %(person)s and is ordered.")
        % what,
        PendingOrder.State.DECLINED: _("“%(title)s” was declined by %(person)s.") % what,
        PendingOrder.State.EXPIRED: _(
            "Nobody answered about “%(title)s” in time, so it has expired. Nothing was made or "
            "paid; ask again if it is still needed."
        )
        % what,
    }.get(state)
    if said is None or pending.answered_by_id == pending.owner_id:
        return
    reason = _("The reason: %(answer)s") % {"answer": pending.answer} if pending.answer else ""
    subject = _("Footlight: answer about “%(title)s”") % what
    _send(pending, [pending.owner], subject, f"{said}\n{reason}".rstrip())


def _send(pending: PendingOrder, people: Iterable[User], subject: str, text: str) -> None:
    """What is wrong with one mail is logged and stops nothing."""
    link = settings.PUBLIC_URL + reverse(
        "jobs:approval", args=[pending.team.slug, pending.public_id]
    )
    for person in people:
        if not person.email or not person.is_active:
            continue
        try:
            EmailMessage(
                " ".join(subject.split())[:200], f"{text}\n\n{link}\n", to=[person.email]
            ).send()
        except DatabaseError:
            raise
        except Exception:
            log.exception("a mail about the approval %s could not be written", pending.public_id)
