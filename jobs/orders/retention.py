"""Old videos and files of teams that keep them for so many days: announced, and a week later moved
into the trash.

A thing goes only when it was announced a week before, nobody has pinned it and the team still keeps
things no longer. Of a video counts when its job ended, of a file when it came in; a file stays for
as long as something of the team is made of it. Each step may be cut off and run twice.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.billing import ledger
from jobs.common.dates import short_day
from jobs.models import Job, JobInput, Template
from jobs.orders import trash
from jobs.orders.deletion_plan import Target, portions, present_jobs
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.models import Asset, Deletion, Edit, Team, User

log = logging.getLogger("footlight.retention")
CHOICES = (30, 90, 180, 365, 730)  # days
WARNING = timedelta(days=7)
EVERY = timedelta(days=1)  # how often it is announced, so that nobody gets two mails a day
ANNOUNCED = 2000  # jobs, and as many files, of a team in one day
MOVED = 500  # things of one run
COUNTED = 1000  # more than that is said as “1000+”
LISTED = 10  # names of one mail
Thing = TypeVar("Thing", Job, Asset)


def due() -> bool:
    """Whether something is to be announced or moved now."""
    return (
        _teams_due().exists()
        or Job.objects.filter(goes_at__lte=clock.now()).exists()
        or Asset.objects.filter(goes_at__lte=clock.now()).exists()
    )


def work(seconds: float = 20.0, stop: Callable[[], bool] = lambda: False) -> int:
    """Announce and move what is due, for about `seconds`; how many things were moved."""
    until = time.monotonic() + seconds

    def over() -> bool:
        return stop() or time.monotonic() > until

    for team in _teams_due().order_by("pk")[:100]:
        if over():
            break
        announce(team)
    return _move_due(over)


def _teams_due() -> QuerySet[Team]:
    rows = Team.objects.filter(keep_days__isnull=False, closed_at=None)
    now = clock.now()
    # A clock that was ahead must not put it off for as long as that.
    return rows.filter(
        Q(ages_next_at=None) | Q(ages_next_at__lte=now) | Q(ages_next_at__gt=now + 2 * EVERY)
    )


# ── what gets too old ──


def old_jobs(team: Team, before: datetime) -> QuerySet[Job]:
    """Videos that were made before then, are not pinned and not announced; the oldest first."""
    rows = Job.objects.filter(team=team, result__isnull=False, deletion=None)
    return rows.filter(pinned=False, goes_at=None, finished_at__lt=before).order_by("finished_at")


def old_files(team: Team, before: datetime) -> QuerySet[Asset]:
    """Files that came in before then and of which nothing is made that the team has."""
    rows = Asset.objects.filter(team=team, deletion=None, pinned=False, goes_at=None)
    return unused(rows, team).filter(created_at__lt=before).order_by("created_at")


def unused(rows: QuerySet[Asset], team: Team) -> QuerySet[Asset]:
    """Of `rows` of `team` those that no job, template or other file shows or is made of, nor one
    that is being made."""
    jobs = present_jobs(team)
    return rows.exclude(
        Exists(JobInput.objects.filter(asset=OuterRef("pk"), job__in=jobs))
        | Exists(jobs.filter(result=OuterRef("pk")))
        | Exists(Template.objects.filter(asset=OuterRef("pk")))
        | Exists(Asset.objects.filter(parent=OuterRef("pk")))
        | Exists(Edit.objects.filter(asset=OuterRef("pk"), state__in=Edit.UNDER_WAY))
    )


def announce(team: Team) -> int:
    """Note when each thing goes that is too old within a week, and mail its person, in one
    transaction; how many things.

    They are searched for before, since that looks at all old files and orders wait for the lock.
    """
    found = _too_old(team)
    with transaction.atomic():
        now_row = ledger.lock(team)
        if now_row.keep_days is None or now_row.keep_days != team.keep_days or now_row.is_closed:
            return 0
        if not _teams_due().filter(pk=team.pk).exists():
            return 0
        soon = clock.now() + WARNING
        _forget_far_off(now_row)
        names = defaultdict[int, list[str]](list)
        number = 0
        for job in _mark(old_jobs(now_row, _before(now_row)), found.jobs, soon):
            names[job.handed_to_id or job.owner_id].append(job.title)
            number += 1
        for file in _mark(old_files(now_row, _before(now_row)), found.files, soon):
            number += 1
            if file.owner_id is not None:
                names[file.owner_id].append(file.name)
        Team.objects.filter(pk=team.pk).update(ages_next_at=clock.now() + EVERY)
        _tell(now_row, names, soon)
    return number


@dataclass(frozen=True, slots=True)
class _Found:
    jobs: list[int]
    files: list[int]


def _before(team: Team) -> datetime:
    """What is older than this is too old within a week."""
    return clock.now() + WARNING - timedelta(days=team.keep_days or 0)


def _too_old(team: Team) -> _Found:
    jobs = old_jobs(team, _before(team)).values_list("pk", flat=True)[:ANNOUNCED]
    files = old_files(team, _before(team)).values_list("pk", flat=True)[:ANNOUNCED]
    return _Found(list(jobs), list(files))


def _mark(rows: QuerySet[Thing], found: list[int], goes_at: datetime) -> Iterator[Thing]:
    """Those of `found` that still belong to `rows`; they go then."""
    for some in portions(found):
        marked = list(rows.filter(pk__in=some))
        rows.model._default_manager.filter(pk__in=[one.pk for one in marked]).update(
            goes_at=goes_at
        )
        yield from marked


def _forget_far_off(team: Team) -> None:
    """What a clock that was ahead announced for a day that is too far off is announced again."""
    far_off = clock.now() + WARNING + EVERY
    Job.objects.filter(team=team, goes_at__gt=far_off).update(goes_at=None)
    Asset.everything.filter(team=team, goes_at__gt=far_off).update(goes_at=None)


def _tell(team: Team, names: dict[int, list[str]], goes_at: datetime) -> None:
    """Into the mail queue: to everybody who is still in the team. What is wrong with one mail is
    logged and stops nothing."""
    rows = team.memberships.filter(user__in=names, user__is_active=True).select_related("user")
    for person in (row.user for row in rows):
        if not person.email:
            continue
        subject, text = _mail(team, names[person.pk], goes_at)
        try:
            EmailMessage(subject, text, to=[person.email]).send()
        except DatabaseError:
            raise
        except Exception:
            log.exception("person %s was not told what of team %s goes", person.pk, team.pk)


def _mail(team: Team, names: list[str], goes_at: datetime) -> tuple[str, str]:
    words = {"n": len(names), "team": team.name, "day": short_day(goes_at.date())}
    subject = ngettext(
        "%(n)s video or file of yours goes into the trash on %(day)s",
        "%(n)s videos and files of yours go into the trash on %(day)s",
        len(names),
    )
    text = ngettext(
        "The team %(team)s keeps videos and files for %(days)s days, and this gets older:",
        "The team %(team)s keeps videos and files for %(days)s days, and these get older:",
        len(names),
    )
    listed = [f"- {name}" for name in names[:LISTED]]
    if len(names) > LISTED:
        listed.append(_("and %(n)s more") % {"n": len(names) - LISTED})
    ends = _(
        "Keep what you need here; what goes can be restored from the trash for %(days)s days:"
    ) % {"days": trash.DAYS}
    link = settings.PUBLIC_URL + reverse("jobs:going", args=[team.slug])
    title = " ".join(("Footlight: " + subject % words).split())[:200]
    first = text % (words | {"days": team.keep_days})
    return title, "\n\n".join((first, "\n".join(listed), ends, link)) + "\n"


def older(team: Team, days: int) -> int:
    """How many videos would be announced if things were kept for so many days; counted up to
    COUNTED."""
    before = clock.now() - timedelta(days=days)
    number = going_jobs(team).filter(finished_at__lt=before).values("pk")[:COUNTED].count()
    found = old_jobs(team, before).values("pk")[: COUNTED - number] if number < COUNTED else None
    return number + (found.count() if found is not None else 0)


# ── what goes ──


def _move_due(over: Callable[[], bool]) -> int:
    moved = 0
    for model in (Job, Asset):
        rows = model.objects.filter(goes_at__lte=clock.now()).order_by("goes_at", "pk")
        for pk in list(rows.values_list("pk", flat=True)[:MOVED]):
            if over():
                return moved
            try:
                moved += _move(model, pk)
            except DatabaseError:
                raise
            except Exception:
                # One broken row must not keep the others: it is tried again tomorrow.
                log.exception("%s %s does not go into the trash", model.__name__, pk)
                _put_off(model, pk, clock.now() + EVERY)
    return moved


def _move(model: type[Job] | type[Asset], pk: int) -> int:
    found = model.objects.filter(pk=pk).select_related("team").first()
    if found is None:
        return 0
    with transaction.atomic():
        team = ledger.lock(found.team)
        thing = _still_due(team, model, pk)
        if thing is None:
            _put_off(model, pk, None)
            return 0
        target = Target(team, job=thing) if isinstance(thing, Job) else Target(team, asset=thing)
        done = trash.delete([target], None, others=True, reason=Deletion.Reason.AGE)
        # Something under way needs it still.
        _put_off(model, pk, clock.now() + EVERY if done.refused else None)
    return len(done.deletions)


def _still_due(team: Team, model: type[Job] | type[Asset], pk: int) -> Job | Asset | None:
    """The thing, as long as what was announced holds. Under the team's lock.

    A day that is long over is of a database that was restored, or of a worker that was away, and
    what people did meanwhile to keep it may be lost: it is announced anew.
    """
    if team.keep_days is None or team.is_closed:
        return None
    before = clock.now() - timedelta(days=team.keep_days)
    lately = (clock.now() - WARNING, clock.now())
    if model is Job:
        jobs = present_jobs(team).filter(pk=pk, pinned=False, goes_at__range=lately)
        return jobs.filter(finished_at__lt=before, result__isnull=False).first()
    files = Asset.objects.filter(pk=pk, pinned=False, goes_at__range=lately)
    return unused(files.filter(created_at__lt=before), team).first()


def _put_off(model: type[Job] | type[Asset], pk: int, until: datetime | None) -> None:
    rows = Job.objects if model is Job else Asset.everything
    rows.filter(pk=pk).exclude(goes_at=None).update(goes_at=until)


# ── what stays ──


def changed(team: Team) -> None:
    """The team keeps things for another time: what was announced does not hold, and is announced
    anew. In the transaction of the change."""
    Job.objects.filter(team=team, goes_at__isnull=False).update(goes_at=None)
    Asset.everything.filter(team=team, goes_at__isnull=False).update(goes_at=None)
    Team.objects.filter(pk=team.pk).update(ages_next_at=None)


def pin(
    team: Team, jobs: Iterable[Job], files: Iterable[Asset], by: User, *, stays: bool = True
) -> int:
    """These stay, however old they get; not `stays`: they go like others, after a warning. How
    many things changed."""
    number = 0
    with transaction.atomic():
        ledger.lock(team)
        for job in jobs:
            rows = Job.objects.filter(pk=job.pk, team=team, deletion=None)
            number += _pin(rows, team, job.title, by, stays=stays)
        for file in files:
            number += _pin(team.assets.filter(pk=file.pk), team, file.name, by, stays=stays)
    return number


def _pin(
    rows: QuerySet[Job] | QuerySet[Asset], team: Team, name: str, by: User, *, stays: bool
) -> int:
    if not rows.exclude(pinned=stays).update(pinned=stays, goes_at=None):
        return 0
    event = Event.PINNED if stays else Event.UNPINNED
    record(event, team=team, by=by, about=name)
    return 1


def going_jobs(team: Team) -> QuerySet[Job]:
    """The videos of `team` that were announced; the first to go first."""
    return present_jobs(team).filter(goes_at__isnull=False).order_by("goes_at", "pk")


def going_files(team: Team) -> QuerySet[Asset]:
    return team.assets.filter(goes_at__isnull=False).order_by("goes_at", "pk")
