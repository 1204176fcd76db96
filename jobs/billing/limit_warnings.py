"""Warnings that half, most or all of a limit is used: by mail to those who hold the limit and to
the person whose order it was, once for each limit, level and period.

A row says that it was told. All rows of a team are written under the lock of its row, with the
mails in the same transaction, so that two orders at once tell it once and none is told without a
row. The pages show the same from the balances.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.billing import limit_words
from jobs.billing.limit_use import LimitUse
from jobs.billing.prices import format_money, format_money_left
from jobs.models import LimitWarning
from studio.common.translatable import translated
from studio.models.people import Team, User

log = logging.getLogger("footlight.limits")
LEVELS = (50, 80, 100)  # percent


def levels_of(used: int, limit: int) -> list[int]:
    """The levels that `used` of `limit` has reached. A limit of 0 has none: nothing is used of it
    by anybody's order."""
    return [level for level in LEVELS if limit and used * 100 >= limit * level]


def warn(team: Team, member: User | None, limit_uses: Sequence[LimitUse], more: int = 0) -> None:
    """Tell what was not told yet of `limit_uses`, which `member` has used by `more` since they were
    read. The caller has the team's lock, and commits all of it or nothing."""
    due = [
        (one, level, one.status.used + more)
        for one in limit_uses
        for level in levels_of(one.status.used + more, one.limit.micros)
    ]
    if not due:
        return
    told = set(
        LimitWarning.objects.filter(
            team=team, begins__in={one.begins for one, _level, _used in due}
        ).values_list("period", "begins", "member", "micros", "level")
    )
    rows = [
        LimitWarning(
            team=team,
            member=one.limit.member,
            period=one.limit.period,
            begins=one.begins,
            micros=one.limit.micros,
            level=level,
            used=used,
        )
        for one, level, used in due
        if (one.limit.period, one.begins, _pk(one.limit.member), one.limit.micros, level)
        not in told
    ]
    LimitWarning.objects.bulk_create(rows)
    for one in limit_uses:
        new = [row for row in rows if _is_of(row, one)]
        if new:  # of several levels at once only the highest needs words
            _mail(team, member, one, max(new, key=lambda row: row.level))


def _pk(member: User | None) -> int | None:
    return None if member is None else member.pk


def _is_of(row: LimitWarning, use: LimitUse) -> bool:
    limit = use.limit
    return row.period == limit.period and row.member_id == _pk(limit.member)


def _mail(team: Team, member: User | None, use: LimitUse, row: LimitWarning) -> None:
    """Write the mails, which the mail queue sends after the commit. What is wrong with one of them
    is logged and stops no order."""
    holders = limit_words.holders(team)
    concerned = [member] if member is not None else []
    subject = _("Footlight: %(level)s %% of %(whose)s used") % {
        "level": row.level,
        "whose": translated(limit_words.whose(team, use)),
    }
    text = _text(team, use, row)
    for person in dict.fromkeys([*holders, *concerned]):
        if not person.email:
            continue
        try:
            EmailMessage(" ".join(subject.split())[:200], text, to=[person.email]).send()
        except DatabaseError:
            raise
        except Exception:
            log.exception("a warning of team %s could not be mailed", team.pk)


def _text(team: Team, use: LimitUse, row: LimitWarning) -> str:
    currency = team.currency
    said = _("%(used)s of %(limit)s are reserved or charged of %(whose)s; %(left)s are left.") % {
        "used": format_money(row.used, currency, 2),
        "limit": format_money(row.micros, currency, 2),
        "whose": translated(limit_words.whose(team, use)),
        "left": format_money_left(max(0, row.micros - row.used), currency),
    }
    stops = (
        _("Nothing more is made until then.")
        if row.used >= row.micros
        else _("What would need more than that is refused.")
    )
    link = settings.PUBLIC_URL + reverse("team_limits", args=[team.slug])
    renewal = translated(limit_words.renewal(team, use))
    return f"{said} {stops}\n{renewal}\n\n{link}\n"
