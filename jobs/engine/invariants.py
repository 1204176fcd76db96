"""The promises as code: what must hold of every row and every file, whatever was killed when.

Each invariant reads one statement, row by row, so it needs little memory and sees one moment even
while the site works. It yields a sentence with the ids for everything that is broken; `manage.py
verify` prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from jobs.billing import prices
from jobs.billing.budget import month_of
from jobs.catalogue import entries
from jobs.common.states import MOVES, TERMINAL, Code, State
from jobs.models import Attempt, Budget, Check, Gate, Job, JobEvent, Lane, LedgerEntry, Price
from studio.files import file_store
from studio.media import MediaError, verify_video
from studio.models import Asset

CHUNK = 2000
HOLD, RELEASE, SETTLE = LedgerEntry.Kind.HOLD, LedgerEntry.Kind.RELEASE, LedgerEntry.Kind.SETTLE
SENDING_FOR = timedelta(minutes=10)
UNSEEN_FOR = timedelta(hours=1)
PAST_EXPIRY = timedelta(minutes=10)  # a last try may be under way
FORGOTTEN_FOR = timedelta(minutes=2)


@dataclass
class Report:
    """Sentences about what is broken, and how many things each invariant looked at."""

    broken: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)


class Tally:
    """How many things one invariant has looked at."""

    def __init__(self, deep: bool = False) -> None:
        self.seen = 0
        self.deep = deep


def broken(deep: bool = False) -> list[str]:
    """A sentence for every broken invariant; [] when all hold. `deep` decodes every film to its
    last frame."""
    return report(deep=deep).broken


def report(deep: bool = False) -> Report:
    """`broken()`, with what was looked at."""
    found = Report()
    for name, invariant in INVARIANTS.items():
        tally = Tally(deep)
        found.broken += invariant(tally)
        found.checked[name] = tally.seen
    return found


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────────


def one_job_per_task(tally: Tally) -> Iterator[str]:
    """No task belongs to two jobs, neither as the present one nor in an attempt of long ago."""
    jobs, attempts = Job._meta.db_table, Attempt._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            # A union of sets: a job and its own attempt name the same pair.
            f"SELECT task_id, COUNT(*) FROM (SELECT task_id, id AS job_id FROM {jobs} WHERE "  # noqa: S608
            "task_id <> '' "
            f"UNION SELECT task_id, job_id FROM {attempts} WHERE task_id <> '') pairs GROUP BY "
            "task_id HAVING COUNT(*) > 1"
        )
        twice = [task_id for task_id, _number in cursor.fetchall()]
    tally.seen = Job.objects.exclude(task_id="").count()
    for task_id in twice:
        names = (
            Job.objects.filter(Q(task_id=task_id) | Q(attempts__task_id=task_id))
            .distinct()
            .order_by("pk")
            .values_list("public_id", flat=True)
        )
        yield f"Task {task_id} belongs to {len(names)} jobs: {', '.join(names)}."


# ── money ─────────────────────────────────────────────────────────────────────────────────────────


def holds_of_jobs(tally: Tally) -> Iterator[str]:
    """A job that waits or is at the service holds its quote (an adopted one nothing); once the
    service is done it is settled or released, never both, holds nothing, and says the same as its
    ledger."""
    rows = (
        Job.objects.order_by("pk")
        .values_list(
            "pk", "public_id", "state", "adopted", "quote_micros", "settled_micros", "currency"
        )
        .annotate(
            _held=Sum("ledger__held"),
            _settled=Sum("ledger__settled"),
            _given=Sum("ledger__held", filter=Q(ledger__kind=HOLD)),
            _holds=Count("ledger", filter=Q(ledger__kind=HOLD)),
            _releases=Count("ledger", filter=Q(ledger__kind=RELEASE)),
            _settles=Count("ledger", filter=Q(ledger__kind=SETTLE)),
        )
    )
    for (
        _pk,
        name,
        word,
        adopted,
        quote,
        says,
        currency,
        held,
        settled,
        given,
        holds,
        releases,
        settles,
    ) in rows.iterator(CHUNK):
        tally.seen += 1
        state, held, settled, given = State(word), held or 0, settled or 0, given or 0
        unit = f"millionths {currency}"
        if holds != 1:
            yield f"Job {name} has {holds} holds in the ledger; it must have one."
        if releases and settles:
            yield f"Job {name} was both released and settled."
        if settles > 1:
            yield f"Job {name} was settled {settles} times."
        if settled != (says or 0):
            yield f"Job {name} says that it cost {says or 0} {unit}, and its ledger says {settled}."
        if state in TERMINAL or state is State.ARCHIVING:
            if held:
                yield f"Job {name} is {state} and still holds {held} {unit}."
            if state in (State.SUCCEEDED, State.ARCHIVING) and not settles:
                yield f"Job {name} is {state} and was never settled."
        elif held != given or settles or releases:
            yield (
                f"Job {name} is {state} and holds {held} of the {given} {unit} that were held "
                "for it."
            )
        elif holds == 1 and given != (0 if adopted else quote):
            yield (
                f"Job {name} is {state} and holds {given} {unit}; its quote is "
                f"{0 if adopted else quote}."
            )


def holds_of_checks(tally: Tally) -> Iterator[str]:
    """A check that is not answered holds the price of its present attempt; any other holds
    nothing."""
    rows = (
        Check.objects.order_by("pk")
        .values_list("pk", "public_id", "state")
        .annotate(
            _held=Sum("ledger__held"),
            _given=Sum("ledger__held", filter=Q(ledger__kind=HOLD, ledger__attempt=F("attempt"))),
        )
    )
    waits = (Check.State.WAITING, Check.State.ASKING, Check.State.UNCERTAIN)
    for _pk, name, state, held, given in rows.iterator(CHUNK):
        tally.seen += 1
        held, given = held or 0, given or 0
        if state in waits and held != given:
            yield (
                f"Check {name} is {state} and holds {held} of the {given} millionths that were "
                "held for it."
            )
        elif state not in waits and held:
            yield f"Check {name} is {state} and still holds {held} millionths."
    ended = (
        LedgerEntry.objects.filter(check_asked__isnull=False)
        .order_by()
        .values_list("check_asked__public_id", "attempt")
    )
    both = ended.annotate(
        _releases=Count("pk", filter=Q(kind=RELEASE)), _settles=Count("pk", filter=Q(kind=SETTLE))
    ).filter(_releases__gt=0, _settles__gt=0)
    for name, attempt, _releases, _settles in both:
        yield f"Attempt {attempt} of check {name} was both released and settled."


def settled_as_used(tally: Tally) -> Iterator[str]:
    """Every settlement is its units at its price version, rounded once."""
    rows = LedgerEntry.objects.filter(kind=SETTLE).order_by("pk")
    columns = (
        "pk",
        "job__public_id",
        "check_asked__public_id",
        "units",
        "settled",
        "currency",
        "price__micros",
        "price__currency",
    )
    for pk, job, check, units, settled, currency, micros, priced_in in rows.values_list(
        *columns
    ).iterator(CHUNK):
        tally.seen += 1
        what = f"Ledger entry {pk} of {f'job {job}' if job else f'check {check}'}"
        if units is None or micros is None:
            yield (
                f"{what} settles {settled} millionths without "
                f"{'units' if units is None else 'a price'}."
            )
            continue
        due = prices.amount(Price(micros=micros), units)
        if settled != due:
            yield f"{what} settles {settled} millionths; {units} units at {micros} are {due}."
        if currency != priced_in:
            yield f"{what} is in {currency}, and its price in {priced_in}."


def budgets_kept(tally: Tally) -> Iterator[str]:
    """Nothing was taken on that a limit had no room for. What is settled above its hold says why in
    its note (an adopted task, a bill larger than the quote) and is no breach; nor is what was taken
    before the limit was set or last changed."""
    changes = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Budget), action_flag=CHANGE
    )
    changed: dict[str, datetime] = dict(
        changes.order_by().values_list("object_id").annotate(_last=Max("action_time"))
    )
    for budget in Budget.objects.select_related("team", "member").iterator(CHUNK):
        since = max(budget.created_at, changed.get(str(budget.pk), budget.created_at))
        entries = LedgerEntry.objects.filter(team_id=budget.team_id, month__gte=month_of(since))
        if budget.member_id is not None:
            entries = entries.filter(member_id=budget.member_id)
        columns = (
            "month",
            "kind",
            "held",
            "settled",
            "created_at",
            "job__public_id",
            "check_asked__public_id",
        )
        rows = entries.order_by("month", "pk").values_list(*columns).iterator(CHUNK)
        for month, lines in groupby(rows, key=itemgetter(0)):
            yield from _within(budget, month, lines, since, tally)


def _within(
    budget: Budget, month: date, lines: Iterator[tuple[Any, ...]], since: datetime, tally: Tally
) -> Iterator[str]:
    used = excused = 0
    told = False
    for _month, kind, held, settled, at, job, check in lines:
        tally.seen += 1
        used += held + settled
        if kind != HOLD:
            excused += max(0, held + settled)
        elif held > 0 and at > since and used - excused > budget.micros and not told:
            told = True
            whose = f"{budget.member} in {budget.team}" if budget.member else str(budget.team)
            what = f"job {job}" if job else f"check {check}"
            yield (
                f"The limit of {whose} is {budget.micros} millionths, and {what} took "
                f"{month:%B %Y} to {used - excused}."
            )


# ── what was made ─────────────────────────────────────────────────────────────────────────────────


def results_are_whole(tally: Tally) -> Iterator[str]:
    """Every film of a job that succeeded lies in our storage, byte for byte as it was archived;
    every template is filed."""
    done = (
        Job.objects.filter(state=State.SUCCEEDED)
        .order_by("result_id", "pk")
        .select_related("result")
    )
    only = (
        "public_id",
        "model",
        "template_id",
        "result__file",
        "result__size",
        "result__sha256",
        "result__format",
    )
    last, why = 0, ""
    for job in done.only(*only).iterator(CHUNK):
        tally.seen += 1
        spec = entries.MODELS.get(job.model)
        if spec is not None and spec.kind is entries.Kind.TEMPLATE:
            if job.template_id is None:
                yield f"Job {job.public_id} succeeded and has no template."
            continue
        if job.result is None:
            yield f"Job {job.public_id} succeeded and has no film."
            continue
        if job.result.pk != last:  # the same content is stored once
            last, why = job.result.pk, _not_whole(job.result, deep=tally.deep)
        if why:
            yield f"The film of job {job.public_id} ({job.result.file.name}) {why}."


def _not_whole(film: Asset, *, deep: bool) -> str:
    """What is wrong with a stored film, as the end of a sentence; "" when it is whole."""
    try:
        size = default_storage.size(str(film.file.name))
        if size != film.size:
            return f"has {size} bytes instead of {film.size}"
        with file_store.local_copy(film) as path:
            if file_store.sha256_of(path) != film.sha256:
                return "has other bytes than were archived"
            if deep:
                verify_video(path)
    except FileNotFoundError:
        return "is not in the storage"
    except MediaError as error:
        return f"cannot be played to its end: {error}"
    except (
        Exception
    ) as error:  # a bucket has errors of its own kind, and one film must not hide the next
        return f"cannot be read ({type(error).__name__})"
    return ""


# ── nothing stands still, nothing skips ───────────────────────────────────────────────────────────


def nothing_is_stuck(tally: Tally) -> Iterator[str]:
    """Every job that has not ended is on somebody's list for the next minutes, or waits for a
    person or a time."""
    now = timezone.now()
    open_jobs = Job.objects.exclude(state__in=TERMINAL).order_by("pk")
    tally.seen = open_jobs.count()
    nobody = Q(lane__lease_until=None) | Q(lane__lease_until__lt=now)
    sending = open_jobs.filter(nobody, state=State.SUBMITTING, submitting_at__lt=now - SENDING_FOR)
    for name, at in sending.values_list("public_id", "submitting_at").iterator(CHUNK):
        yield (
            f"Job {name} has been sending since {at:%Y-%m-%d %H:%M:%S} and nobody visits its lane."
        )
    running = _awake(open_jobs.filter(state=State.RUNNING), now).annotate(
        _due=Coalesce("next_look_at", "looked_at", "submitted_at", "created_at")
    )
    for name, task_id, due in (
        running.filter(_due__lt=now - UNSEEN_FOR)
        .values_list("public_id", "task_id", "_due")
        .iterator(CHUNK)
    ):
        yield f"Job {name} (task {task_id}) should have been looked at on {due:%Y-%m-%d %H:%M:%S}."
    late = open_jobs.filter(state=State.ARCHIVING, result_expires_at__lt=now - PAST_EXPIRY)
    for name, at in late.values_list("public_id", "result_expires_at").iterator(CHUNK):
        yield f"Job {name} is still archiving, and its film expired on {at:%Y-%m-%d %H:%M:%S}."
    forgotten = Lane.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now), next_visit_at=None
    )
    forgotten = forgotten.filter(Q(last_visit_at=None) | Q(last_visit_at__lt=now - FORGOTTEN_FOR))
    unsettled = Q(state__in=(State.SUBMITTING, State.RUNNING)) | Q(
        state=State.UNCERTAIN, code=Code.NO_ANSWER
    )
    work = _awake(
        open_jobs.filter(
            unsettled
            | Q(state=State.QUEUED, code__in=(Code.NONE, Code.WAITING_TURN, Code.BACKING_OFF))
        ),
        now,
    )
    for name in (
        work.filter(lane__in=forgotten.order_by().values("pk"))
        .values_list("public_id", flat=True)
        .iterator(CHUNK)
    ):
        yield f"Job {name} has work to do, and its lane is not to be visited again."


def _awake(jobs: QuerySet[Job], now: datetime) -> QuerySet[Job]:
    """Of `jobs` those whose lane neither a person nor trouble keeps from working."""
    return jobs.exclude(
        Q(lane__gate=Gate.PAUSED)
        | Q(lane__account__gate=Gate.PAUSED)
        | Q(account__gate=Gate.PAUSED)
        | Q(lane__paused_until__gt=now)
        | Q(lane__account__paused_until__gt=now)
        | Q(account__paused_until__gt=now)
    )


def chains_are_whole(tally: Tally) -> Iterator[str]:
    """The events of a job tell every move from its creation to its present state, and only moves
    that are allowed."""
    rows = JobEvent.objects.order_by("job_id", "pk").values_list(
        "job_id", "pk", "old", "new", "job__public_id", "job__state", "job__adopted"
    )
    for _job, events in groupby(rows.iterator(CHUNK), key=itemgetter(0)):
        at = name = now = ""
        for _pk, event, old, new, name, state, adopted in events:
            tally.seen += 1
            wrong = _wrong_step(at, old, new, adopted)
            if wrong:
                yield f"Event {event} of job {name} {wrong}."
            at, now = new, state
        if at != now:
            yield f"Job {name} is {now}, and its last event says {at}."
    silent = Job.objects.filter(~Exists(JobEvent.objects.filter(job=OuterRef("pk")))).order_by("pk")
    for name in silent.values_list("public_id", flat=True).iterator(CHUNK):
        yield f"Job {name} has no events."


def _wrong_step(at: str, old: str, new: str, adopted: bool) -> str:
    if not at:
        first = State.RUNNING if adopted else State.QUEUED
        return (
            "" if not old and new == first else f"is its first and says {old or 'nothing'} → {new}"
        )
    if not old:
        return "" if new == at else f"notes {new} although the job was {at}"
    if old != at:
        return f"leaves {old} although the job was {at}"
    if old not in MOVES or new not in MOVES[State(old)]:
        return f"says {old} → {new}, which no job may do"
    return ""


INVARIANTS: dict[str, Callable[[Tally], Iterator[str]]] = {
    "tasks": one_job_per_task,
    "jobs": holds_of_jobs,
    "checks": holds_of_checks,
    "settlements": settled_as_used,
    "budget entries": budgets_kept,
    "results": results_are_whole,
    "open jobs": nothing_is_stuck,
    "events": chains_are_whole,
}
