"""The day on which a key expires, as people have noted it: the service does not tell. Owners and
admins are reminded once at each of `DAYS` before it."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from jobs.accounts import mail
from jobs.common.dates import short_day
from jobs.models import ApiKey
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock, time_zones
from studio.common.translatable import Sentence, phrase, plural_phrase, translated
from studio.models.people import Team, User

log = logging.getLogger("footlight.keys")
DAYS = (30, 7, 1)  # before it expires
MOST = 200  # reminders at one go


def today_of(team: Team) -> date:
    """The day it is in the time zone of the team."""
    return time_zones.day_in(team.time_zone, clock.now())


def note(key: ApiKey, day: date | None, by: User | None) -> None:
    """Note that `key` expires on `day`, None: not known. What is nearer than a reminder at that
    moment needs none: who notes it knows."""
    with transaction.atomic():
        was = key.expires_on
        key.expires_on = day
        key.reminded = _reached(key, today_of(key.account.team))
        key.save(update_fields=["expires_on", "reminded"])
        record(
            Event.KEY_EXPIRY_NOTED,
            team=key.account.team,
            by=by,
            about=key.account.label,
            before={"expires_on": was},
            after={"expires_on": day, "last4": key.last4},
        )


def sentence(key: ApiKey) -> Sentence | None:
    """What the page says of the expiry of a key in use; None while it is far or not noted."""
    if key.expires_on is None:
        return None
    days = (key.expires_on - today_of(key.account.team)).days
    if days > DAYS[0]:
        return None
    when = short_day(key.expires_on)
    if days < 0:
        return phrase(
            "The key …%(last4)s expired on %(day)s, as it is noted here. Add a new key, then "
            "retire this one; or note another day.",
            last4=key.last4,
            day=when,
        )
    return plural_phrase(
        "The key …%(last4)s expires in %(n)s day, on %(day)s. Add a new key before that, then "
        "retire this one.",
        "The key …%(last4)s expires in %(n)s days, on %(day)s. Add a new key before that, then "
        "retire this one.",
        days,
        last4=key.last4,
        day=when,
    )


def remind() -> int:
    """Mail what was not said yet of keys in use; how many reminders. Twice at once tells once."""
    # A day more than the first reminder, for teams whose day has begun already.
    soon = clock.now().date() + timedelta(days=DAYS[0] + 1)
    due = Q(expires_on__lte=soon) & (Q(reminded=None) | Q(reminded__gt=DAYS[-1]))
    keys = ApiKey.objects.filter(due, active=True).defer("secret").select_related("account__team")
    sent = 0
    # Those who were reminded already hide nobody behind them.
    for key in keys.order_by("expires_on", "pk").iterator(chunk_size=MOST):
        sent += _remind(key)
        if sent >= MOST:
            break
    return sent


def _remind(key: ApiKey) -> bool:
    level = _reached(key, today_of(key.account.team))
    said = sentence(key)
    if level is None or said is None or key.reminded == level:
        return False
    with transaction.atomic():
        untold = ApiKey.objects.filter(
            pk=key.pk, active=True, expires_on=key.expires_on, reminded=key.reminded
        )
        if not untold.update(reminded=level):
            return False
        account, team = key.account, key.account.team
        over = key.expires_on is not None and key.expires_on < today_of(team)
        subject = (
            _("a key of %(account)s has expired")
            if over
            else _("a key of %(account)s is about to expire")
        ) % {"account": account.label}
        text = _("The key is one of the Model Studio connection %(account)s of %(team)s.") % {
            "account": account.label,
            "team": team,
        }
        mail.notify(team, subject, f"{translated(said)}\n\n{text}")
    log.info("reminded of key %s, which expires on %s", key, key.expires_on)
    return True


def _reached(key: ApiKey, today: date) -> int | None:
    """The smallest of DAYS that the expiry is within; None when it is farther, or not noted."""
    if key.expires_on is None:
        return None
    left = (key.expires_on - today).days
    return min((days for days in DAYS if left <= days), default=None)
