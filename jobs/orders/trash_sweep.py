"""What lies in the trash for longer than it is kept is erased: rows first, in portions, then the
stored files. May be cut off anywhere, and run twice at once: each portion is a transaction under
the team's lock, and what is left is found again.

Of a job its row stays, without name, choices and files, since the ledger names it. Of a check its
row stays without what it found. Ledger and trail stay as they are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from jobs.billing import ledger
from jobs.common.states import Group
from jobs.models import Check, Job, JobInput, JobSet, PendingOrder, SharedVideo, ShareLink, Template
from jobs.orders import video_holders
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import EMPTY
from studio.files import removals, tags
from studio.models import Asset, Deletion

log = logging.getLogger("footlight.trash")
PORTION = 100  # rows of one transaction


def due() -> QuerySet[Deletion]:
    return Deletion.objects.filter(remove_at__lte=clock.now()).order_by("remove_at", "pk")


def work(seconds: float = 20.0, stop: Callable[[], bool] = lambda: False) -> int:
    """Erase what is due, for about `seconds`; how many deletions are gone."""
    until, gone = time.monotonic() + seconds, 0

    def over() -> bool:
        return stop() or time.monotonic() > until

    for pk in list(due().values_list("pk", flat=True)[:1000]):
        while not over():
            try:
                ended = _portion(pk)
            except (OperationalError, InterfaceError):
                raise  # the database is away; what is wrong with one row stays with that row
            except Exception:
                # A bug or a broken row must not keep what others deleted: the next sweep tries it
                # again.
                log.exception("deletion %s is not erased", pk)
                break
            if ended:
                gone += 1
                break
    removals.work(over)
    return gone


def _portion(pk: int) -> bool:
    """One portion of a deletion; True when nothing of it is left, or it is not due any more."""
    found = Deletion.objects.select_related("team").filter(pk=pk).first()
    if found is None:
        return True
    with transaction.atomic():
        ledger.lock(found.team)
        # Somebody may have taken it out meanwhile.
        rows = Deletion.objects.select_for_update(of=("self",)).select_related("team")
        deletion = rows.filter(pk=pk, remove_at__lte=clock.now()).first()
        if deletion is None:
            return True
        if not deletion.erasing:
            Deletion.objects.filter(pk=pk).update(erasing=True)
        video_holders.leave_with_others(deletion)
        if _erase_jobs(deletion) or _erase_templates(deletion) or _erase_assets(deletion):
            return False
        record(
            Event.ERASED,
            team=deletion.team,
            about=deletion.name,
            before={"files": deletion.files, "bytes": deletion.size},
        )
        deletion.delete()
    return True


def _erase_jobs(deletion: Deletion) -> bool:
    """False when there was none left."""
    jobs = list(deletion.jobs.order_by("pk").values_list("pk", flat=True)[:PORTION])
    if not jobs:
        return False
    JobInput.everything.filter(job__in=jobs).delete()
    links = list(SharedVideo.objects.filter(job__in=jobs).values_list("link", flat=True))
    SharedVideo.objects.filter(job__in=jobs).delete()
    ShareLink.objects.filter(pk__in=links, videos=None).update(title=gettext("Deleted video"))
    Job.objects.filter(pk__in=jobs, group=Group.DELETED).update(
        title=gettext("Deleted video"),
        parameters={},
        full={},
        result=None,
        length_differs=False,
        result_url="",
        provider_message="",
        sentence=EMPTY,
        advice=EMPTY,
        erased_at=clock.now(),
        deletion=None,
    )
    _erase_clicks(jobs)
    return True


def _erase_clicks(jobs: list[int]) -> None:
    """What was asked for of erased `jobs`, and the names of sets of which nothing else is left."""
    sets = JobSet.objects.filter(jobs__in=jobs).exclude(jobs__erased_at=None)
    is_open = PendingOrder.State.OPEN
    over = list(sets.exclude(pending_orders__state=is_open).distinct().values_list("pk", flat=True))
    JobSet.objects.filter(pk__in=over).update(title=gettext("Deleted videos"))
    asked = PendingOrder.objects.exclude(state=is_open)
    for one in asked.filter(Q(job__in=jobs) | Q(set__in=over)):
        empty: dict[str, object] = {
            "files": {},
            "names": {},
            "chosen": {},
            "title": "",
            "full": None,
        }
        orders = [order | empty for order in one.wish["orders"]]
        PendingOrder.objects.filter(pk=one.pk).update(
            title=gettext("Deleted video"),
            wish=one.wish | {"title": "", "orders": orders},
            answer="",
        )


def _erase_templates(deletion: Deletion) -> bool:
    rows = Template.everything.filter(deletion=deletion).order_by("pk")
    templates = list(rows.values_list("pk", flat=True)[:PORTION])
    if not templates:
        return False
    kept = Template.everything.filter(pk__in=templates)
    kept.update(name="", asset=None, forgotten=True, deletion=None)
    kept.filter(jobs=None).delete()
    return True


def _erase_assets(deletion: Deletion) -> bool:
    rows = Asset.everything.filter(deletion=deletion).order_by("-pk")
    assets = list(rows.select_for_update(of=("self",))[:PORTION])
    if not assets:
        return False
    erase_rows(assets)
    return True


def erase_rows(assets: Iterable[Asset]) -> None:
    """The rows of `assets` that lie in the trash, and what is known of what they show; their stored
    files are noted to be removed. In a transaction, under the team's lock."""
    going = list(assets)
    keys = [asset.pk for asset in going]
    Job.objects.filter(result__in=keys, group=Group.DELETED).update(result=None)
    JobInput.everything.filter(asset__in=keys).delete()
    Template.everything.filter(asset__in=keys).update(asset=None)
    _empty_checks(going)
    names = removals.names_of(going)
    for asset in going:  # one by one: what is stored is summed when a row goes
        asset.delete()
    tags.forget_unused({asset.team_id for asset in going})
    removals.note(names)


def _empty_checks(assets: list[Asset]) -> None:
    """What the service found in a picture goes with it. The row stays for the ledger, and no
    picture is known by it any more."""
    teams = {asset.team_id for asset in assets}
    hashes = [asset.sha256 for asset in assets]
    for check in Check.objects.filter(team__in=teams, sha256__in=hashes):
        Check.objects.filter(pk=check.pk).update(
            asset=None, sha256=f"erased {check.pk}", facts={}, message="", sentence=EMPTY
        )
