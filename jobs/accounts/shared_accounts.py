"""Two keys of one Alibaba account are found out, and then share its lanes: limits belong to the
account (CONTRACT §7, §8).

Every key of an Alibaba account sees all its tasks and no others, so a task that one row made lately
and both keys see proves that both are one; one that the maker's key sees and the other's does not
proves that they are two (`account_proof`). Rows at unlike hosts are never compared. The oldest row
is the root; `same_as` of the others names it directly, never over a chain.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from jobs.accounts import account_proof, endpoints
from jobs.common import wakeup
from jobs.common.states import TERMINAL, State
from jobs.models import Account, ApiKey, Job, Lane
from jobs.models.account import REGIONS
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase

log = logging.getLogger("footlight.shared_accounts")

# A task is known for 24 h after its end; one that was made this long ago is known for sure.
RECENT = timedelta(hours=23)
SECONDS, CALLS = 4.0, 12  # of one recognition: nobody waits longer in front of a page
_NEWEST = 200  # jobs of an account that are looked through for a recent task
_LEASE = timedelta(seconds=20)
_PATIENCE = 2.0  # seconds to wait for a lane that is being visited


# ── finding out ───────────────────────────────────────────────────────────────────────────────────


def recognise(account: Account, *, seconds: float = SECONDS, calls: int = CALLS) -> Account | None:
    """The older row, of any team, that is the same Alibaba account as `account`, whose lanes it
    shares from now on; None when none is known. A younger row that turns out to be the same as
    `account` shares its lanes in turn.

    Asks the service at most `calls` times and for about `seconds`. What is proven is kept
    (`same_as`, `different_from`), so a later call goes on where this one ended. Never raises
    because of the service.
    """
    account.refresh_from_db(fields=("same_as", "different_from"))
    if account.same_as_id is not None:
        return account.same_as
    others = perhaps_same(account)
    for other in others:
        if _shares_a_key(account, other):
            return _merge(account, other)
    limit = account_proof.QueryLimit(calls, seconds)
    mine = account_proof.KeyQueries(account, recent_task(account), limit)
    for other in others:
        theirs = account_proof.KeyQueries(other, recent_task(other), limit)
        same = account_proof.same_account(mine, theirs)
        if same:
            return _merge(account, other)
        if same is False:
            _remember_apart(account, other)
        if mine.broken or limit.reached:
            return None
    return None


def recognise_new() -> int:
    """Every minute: bring together what shares lanes, and let one account that made tasks lately
    ask about the others that it is not yet told apart from. Each account has a turn an hour.
    Returns how many jobs moved."""
    part_unlike()
    part_removed()
    moved = move_to_shared_lanes()
    if Account.objects.order_by()[:2].count() < 2:
        return moved
    active = Account.objects.filter(
        same_as=None, keys__active=True, lanes__last_visit_at__gte=clock.now() - RECENT
    )
    for account in Account.objects.filter(pk__in=active.values("pk")).order_by("?")[:20]:
        # Both sides have to be there: without a task nothing can be asked, and without another
        # account nobody.
        if (
            recent_task(account)
            and perhaps_same(account)
            and wakeup.once(f"shared_accounts:{account.pk}", 3600)
        ):
            recognise(account, seconds=2.0)
            break
    return moved


def recent_task(account: Account) -> str:
    """The id of a task that `account` made in the last 23 h and that its key has seen; "" when
    there is none."""
    since = clock.now() - RECENT
    rows = account.jobs.order_by("-id").values_list(
        "task_id", "submitted_at", "looked_at", "provider_status"
    )[:_NEWEST]
    for task_id, submitted_at, looked_at, status in rows:
        if (
            task_id
            and submitted_at is not None
            and submitted_at > since
            and looked_at is not None
            and status != "UNKNOWN"
        ):
            return str(task_id)
    return ""


def compare_by_task(account: Account, other: Account, task_id: str) -> bool | None:
    """`task_id` is a task that the key of `account` lists, and `other` may be the same Alibaba
    account: True when it is proven to be, and both share their lanes from now on; False when its
    key does not see the task, which is kept; None when the service proves nothing."""
    limit = account_proof.QueryLimit(CALLS, SECONDS)
    same = account_proof.same_account(
        account_proof.KeyQueries(account, task_id, limit).listed(),
        account_proof.KeyQueries(other, "", limit),
    )
    if same:
        _merge(account, other)
    elif same is False:
        _remember_apart(account, other)
    return same


def perhaps_same(account: Account) -> list[Account]:
    """The roots at the same place that are not proven to be others, those of the team first, then
    the most lately used."""
    place = endpoints.place_of(account.url)
    regions = [
        region for region in REGIONS if endpoints.place_of(Account(region=region).url) == place
    ]
    # The database only narrows; whole places are compared below.
    near = Q(base_url__icontains=endpoints.common_part(place)) | Q(base_url="", region__in=regions)
    rows = (
        Account.present.filter(near, same_as=None)
        .exclude(Q(pk__in=account.different_from) | Q(pk=account.pk))
        .order_by("-id")
        .select_related("team")
        .iterator()
    )
    # Rows of the same Alibaba account differ in what each was told; ids told apart count from
    # either side.
    found = (
        one
        for one in rows
        if endpoints.place_of(one.url) == place and account.pk not in one.different_from
    )
    return sorted(islice(found, _NEWEST), key=lambda one: one.team_id != account.team_id)


def _shares_a_key(account: Account, other: Account) -> bool:
    prints = account.keys.values("fingerprint")
    return ApiKey.objects.filter(account=other, fingerprint__in=prints).exists()


# ── what follows ──────────────────────────────────────────────────────────────────────────────────


def _merge(one: Account, other: Account) -> Account | None:
    """Make the older of two rows the root of both families. Returns the root of `one`, None when
    that is itself."""
    with transaction.atomic():
        # All of them, for families meet by their roots: another merge could give one of these roots
        # a root of its own meanwhile. `no_key`, so that nobody's job, which only points at its
        # account, waits for this.
        locked = {
            row.pk: row
            for row in Account.objects.select_for_update(no_key=True).only("same_as").order_by("pk")
        }
        roots = {locked[row.pk].root_id for row in (one, other)}
        root = min(roots)
        joining = list(
            Account.objects.filter(Q(pk__in=roots) | Q(same_as_id__in=roots)).exclude(pk=root)
        )
        Account.objects.filter(pk__in=[row.pk for row in joining]).update(same_as_id=root)
    log.info("accounts %s are the Alibaba account of %d", [row.pk for row in joining], root)
    for row in joining:
        share_lanes(row)
    one.refresh_from_db(fields=("same_as",))
    return one.same_as


def share_lanes(account: Account, former: Account | None = None) -> int:
    """Let the open jobs of `account` wait in the lanes of its root (its own ones when it has none
    other), and have those visited. `former` is the root that it had until now. Returns how many
    jobs moved.

    A lane that is being visited, or that people closed, is left as it is; `move_to_shared_lanes`
    comes back for it.
    """
    account.refresh_from_db(fields=("same_as",))
    places = {account.pk} if former is None else {account.pk, former.pk}
    return sum(
        _move(account, old)
        for old in Lane.objects.filter(account_id__in=places - {account.root_id}).order_by("pk")
    )


def move_to_shared_lanes() -> int:
    """Bring the open jobs of every shared account that still wait in lanes of their own to the
    root's; returns how many moved. Cheap when there is nothing to do: called by the heartbeat."""
    moved = 0
    for lane in Lane.objects.filter(account__same_as__isnull=False).select_related("account"):
        if Job.objects.filter(lane=lane, state__in=_open()).exists():
            moved += _move(lane.account, lane)
    return moved


