"""Which account of a team a new job goes to, who may use it, and with which key an account is
called.

Calls are made with the newest key of an account. When the service refuses it, this process
remembers that for a while and goes on with the next one that is in use: every key of an Alibaba
account sees all its tasks (CONTRACT §8), so looks and archives need no particular key. The account
stops only when no key is left (jobs/accounts/health.py).
"""

from __future__ import annotations

import threading
import time

from django.db.models import Q, QuerySet

from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.models import Account, ApiKey, Lane
from studio.common.translatable import phrase
from studio.models import Team, User

# A refused key is tried again after this long, in case it was a hiccup of the service.
REFUSED_FOR = 300.0

_refused: dict[int, float] = {}  # id of a key → until when (monotonic) it is not used
_lock = threading.Lock()


def accounts_for(team: Team, person: User | None) -> list[Account]:
    """The accounts of the team that have a key in use and that `person` may use, in one query;
    None: those that everybody may use."""
    return list(usable(team, person).filter(keys__active=True).distinct().order_by("id"))


def usable(team: Team, person: User | None) -> QuerySet[Account]:
    """The accounts of the team that `person` may use, with a key or without."""
    mine = Q(named_only=False)
    if person is not None:
        mine |= Q(pk__in=team.memberships.filter(user=person).values("connections"))
    return team.accounts(manager="present").filter(mine)


def may_use(account: Account, person: User | None) -> bool:
    """Whether `person` may order something on `account`. What is ordered already goes on, whoever
    may use it later."""
    if not account.named_only:
        return True
    return person is not None and account.people.filter(user=person).exists()


def require_use(account: Account, person: User | None) -> None:
    """Refused when `person` may not use `account`."""
    if not may_use(account, person):
        raise Refused(
            phrase(
                "Only named people may use the Model Studio connection %(account)s, and you are "
                "not one of them. Choose another connection, or ask an owner or admin of the team "
                "to name you.",
                account=account,
            )
        )


def require_present(account: Account) -> None:
    """Refused when `account` was removed meanwhile. Under the team's lock, which a removal has too:
    what is written then comes before it and hinders it."""
    gone = Account.objects.filter(pk=account.pk).exclude(removed_at=None)
    for label in gone.values_list("label", flat=True):
        raise removed_meanwhile(label)


def removed_meanwhile(label: str) -> Refused:
    """What an order is told whose connection is gone."""
    return Refused(
        phrase(
            "The Model Studio connection “%(name)s” was removed meanwhile. Choose another one.",
            name=label,
        )
    )


def account_for(team: Team, person: User | None, model: str = "") -> Account | None:
    """The account of the team for `model` now: with a key, one that `person` may use, and rather
    one that takes, sends and is well; the first of equals."""
    found = accounts_for(team, person)
    spec = entries.MODELS.get(model)
    if spec is not None:
        found = [account for account in found if account.serves(spec)]
    lanes = {
        lane.account_id: lane
        for lane in Lane.objects.filter(
            account_id__in=[account.root_id for account in found], model=model
        )
    }

    def worth(account: Account) -> tuple[bool, bool, bool]:
        lane = lanes.get(account.root_id)
        closed = not account.takes or (lane is not None and not lane.takes)
        stopped = not account.sends or (lane is not None and not lane.sends)
        return closed, stopped, account.paused() or (lane is not None and lane.paused())

    return min(found, key=worth, default=None)


def keys_to_try(account: Account) -> list[ApiKey]:
    """The keys in use, newest first, without those that the service refused lately; all of them
    when it refused every one."""
    keys = keys_in_use(account)
    return [key for key in keys if not _refused_lately(key)] or keys


def refused(account: Account, key_id: int | None = None) -> bool:
    """The service refused the key (None: the one that would be used now): it is not used for
    REFUSED_FOR seconds. True when another key in use is left, so that the account goes on."""
    keys = keys_in_use(account)
    if key_id is None:
        key_id = next((key.pk for key in keys if not _refused_lately(key)), None)
    if key_id is not None:
        with _lock:
            _refused[key_id] = time.monotonic() + REFUSED_FOR
    return any(not _refused_lately(key) for key in keys)


def keyless(account: Account) -> bool:
    """No key of `account` is in use."""
    return not keys_in_use(account)


def taken(key: ApiKey) -> None:
    """The service takes `key` again."""
    with _lock:
        _refused.pop(key.pk, None)


def with_newest(account: Account) -> bool:
    """Whether calls for `account` are made with its newest key."""
    keys = keys_in_use(account)
    return bool(keys) and not _refused_lately(keys[0])


def keys_in_use(account: Account) -> list[ApiKey]:
    """The keys of `account` that are in use, newest first."""
    if "keys" in getattr(
        account, "_prefetched_objects_cache", ()
    ):  # read with the lane, so that a look asks no database
        return sorted((key for key in account.keys.all() if key.active), key=lambda key: -key.pk)
    # Without the secrets: they are decrypted only when a client is made.
    return list(account.keys.filter(active=True).order_by("-id").defer("secret"))


def _refused_lately(key: ApiKey) -> bool:
    return _refused.get(key.pk, 0.0) > time.monotonic()
