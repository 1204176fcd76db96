"""What the pages show of each key: what was spent with it this month, when it was last used, when
it expires. Each is one row, whatever the key was used for before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Subquery

from jobs.accounts import key_expiry
from jobs.billing.periods import month_of
from jobs.models import Account, ApiKey, Attempt, Check, KeyUse
from studio.common.translatable import translated
from studio.models.people import Team


@dataclass(frozen=True, slots=True)
class KeyRow:
    """`settled` in millionths of `currency`; `seconds` of video that were billed; `expiry` says
    what there is to say of it, "" while it is far away or not noted."""

    key: ApiKey
    used: bool  # calls are made with it; else it is a spare, or retired
    currency: str
    settled: int
    jobs: int
    checks: int
    seconds: float
    last_use: datetime | None
    expiry: str


def key_rows(team: Team, accounts: Iterable[Account]) -> dict[int, list[KeyRow]]:
    """Account id → its keys, which are prefetched, in their order. A key that was retired and typed
    again is two rows of the table; its use is told with the one in use. Two statements for all."""
    keys_of = {account: list(account.keys.all()) for account in accounts}
    every = [key for keys in keys_of.values() for key in keys]
    used, last = {use.key_id: use for use in _use(team, every)}, _last_use(every)
    return {account.pk: _rows(team, account, keys, used, last) for account, keys in keys_of.items()}


def _rows(
    team: Team,
    account: Account,
    keys: list[ApiKey],
    used: dict[int, KeyUse],
    last: dict[int, datetime],
) -> list[KeyRow]:
    in_use = max((key.pk for key in keys if key.active), default=None)
    groups = _same(keys)
    rows = []
    for key in keys:
        group = groups[key.fingerprint]
        if key.pk != group[0]:
            continue
        of_group = [used[pk] for pk in group if pk in used]
        moments = [last[pk] for pk in group if pk in last]
        key.account, account.team = account, team  # which are read already
        said = key_expiry.sentence(key) if key.active else None
        rows.append(
            KeyRow(
                key,
                key.pk == in_use,
                team.currency,
                sum(use.settled for use in of_group),
                sum(use.jobs for use in of_group),
                sum(use.checks for use in of_group),
                sum(use.milliseconds for use in of_group) / 1000,
                max(moments, default=None),
                translated(said) if said is not None else "",
            )
        )
    return rows


def _same(keys: list[ApiKey]) -> dict[str, list[int]]:
    """Ids of the rows of one key, the one in use first, then the newest."""
    found: dict[str, list[int]] = {}
    for key in sorted(keys, key=lambda key: (not key.active, -key.pk)):
        found.setdefault(key.fingerprint, []).append(key.pk)
    return found


def _use(team: Team, keys: list[ApiKey]) -> Iterable[KeyUse]:
    month: date = month_of(team)
    return KeyUse.objects.filter(key__in=keys, month=month, currency=team.currency)


def _last_use(keys: list[ApiKey]) -> dict[int, datetime]:
    """When each key was last used for a job or a check."""
    sent = Attempt.objects.filter(key=OuterRef("pk")).order_by("-began_at")
    asked = Check.objects.filter(key=OuterRef("pk"), asked_at__isnull=False).order_by("-asked_at")
    found = ApiKey.objects.filter(pk__in=[key.pk for key in keys]).order_by()
    moments = found.annotate(
        sent_at=Subquery(sent.values("began_at")[:1]),
        asked_at=Subquery(asked.values("asked_at")[:1]),
    ).values_list("pk", "sent_at", "asked_at")
    known = {pk: [one for one in both if one is not None] for pk, *both in moments}
    return {pk: max(both) for pk, both in known.items() if both}
