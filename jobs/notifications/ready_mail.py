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
from django.db.models import Max, QuerySet
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
# In which somebody who is here is noted (studio/teams/sign_ins.py: every four minutes).
AWAY = timedelta(minutes=5)
# As long as more is under way the mail waits for it, but not for ever.
LONGEST_WAIT = timedelta(hours=2)
LISTED = 20  # videos with their names in one mail
ENDS = (State.SUCCEEDED, State.FAILED)


def run() -> int:
    """Look at what ended since the last run, and write the mails that are due; how many."""
    _collect()
    sent = 0
    for notice in ReadyNotice.objects.select_related("team", "user").order_by("id")[:500]:
        try:
            sent += _settle(notice)
        except DatabaseError:
            raise
        except Exception:
            log.exception("person %s could not be told what is ready", notice.user_id)
    return sent


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
        events = list(
            JobEvent.objects.filter(id__gt=cursor.event, at__lt=clock.now() - SETTLED)
            .order_by("id")
            .values_list("id", "old", "new", "job_id", "at")[:AT_ONCE]
        )
        if not events:
            return
        ended = {job: at for _id, old, state, job, at in events if old != state and state in ENDS}
        owners = Job.objects.filter(
            pk__in=ended, owner__mail_when_ready=True, owner__is_active=True
        )
        since: dict[tuple[int, int], datetime] = {}
        for pk, team, owner in owners.values_list("pk", "team_id", "owner_id"):
            at = ended[pk]
            since[team, owner] = min(at, since.get((team, owner), at))
        ReadyNotice.objects.bulk_create(
            (ReadyNotice(team_id=t, user_id=o, since=at) for (t, o), at in since.items()),
            ignore_conflicts=True,
        )
        EventCursor.objects.filter(pk=cursor.pk, event=cursor.event).update(event=events[-1][0])


def _settle(notice: ReadyNotice) -> bool:
    """Whether a mail was written for `notice`. It goes when it was, or when it needs none; else it
    waits."""
    now, user = clock.now(), notice.user
    seen = UserSession.objects.filter(user=user).aggregate(last=Max("last_seen_at"))["last"]
    looked = presence.is_here(user.pk) or (seen is not None and seen >= notice.since)
    if looked or not _wants(notice):
        notice.delete()
        return False
    if now - notice.since < AWAY:
        return False
    under_way = notice.team.jobs.filter(owner=user).exclude(state__in=TERMINAL).exists()
    if under_way and now - notice.since < LONGEST_WAIT:
        return False
    with transaction.atomic():
        gone, _each = ReadyNotice.objects.filter(pk=notice.pk, since=notice.since).delete()
        if not gone:  # another worker was first
            return False
        _write(notice)
    return True


def _wants(notice: ReadyNotice) -> bool:
    user = notice.user
    if not (user.mail_when_ready and user.is_active and user.email):
        return False
    return Membership.objects.filter(team=notice.team_id, user=user).exists()


def _ended(notice: ReadyNotice, *states: State) -> QuerySet[Job]:
    # A little before the event, which is dated after the job.
    since = notice.since - timedelta(seconds=10)
    mine = notice.team.jobs.filter(owner=notice.user, state__in=states, finished_at__gte=since)
    return mine.order_by("-id")


def _write(notice: ReadyNotice) -> None:
    team = notice.team
    ready, failed = _ended(notice, State.SUCCEEDED), _ended(notice, State.FAILED)
    n, m = ready.count(), failed.count()
    if not n + m:  # deleted meanwhile
        return
    parts = [
        ngettext("%(n)s video is ready", "%(n)s videos are ready", n) % {"n": n} if n else "",
        ngettext("%(n)s failed", "%(n)s failed", m) % {"n": m} if m else "",
    ]
    said = ", ".join(part for part in parts if part)
    lines = [f"{team.name}: {said}.", ""]
    lines += [_line(job) for job in [*failed[:LISTED], *ready[:LISTED]][:LISTED]]
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