def part_unlike() -> None:
    """Rows that share the lanes of one at another place, as host names that begin alike once made
    them do, have lanes of their own again."""
    for account in Account.objects.filter(same_as__isnull=False).select_related("same_as"):
        root = account.same_as
        if root is not None and endpoints.place_of(root.url) != endpoints.place_of(account.url):
            log.warning(
                "account %d is at another place than %d and shares its lanes no more",
                account.pk,
                root.pk,
            )
            separate(account)


def part_removed() -> None:
    """Nobody shares the lanes of a connection that was removed, however its removal was cut off."""
    removed = Account.objects.exclude(removed_at=None)
    for account in removed.filter(shared_by__isnull=False).distinct():
        forget_proofs(account)
    # What was being sent meanwhile was left where it was.
    waiting = Job.objects.filter(lane=OuterRef("pk"), state__in=_open())
    for lane in Lane.objects.filter(Exists(waiting), account__in=removed):
        others = Account.objects.filter(jobs__lane=lane, jobs__state__in=_open())
        for account in others.exclude(pk=lane.account_id).distinct():
            _move(account, lane)


def separate(account: Account) -> int:
    """Staff say that `account` is an Alibaba account of its own after all: its open jobs go back to
    its own lanes, and it is not recognised as that one again. Returns how many jobs moved."""
    account.refresh_from_db(fields=("same_as", "different_from"))
    root = account.same_as
    if root is None:
        return 0
    Account.objects.filter(pk=account.pk).update(same_as=None)
    account.same_as = None
    _remember_apart(account, root)
    return share_lanes(account, root)


