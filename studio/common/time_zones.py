"""Time zones by their IANA names, such as Europe/Berlin: which a team may choose, and the day of a
moment there."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

log = logging.getLogger("footlight.time_zones")
DEFAULT = "UTC"
LONGEST = 64
# Parts of the world, as the names begin; the others are old spellings and the machine's own.
_REGIONS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


@cache
def offered() -> tuple[str, ...]:
    """The names to choose from: UTC, then by region and place."""
    return (DEFAULT, *sorted(name for name in available_timezones() if name.startswith(_REGIONS)))


def validate(name: str) -> None:
    """ValidationError unless `name` is one of those that are offered."""
    if name not in offered():
        raise ValidationError(
            _("“%(name)s” is no time zone. Choose one such as Europe/Berlin, or UTC.")
            % {"name": name[:LONGEST]}
        )


@cache
def zone(name: str) -> tzinfo:
    """The zone of this name; UTC, with a line in the log, when it is not known any more: nobody is
    kept from working by a name that was taken away."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        log.error("the time zone %r is not known here, so UTC counts", name)
        return UTC


def day_in(name: str, moment: datetime) -> date:
    """The calendar day there at `moment`, which is aware."""
    return moment.astimezone(zone(name)).date()
