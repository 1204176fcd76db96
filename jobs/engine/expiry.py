"""How long a video may still be fetched (24 h), and who is warned when half of that is over."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction

from jobs.accounts import mail
from jobs.common.errors import Moved
from jobs.common.states import Code, State
from jobs.engine import transitions
from jobs.models import Job, Lane
from studio.common import clock
from studio.common.translatable import Sentence, moment, phrase, plural_phrase, together, translated
from studio.models import Team

log = logging.getLogger("footlight.expiry")
LIFE = timedelta(hours=24)  # CONTRACT §8: task, result and address live that long after the end
ALARMS = (20, 12)  # hours; the later one first, so that a job which is past both is warned of once
MOST = 500  # alarms at one go
NAMED = 20  # videos named in one letter


def expires_at(job: Job) -> datetime:
    """When the service deletes its copy."""
    return (
        job.result_expires_at
        or (job.provider_ended_at or job.submitted_at or job.created_at) + LIFE
    )


def left(job: Job) -> timedelta | None:
    """How long the video may still be fetched, never below zero; None when the job is not being
    archived."""
    if job.state != State.ARCHIVING:
        return None
    return max(timedelta(0), expires_at(job) - clock.now())


def endangered(team: Team) -> list[Job]:
    """Videos of `team` that are not home half a day after their end, the most urgent first."""
    rows = team.jobs.filter(state=State.ARCHIVING, alarmed__gte=min(ALARMS)).order_by(
        "result_expires_at", "id"
    )
    return list(rows.select_related("account", "owner")[:50])


def alarm() -> int:
    """Tell owners and admins of what is still not here 12 and 20 hours after its end (or, where a
    person has to decide or the service cannot be asked, after its sending): one event per job and
    hour, one letter per team. Returns how many jobs they were warned of. Safe to run twice at once.
    """
    warned: dict[tuple[Team, int, str], list[Job]] = defaultdict(list)
    for hours in ALARMS:
        before = clock.now() - timedelta(hours=hours)
        # Neither may walk through all jobs that ever were: ids first, without joins and in no order
        # that another index has; uncertain ones are found by their lanes.
        waiting = Job.objects.filter(alarmed__lt=hours).values_list("pk", flat=True)
        late = waiting.filter(state=State.ARCHIVING, provider_ended_at__lte=before).order_by(
            "provider_ended_at"
        )
        undecided = waiting.filter(
            lane__in=Lane.objects.all(),
            state=State.UNCERTAIN,
            code=Code.SEVERAL_TASKS,
            submitting_at__lte=before,
        )
        # A task that works ends within three hours; one that nobody could ask about may have ended
        # long ago.
        unasked = waiting.filter(
            lane__in=Lane.objects.all(), state=State.RUNNING, submitted_at__lte=before
        )
        found = [
            *late[:MOST],
            *undecided.order_by("submitting_at")[:MOST],
            *unasked.order_by("submitted_at")[:MOST],
        ]
        for job in (
            Job.objects.filter(
                pk__in=found, state__in=(State.ARCHIVING, State.UNCERTAIN, State.RUNNING)
            )
            .select_related("team", "account")
            .order_by("result_expires_at", "id")
        ):
            if _note(job, hours):
                warned[job.team, hours, job.state].append(job)
    for (team, hours, state), about in warned.items():
        mail.notify(team, *_letter(state, hours, about))
    return sum(len(about) for about in warned.values())


def _note(job: Job, hours: int) -> bool:
    """One alarm in the timeline; False when somebody else was faster or the job has moved on."""
    if job.state == State.ARCHIVING:
        text = phrase(
            "%(hours)s hours after its end the video is not here yet; the service deletes its copy "
            "at %(time)s. The owners are told",
            hours=hours,
            time=_hour(expires_at(job)),
        )
    elif job.state == State.RUNNING:
        text = phrase(
            "%(hours)s hours after its sending the service has not said how it ended; a day after "
            "the end it deletes the video. The owners are told",
            hours=hours,
        )
    else:
        text = phrase(
            "%(hours)s hours after its sending it is still not known which task is this one; a "
            "person has to decide. The owners are told",
            hours=hours,
        )
    try:
        with transaction.atomic():
            if not Job.objects.filter(
                pk=job.pk, state=job.state, attempt=job.attempt, alarmed__lt=hours
            ).update(alarmed=hours):
                return False
            transitions.move(job, State(job.state), text, code=job.code, data={"alarm": hours})
    except Moved as moved:
        log.info("%s", moved)
        return False
    job.alarmed = hours
    return True


def _letter(state: str, hours: int, jobs: list[Job]) -> tuple[str, str]:
    """(subject, text)"""
    letter = {State.ARCHIVING: _endangered, State.RUNNING: _unasked}.get(State(state), _undecided)
    subject, text, advice = letter(hours, jobs)
    lines = [translated(_line(job, state)) for job in jobs[:NAMED]]
    if len(jobs) > NAMED:
        lines.append(translated(phrase("and %(n)s more", n=len(jobs) - NAMED)))
    return translated(subject), "\n".join([translated(text), "", *lines, "", translated(advice)])


def _endangered(hours: int, jobs: list[Job]) -> tuple[Sentence, Sentence, Sentence]:
    subject = plural_phrase(
        "The video “%(title)s” is in danger",
        "%(n)s videos are in danger",
        len(jobs),
        title=jobs[0].title,
    )
    text = plural_phrase(
        "This video was rendered %(hours)s hours ago and could not be brought home yet. "
        "The service deletes its copies 24 hours after their end; what is not home by then is "
        "lost, and it was paid.",
        "These videos were rendered %(hours)s hours ago and could not be brought home yet. "
        "The service deletes its copies 24 hours after their end; what is not home by then is "
        "lost, and it was paid.",
        len(jobs),
        hours=hours,
    )
    advice = phrase(
        "It is tried again by itself all the time. What helps: room on the disk, a storage that "
        "works, a network that reaches the service."
    )
    return subject, text, advice


def _unasked(hours: int, jobs: list[Job]) -> tuple[Sentence, Sentence, Sentence]:
    subject = plural_phrase(
        "The video “%(title)s” may be in danger",
        "%(n)s videos may be in danger",
        len(jobs),
        title=jobs[0].title,
    )
    text = plural_phrase(
        "This job was sent %(hours)s hours ago, and the service has not said yet how it ended. "
        "A day after the end it deletes the video, and it was paid.",
        "These jobs were sent %(hours)s hours ago, and the service has not said yet how they "
        "ended. "
        "A day after the end it deletes the video, and it was paid.",
        len(jobs),
        hours=hours,
    )
    advice = phrase(
        "It is asked again by itself all the time. What helps: a key of the connection that works, "
        "and a network that reaches the service."
    )
    return subject, text, advice


def _undecided(hours: int, jobs: list[Job]) -> tuple[Sentence, Sentence, Sentence]:
    subject = plural_phrase(
        "“%(title)s” waits for your decision",
        "%(n)s jobs wait for your decision",
        len(jobs),
        title=jobs[0].title,
    )
    text = plural_phrase(
        "This job was sent %(hours)s hours ago without an answer, and several tasks at the service "
        "could be it. "
        "After 24 hours the service forgets its tasks and their videos.",
        "These jobs were sent %(hours)s hours ago without an answer, and several tasks at the "
        "service could be theirs. "
        "After 24 hours the service forgets its tasks and their videos.",
        len(jobs),
        hours=hours,
    )
    return (
        subject,
        text,
        phrase(
            "Open the job and decide: one of the tasks is its own, or none is and it is sent again."
        ),
    )


def _line(job: Job, state: str) -> Sentence:
    """What the letter says of one of them."""
    title, account = job.title, job.account.label
    if state == State.ARCHIVING:
        until = phrase(
            "%(title)s (%(account)s): until %(time)s.",
            title=title,
            account=account,
            time=_hour(expires_at(job)),
        )
        return together(until, job.sentence)
    if state == State.RUNNING:
        return together(
            phrase("%(title)s (%(account)s).", title=title, account=account),
            job.account.health_text or job.sentence,
        )
    return phrase("%(title)s (%(account)s)", title=title, account=account)


def _hour(at: datetime) -> Sentence:
    return moment(at, "day time")
