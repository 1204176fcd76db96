"""A closed team whose time is over is emptied: people and keys first, then files and jobs through
the trash. May be cut off anywhere, and run twice at once: each portion is a transaction under the
team's lock, and what is left is found again.

The row of the team stays, with its name and what ledger and trail name of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from jobs.billing import ledger
from jobs.common.states import TERMINAL, Group, State
from jobs.engine import deleted_jobs
from jobs.models import ApiKey, Budget, Check, Job, PendingOrder, Template
from jobs.orders import team_closing, trash_sweep
from jobs.orders.deletion_plan import ASKED
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import phrase
from studio.files import edit_queue, team_picture
from studio.models import Asset, Deletion, Edit, Team

log = logging.getLogger("footlight.closing")
PORTION = 100  # jobs of one transaction
FILES = 500  # files of one transaction


def due() -> QuerySet[Team]:
    """Closed teams in which something waits, or whose time is over."""
    return closed().filter(erase_at__lte=clock.now()) | closed().filter(
        pk__in=Job.objects.filter(state=State.QUEUED, team__in=closed()).values("team")
    )


def closed() -> QuerySet[Team]:
    return Team.objects.filter(closed_at__isnull=False, emptied_at=None)


def work(seconds: float = 20.0, stop: Callable[[], bool] = lambda: False) -> int:
    """Cancel what waits in closed teams, and empty those that are due, for about `seconds`; how
    many teams are empty now."""
    until, empty = time.monotonic() + seconds, 0
    for team in due().select_related("closed_by").order_by("erase_at", "pk")[:100]:
        if stop() or time.monotonic() > until:
            break
        if team.closed_by is not None:
            team_closing.cancel_waiting(team, team.closed_by, until - time.monotonic())
        if not _begin(team):
            continue
        while not stop() and time.monotonic() < until:
            if not _set_aside(team):
                trash_sweep.work(max(0.0, until - time.monotonic()), stop)
                empty += _end(team)
                break
    return empty


def _locked(team: Team) -> Team | None:
    """The team, as long as it is to be emptied. In a transaction."""
    now_row = ledger.lock(team)
    over = now_row.erase_at is not None and now_row.erase_at <= clock.now()
    return now_row if over and now_row.is_closed and now_row.emptied_at is None else None


def _begin(team: Team) -> bool:
    """From here on it cannot be reopened: nobody is in it, and no key or link of it works. False
    when it was reopened, or something in it is not over, which its owners still may decide."""
    with transaction.atomic():
        now_row = _locked(team)
        if now_row is None:
            return False
        if now_row.erasing:
            return True
        jobs = Job.objects.filter(team=team).exclude(state__in=TERMINAL)
        if jobs.exists() or Check.objects.filter(team=team, state__in=ASKED).exists():
            log.info("team %s is erased when its jobs are over", team.pk)
            return False
        picture = str(now_row.picture.name or "")
        now_row.erasing, now_row.picture = True, ""
        now_row.save(update_fields=["erasing", "picture"])
        if picture:
            transaction.on_commit(partial(team_picture.drop, picture))
        _end_people(now_row)
        ApiKey.objects.filter(account__team=team).delete()
        _forget_wishes(now_row)
    return True


def _end_people(team: Team) -> None:
    now = clock.now()
    team.memberships.all().delete()
    team.join_domains.all().delete()
    team.invitations.update(
        revoked_at=Coalesce(F("revoked_at"), now), email="", note="", begun_by=None
    )
    team.share_links.update(revoked_at=Coalesce(F("revoked_at"), now), title="", password="")


def _forget_wishes(team: Team) -> None:
    PendingOrder.objects.filter(team=team).delete()
    Budget.objects.filter(team=team).delete()
    team.presets.all().delete()
    team.views.all().delete()
    team.collections.all().delete()
    team.sets.update(title="")


def _set_aside(team: Team) -> bool:
    """One portion of what is there goes into the trash, to be erased at once; False when there is
    nothing left to go."""
    with transaction.atomic():
        if _locked(team) is None:
            return False
        Deletion.objects.filter(team=team, erasing=False).update(
            erasing=True, remove_at=clock.now()
        )
        jobs = Job.objects.filter(team=team).exclude(group=Group.DELETED).order_by("pk")
        some = list(jobs.select_related("team")[:PORTION])
        assets: list[int] = []
        # Templates and files after the jobs that are made from them.
        templates = Template.everything.filter(team=team, deletion=None)
        templates = templates.exclude(asset=None, name="")
        if not some:
            files = Asset.objects.filter(team=team).order_by("pk").values_list("pk", flat=True)
            assets = list(files[:FILES])
        if not (some or assets or templates.exists()):
            return False
        size = Asset.objects.filter(pk__in=assets).aggregate(sum=Sum("size"))["sum"] or 0
        made = Deletion.objects.create(
            team=team,
            kind=Deletion.Kind.TEAM,
            reason=Deletion.Reason.TEAM,
            name=team.name,
            files=len(assets),
            videos=sum(job.result_id is not None for job in some),
            size=size,
            remove_at=clock.now(),
            erasing=True,
        )
        for job in some:
            deleted_jobs.set_aside(job, made, phrase("Erased with its team"))
        if not some:
            templates.update(deletion=made, deleted=True)
            edit_queue.drop(assets)
        Asset.objects.filter(pk__in=assets).update(deletion=made)
    return True


def _end(team: Team) -> bool:
    """Whether nothing is left of it; the trail says so once."""
    with transaction.atomic():
        now_row = _locked(team)
        if now_row is None or Deletion.objects.filter(team=team).exists():
            return False
        if Asset.everything.filter(team=team).exists():
            return False
        Edit.objects.filter(team=team).delete()
        now_row.emptied_at = clock.now()
        now_row.save(update_fields=["emptied_at"])
        record(Event.TEAM_EMPTIED, team=now_row, about=now_row.name)
    return True
