"""Whether this database has forgotten what was sent: it was restored from a backup, or a standby
that lagged behind took over. Jobs that wait in it may have been sent already.

Redis remembers the number of the latest attempt of the site. A database that has not come that far
is one of before, so every account waits until its tasks are compared with the service's list
(`orders.reconcile`).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max, Q

from jobs.common import wakeup
from jobs.models import Account, Attempt
from studio.common import clock
from studio.common.translatable import plural_phrase

log = logging.getLogger("footlight.restored")
LATEST_ATTEMPT = f"{wakeup.SITE}latest-attempt"
BEFORE = timedelta(minutes=10)  # what was made shortly before the last row may be missing, too
_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
end
"""


def remember(attempt_id: int) -> None:
    """The attempt was committed; it must be there for ever."""
    wakeup.unless_away(lambda: wakeup.redis().eval(_RAISE, 1, LATEST_ATTEMPT, attempt_id))


def noticed() -> bool:
    """Whether the database lacks attempts that were made; then every account waits from now on.

    The database is asked each time: another one may have taken over since this process asked it or
    wrote into it.
    """
    said = wakeup.unless_away(lambda: wakeup.redis().get(LATEST_ATTEMPT))
    latest, known = int(said) if said else 0, _latest_number()
    if latest <= known:
        if latest < known:
            remember(known)  # a Redis that began anew, or was away
        return False
    log.error(
        "attempt %d was made, and the database has %d: it was restored; nothing is sent until "
        "manage.py reconcile has compared every account",
        latest,
        known,
    )
    begin()
    wakeup.unless_away(lambda: wakeup.redis().set(LATEST_ATTEMPT, known))
    return True


def begin(since: datetime | None = None) -> int:
    """Every account waits until its tasks made after the last attempt that the database knows, or
    after `since` when that is earlier, are compared; returns how many do from now on."""
    last = Attempt.objects.aggregate(last=Max("began_at"))["last"]
    if last is None:
        last = clock.now() - timedelta(days=1)  # the service's list reaches no further
    start = min(last, since or last) - BEFORE
    later = Q(reconcile_from=None) | Q(reconcile_from__gt=start)
    return Account.present.filter(later).update(reconcile_from=start)


def problem() -> str:
    """What staff are to do about it; "" when all is well."""
    waiting = Account.objects.filter(reconcile_from__isnull=False).count()
    if not waiting:
        return ""
    return plural_phrase(
        "The database was restored: %(n)s connection sends nothing until its tasks are compared "
        "with the service’s list (Accounts, or manage.py reconcile).",
        "The database was restored: %(n)s connections send nothing until their tasks are compared "
        "with the service’s list (Accounts, or manage.py reconcile).",
        waiting,
    )


def _latest_number() -> int:
    """The highest number of an attempt that the database knows of.

    On SQLite also of one that was deleted. PostgreSQL writes its sequences 32 numbers ahead, so
    those of a standby that takes over may have passed what it lacks: there only rows count. No
    attempt is deleted, since its job's ledger keeps it.
    """
    if connection.vendor == "postgresql":
        return Attempt.objects.aggregate(last=Max("pk"))["last"] or 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [Attempt._meta.db_table])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