def forget_proofs(account: Account) -> None:
    """`account` is at another place now: nothing that was proven of it holds. Those that shared its
    lanes share those of the oldest of them."""
    root = account.same_as
    with transaction.atomic():
        # All of them and in one order, as a merge locks them, so that the two never wait for each
        # other.
        rows = list(
            Account.objects.select_for_update(no_key=True).only("different_from").order_by("pk")
        )
        Account.objects.filter(pk=account.pk).update(same_as=None, different_from=[])
        for other in rows:
            if account.pk in other.different_from:
                Account.objects.filter(pk=other.pk).update(
                    different_from=[pk for pk in other.different_from if pk != account.pk]
                )
        left = list(Account.objects.filter(same_as=account).order_by("pk"))
        if left:
            Account.objects.filter(pk=left[0].pk).update(same_as=None)
            Account.objects.filter(pk__in=[row.pk for row in left[1:]]).update(same_as=left[0])
    account.same_as, account.different_from = None, []
    if root is not None:
        share_lanes(account, root)
    for row in left:
        share_lanes(row, account)


def sentence(account: Account) -> Sentence:
    """What people of the account's team are told when its key adds no capacity; "" when it is an
    account of its own."""
    root = account.same_as
    if root is None:
        return EMPTY
    if root.team_id == account.team_id:
        return phrase(
            "This key belongs to the same Alibaba account as %(account)s, so it adds no capacity: "
            "jobs of both wait in one queue per model.",
            account=root.label,
        )
    return phrase(
        "This key belongs to an Alibaba account that is in use on this site already, so it adds no "
        "capacity: its jobs wait in the same queues as the others."
    )


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def _open() -> list[State]:
    return [state for state in State if state not in TERMINAL]


def _move(account: Account, old: Lane) -> int:
    """The open jobs of `account` in the lane `old` now wait in the lane of its root. 0 when `old`
    is busy, closed or the right one."""
    new, _ = Lane.objects.get_or_create(account_id=account.root_id, model=old.model)
    if new.pk == old.pk or (not old.sends and old.account_id == account.pk):
        return 0
    jobs = Job.objects.filter(lane=old, account=account, state__in=_open())
    if not jobs.exists():
        return 0
    # Whoever visits the old lane holds jobs of it in hand; in the new lane they would look like
    # those of a visitor who died.
    token = f"share|{uuid.uuid4().hex[:12]}"
    if not _lease(old, token):
        return 0
    try:
        with transaction.atomic():
            moved = jobs.exclude(state=State.SUBMITTING).update(lane=new)
            Lane.objects.filter(pk=new.pk).update(
                wakeups=F("wakeups") + 1, next_visit_at=clock.now()
            )
    finally:
        Lane.objects.filter(pk=old.pk, lease_token=token).update(
            lease_until=None, lease_token="", wakeups=F("wakeups") + 1, next_visit_at=clock.now()
        )
    wakeup.wake_dispatcher_after_commit()
    log.info(
        "%d jobs of account %s moved from lane %d to lane %d",
        moved,
        account.public_id,
        old.pk,
        new.pk,
    )
    return moved


def _lease(lane: Lane, token: str) -> bool:
    end = time.monotonic() + _PATIENCE
    while True:
        now: datetime = clock.now()
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        if Lane.objects.filter(free, pk=lane.pk).update(
            lease_until=now + _LEASE, lease_token=token
        ):
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)


def _remember_apart(one: Account, other: Account) -> None:
    with transaction.atomic():
        for row in (
            Account.objects.select_for_update(no_key=True)
            .filter(pk__in=(one.pk, other.pk))
            .order_by("pk")
        ):
            add = other.pk if row.pk == one.pk else one.pk
            if add not in row.different_from:
                Account.objects.filter(pk=row.pk).update(different_from=[*row.different_from, add])
    one.refresh_from_db(fields=("different_from",))
