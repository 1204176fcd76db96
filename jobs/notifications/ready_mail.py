"""A mail to who is away when their videos are ready: one for all that ended, not one for each.

Ends are read from the events of jobs, in turn, so whatever ends a job needs to know nothing of it.
Whoever has a page open, or has asked for one since, has seen it themselves.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, transaction
from django.db.models import F, Max, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.common import presence
from jobs.common.states import TERMINAL, State
from jobs.models import EventCursor, Job, JobEvent, ReadyNotice
from studio.common import clock
from studio.models import Membership

log = logging.getLogger("footlight.ready_mail")
NAME = "ready-mail"
SETTLED = timedelta(seconds=30)  # ids of events are taken before they are committed
AT_ONCE = 2000  # events of one run
PORTION = 200  # notices that are read together
# In which somebody who is here is noted (studio/teams/sign_ins.py: every four minutes).
AWAY = timedelta(minutes=5)
# As long as more is under way the mail waits for it, but not for ever.
LONGEST_WAIT = timedelta(hours=2)
LISTED = 20  # videos with their names in one mail
ENDS = (State.SUCCEEDED, State.FAILED)


def run() -> int:
    """Look at what ended since the last run, and write the mails that are due; how many."""
    _collect()
    sent = last = 0
    notices = ReadyNotice.objects.select_related("team", "user").order_by("id")
    # Those who wait hide nobody behind them.
    while some := list(notices.filter(pk__gt=last)[:PORTION]):
        last = some[-1].pk
        sent += sum(_tried(notice) for notice in some)
    return sent


def _tried(notice: ReadyNotice) -> bool:
    try:
        return _settle(notice)
    except DatabaseError:
        raise
    except Exception:
        log.exception("person %s could not be told what is ready", notice.user_id)
        return False


def _ends_among(events: QuerySet[JobEvent]) -> QuerySet[JobEvent]:
    return events.filter(new__in=ENDS).exclude(old=F("new"))


def _collect() -> None:
    """A notice for everybody whose jobs ended. Each event is read once, in one transaction with the
    cursor; what ended before the first run is nobody's news."""
    with transaction.atomic():
        cursor, new = EventCursor.objects.select_for_update().get_or_create(
            name=NAME,
            defaults={"event": JobEvent.objects.aggregate(last=Max("id"))["last"] or 0},
        )
        if new:
            return
        since = JobEvent.objects.filter(id__gt=cursor.event, at__lt=clock.now() - SETTLED)
        last = list(since.order_by("id").values_list("id", flat=True)[:AT_ONCE])
        if not last:
            return
        ends = _ends_among(since.filter(id__lte=last[-1], job__owner__mail_when_ready=True))
        firsts: dict[tuple[int, int], ReadyNotice] = {}
        for pk, at, team, owner in ends.order_by("id").values_list(
            "id", "at", "team_id", "job__owner_id"
        ):
            notice = ReadyNotice(team_id=team, user_id=owner, event=pk, since=at)
            firsts.setdefault((team, owner), notice)
        ReadyNotice.objects.bulk_create(firsts.values(), ignore_conflicts=True)
        EventCursor.objects.filter(pk=cursor.pk, event=cursor.event).update(event=last[-1])


def _settle(notice: ReadyNotice) -> bool:
    """Whether a mail was written for `notice`. It goes when it was, or when it needs none; else it
    waits."""
    now, user = clock.now(), notice.user
    if presence.is_here(user.pk) or not _wants(notice):
        notice.delete()
        return False
    seen = UserSession.objects.filter(user=user).aggregate(last=Max("last_seen_at"))["last"]
    if seen is not None and seen >= notice.since and not _begin_after(notice, seen):
        return False
    if now - notice.since < AWAY:
        return False
    under_way = notice.team.jobs.filter(owner=user).exclude(state__in=TERMINAL).exists()
    if under_way and now - notice.since < LONGEST_WAIT:
        return False
    with transaction.atomic():
        gone, _each = ReadyNotice.objects.filter(pk=notice.pk, event=notice.event).delete()
        if not gone:  # another worker was first
            return False
        _write(notice)
    return True


def _begin_after(notice: ReadyNotice, seen: datetime) -> bool:
    """The person looked at `seen`: `notice` begins with what ended after that; False, and it is
    gone, when nothing did."""
    unseen = _ends(notice).filter(at__gt=seen).order_by("id").first()
    if unseen is None:
        notice.delete()
        return False
    notice.event, notice.since = unseen.pk, unseen.at
    notice.save(update_fields=["event", "since"])
    return True


def _wants(notice: ReadyNotice) -> bool:
    user = notice.user
    if not (user.mail_when_ready and user.is_active and user.email):
        return False
    return Membership.objects.filter(team=notice.team_id, user=user).exists()


def _ends(notice: ReadyNotice) -> QuerySet[JobEvent]:
    """The ends that `notice` is about. From its event on, so what was made before costs nothing."""
    events = JobEvent.objects.filter(team=notice.team_id, id__gte=notice.event)
    return _ends_among(events.filter(job__owner=notice.user_id))


def _write(notice: ReadyNotice) -> None:
    team = notice.team
    keys = list(_ends(notice).values_list("job_id", flat=True).distinct())
    told = Job.objects.filter(pk__in=keys, deletion=None, erased_at=None)
    jobs = list(told.filter(state__in=ENDS).order_by("-id"))
    ready = [job for job in jobs if job.state == State.SUCCEEDED]
    failed = [job for job in jobs if job.state == State.FAILED]
    n, m = len(ready), len(failed)
    if not jobs:  # deleted meanwhile, or under way again
        return
    parts = [
        ngettext("%(n)s video is ready", "%(n)s videos are ready", n) % {"n": n} if n else "",
        ngettext("%(n)s failed", "%(n)s failed", m) % {"n": m} if m else "",
    ]
    said = ", ".join(part for part in parts if part)
    lines = [f"{team.name}: {said}.", ""]
    for job in [*failed, *ready][:LISTED]:
        job.team = team
        lines.append(_line(job))
    if n + m > LISTED:
        lines.append(_("… and %(n)s more") % {"n": n + m - LISTED})
    board = settings.PUBLIC_URL + reverse("jobs:board", args=[team.slug])
    why = _(
        "You get this mail because no page of the site was open. Your profile changes it: %(url)s"
    )
    profile = settings.PUBLIC_URL + reverse("profile")
    lines += ["", board, "", why % {"url": profile}, ""]
    body = "\n".join(lines)
    EmailMessage(f"Footlight: {said}"[:200], body, to=[notice.user.email]).send()


def _line(job: Job) -> str:
    title = " ".join(job.title.split())[:80]
    link = settings.PUBLIC_URL + job.get_absolute_url()
    if job.state == State.FAILED:
        return _("- failed: %(title)s\n  %(link)s") % {"title": title, "link": link}
    return _("- ready: %(title)s\n  %(link)s") % {"title": title, "link": link}
