"""Months and days of money: calendar ones, in the time zone that the team has at the moment."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

from jobs.common.dates import month_name, short_day
from jobs.models import Budget
from studio.common import clock, time_zones
from studio.common.translatable import Sentence, phrase
from studio.models.people import Team


def day_of(team: Team, moment: datetime | None = None) -> date:
    """The day that `moment` (default now) counts for."""
    return time_zones.day_in(team.time_zone, moment or clock.now())


def month_of(team: Team, moment: datetime | None = None) -> date:
    """First day of the calendar month that `moment` (default now) counts for."""
    return day_of(team, moment).replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def begins_anew(period: str, begins: date) -> date:
    """The first day of the period after the one that began on `begins`."""
    return begins + timedelta(days=1) if period == Budget.Period.DAY else next_month(begins)


def words(period: str, begins: date) -> Sentence:
    """“November”, or “on 5 Nov”, after “left in” and “left”."""
    if period == Budget.Period.DAY:
        return phrase("on %(day)s", day=short_day(begins))
    return phrase("in %(month)s", month=month_name(begins))


def months_now() -> dict[date, list[str]]:
    """The months that it is now in zones of teams, with the names of the zones: two at most, in the
    hours around the end of a month."""
    now, found = clock.now(), defaultdict(list)
    for name in Team.objects.order_by().values_list("time_zone", flat=True).distinct():
        found[time_zones.day_in(name, now).replace(day=1)].append(name)
    return dict(found)
