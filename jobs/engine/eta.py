"""When it will be ready: place in line, start and ready times with a range.

A forecast plays the lane forward: the tasks that are out, then what waits in the order of
`fair_share`, each for as long as its kind took lately (`speed`). The range runs from the median to
nine of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import QuerySet

from jobs.common.states import OUT, Code, State
from jobs.engine import fair_share, speed
from jobs.models import Account, Job, Lane
from studio.common import clock

if TYPE_CHECKING:
    from studio.models import User

HANDOVER = 2.0  # seconds from the end of a task to the start of the next one at the service
MOST = 2000  # waiting jobs that are played through; beyond them nobody asks for minutes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job stands in its lane. `position` 0: at the service, 1: next. `ready_at` to
    `late_at` is the range (median and nine of ten). Times are forecasts, None when unknowable:
    nothing moves while a lane or account is paused."""

    position: int
    ahead: int
    starts_at: datetime | None
    ready_at: datetime | None
    late_at: datetime | None = None

    def later(self, by: timedelta | None) -> Place:
        """The same when something else has to be made first, which takes `by`; None: nobody knows
        how long."""
        if by is None or self.starts_at is None or self.ready_at is None or self.late_at is None:
            return Place(self.position, self.ahead, None, None, None)
        return Place(
            self.position, self.ahead, self.starts_at + by, self.ready_at + by, self.late_at + by
        )


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task that no job asks for yet; `milliseconds` of result."""

    account: Account
    model: str
    variant: str
    milliseconds: int
    lane: Lane | None = None


@dataclass(slots=True)
class _Line:
    """Seconds until the lane is free, as a sum of independent works: the mean adds up, the scatter
    by its square."""

    count: int = 0
    seconds: float = 0.0
    square: float = 0.0

    def add(self, middle: float, p90: float) -> None:
        self.count += 1
        self.seconds += middle
        self.square += max(0.0, p90 - middle) ** 2

    @property
    def late(self) -> float:
        return self.seconds + sqrt(self.square)


class OpenTask(NamedTuple):
    """What a forecast reads of an open job, or of one that is not made yet. An object of the table
    for every job of a long line was most of what an order costs."""

    pk: int
    account_id: int
    owner_id: int
    team_id: int
    model: str
    variant: str
    milliseconds: int
    rank: int
    state: str = State.QUEUED
    code: str = ""
    provider_status: str = ""
    provider_started_at: datetime | None = None
    submitted_at: datetime | None = None
    submitting_at: datetime | None = None


@dataclass(slots=True)
class _Works:
    """(median, nine of ten) seconds of work of jobs of these accounts; what was learned of a kind
    is looked up once."""

    accounts: Mapping[int, Account]
    _known: dict[tuple[int, str, str], speed.Speed] = field(default_factory=dict)

    def of(self, job: Job | OpenTask) -> tuple[float, float]:
        kind = (job.account_id, job.model, job.variant)
        known = self._known.get(kind)
        if known is None:
            known = speed.speed(self.accounts[job.account_id], job.model, job.variant)
            self._known[kind] = known
        length = max(1.0, job.milliseconds / 1000)
        return known.median * length + HANDOVER, known.p90 * length + HANDOVER


def began(job: Job | OpenTask) -> datetime:
    """When the service began, as far as we know."""
    return job.provider_started_at or job.submitted_at or job.submitting_at or clock.now()


def usual(job: Job) -> tuple[float, float] | None:
    """(median, nine of ten) seconds that such a job took lately; None when nothing was learned."""
    known = speed.speed_of(job)
    length = max(1.0, job.seconds)
    return (known.median * length, known.p90 * length) if known.learned else None


def _left(job: Job | OpenTask, work: tuple[float, float], now: datetime) -> tuple[float, float]:
    """(median, nine of ten) seconds that a task which is out still needs of its `work`."""
    if (
        job.provider_started_at is None
        and State(job.state) is State.RUNNING
        and job.provider_status == "PENDING"
    ):
        return work  # it has not begun
    middle, p90 = work
    elapsed = max(0.0, (now - began(job)).total_seconds())
    return max(1.0, middle - elapsed), max(1.5, p90 - elapsed)


def left(job: Job, now: datetime) -> float:
    """Seconds of work that a task which is out still needs (median)."""
    return _left(job, _Works({job.account_id: job.account}).of(job), now)[0]


def _open_rows(lane_ids: Iterable[int]) -> QuerySet[Job]:
    states = (State.QUEUED, *OUT)
    return Job.objects.filter(lane__in=set(lane_ids), state__in=states).order_by("id")


# What the places of jobs are worked out of.
_COLUMNS = ("lane", *OpenTask._fields[1:])


def _open(lane_ids: Iterable[int]) -> list[Job]:
    rows = _open_rows(lane_ids).only(*(name.removesuffix("_id") for name in _COLUMNS))
    return list(rows.select_related("account", "lane", "lane__account")[:MOST])


def _open_in(lane: Lane) -> tuple[list[OpenTask], dict[int, Account]]:
    """The same of one lane (with its account), whose row is read already; and the accounts of its
    jobs by id."""
    tasks = [
        OpenTask._make(row) for row in _open_rows([lane.pk]).values_list(*OpenTask._fields)[:MOST]
    ]
    accounts = {lane.account_id: lane.account}
    others = {task.account_id for task in tasks} - set(accounts)
    if others:
        accounts |= Account.objects.in_bulk(others)
    return tasks, accounts


def places(
    open_jobs: Iterable[Job], weight: dict[tuple[int, int], int] | None = None
) -> dict[int, Place]:
    """Place of every job among `open_jobs`, which are the open jobs of whole lanes with lane,
    lane.account and account."""
    now = clock.now()
    jobs = list(open_jobs)
    if weight is None:
        weight = _weights(jobs)
    works = _Works({job.account_id: job.account for job in jobs})
    lanes: dict[int, list[Job]] = {}
    for job in jobs:
        lanes.setdefault(job.lane_id, []).append(job)
    found: dict[int, Place] = {}
    for queue in lanes.values():
        found |= _play(queue[0].lane, queue, works, weight, now)
    return found


def _weights(jobs: Sequence[Job | OpenTask]) -> dict[tuple[int, int], int]:
    """Of the people who wait, where there are several."""
    people = {job.owner_id for job in jobs if job.state == State.QUEUED}
    return fair_share.weights(people, {job.team_id for job in jobs}) if len(people) > 1 else {}


def _play(
    lane: Lane,
    queue: Sequence[Job | OpenTask],
    works: _Works,
    weight: dict[tuple[int, int], int],
    now: datetime,
) -> dict[int, Place]:
    """The places of `queue`, all the open jobs of `lane`."""
    line, found = _Line(), {}
    out = sorted(
        (job for job in queue if State(job.state) in OUT),
        key=lambda job: (job.submitted_at or now, job.pk),
    )
    for job in out:
        left, late = _left(job, works.of(job), now)
        starts = began(job) if not line.count else now + timedelta(seconds=line.seconds)
        line.add(left, late)
        found[job.pk] = Place(
            0,
            line.count - 1,
            starts,
            now + timedelta(seconds=line.seconds),
            now + timedelta(seconds=line.late),
        )
    stands = _paused(lane, now)
    closed = {pk: stands or _paused(account, now) for pk, account in works.accounts.items()}
    wait = [job for job in queue if State(job.state) is State.QUEUED]
    for job in fair_share.in_order(
        lane, (job for job in wait if job.code != Code.NEEDS_TEMPLATE), weight
    ):
        found[job.pk] = _next(line, works.of(job), closed[job.account_id], now)
    for job in wait:
        if job.code == Code.NEEDS_TEMPLATE:
            found[job.pk] = _next(line, works.of(job), True, now)  # its template's lane decides
    return found


def _next(line: _Line, work: tuple[float, float], paused: bool, now: datetime) -> Place:
    ahead, starts = line.count, now + timedelta(seconds=line.seconds)
    line.add(*work)
    if paused:
        return Place(ahead + 1, ahead, None, None, None)
    return Place(
        ahead + 1,
        ahead,
        starts,
        now + timedelta(seconds=line.seconds),
        now + timedelta(seconds=line.late),
    )


def _paused(of: Lane | Account, now: datetime) -> bool:
    """Whether nothing can be said about the start because this row is paused, by trouble or by
    a person. A lane's jobs may use keys of several accounts, so each job is held by its own account
    besides."""
    return not of.sends or of.paused(now)


def place(job: Job) -> Place:
    """The place of one job that has not ended. At most MOST jobs of its lane are looked at."""
    now = clock.now()
    if State(job.state) is State.ARCHIVING or job.terminal:
        return Place(0, 0, began(job), now, now)
    found = places(_open([job.lane_id])).get(job.pk)
    return found or Place(MOST + 1, MOST, None, None, None)


def places_in(lane_ids: Iterable[int]) -> dict[int, Place]:
    """The place of every open job of these lanes, at most MOST."""
    return places(_open(lane_ids))


def line(account: Account, model: str) -> tuple[int, datetime | None]:
    """(jobs before a new one, when the lane would come to it if it went last)."""
    lane = (
        Lane.objects.filter(account_id=account.root_id, model=model)
        .select_related("account")
        .first()
    )
    if lane is None:
        return 0, None if _paused(account, clock.now()) else clock.now()
    now = clock.now()
    whole = _Line()
    tasks, accounts = _open_in(lane)
    works = _Works(accounts)
    for task in tasks:
        if task.code != Code.NEEDS_TEMPLATE:
            work = works.of(task)
            whole.add(*(_left(task, work, now) if State(task.state) in OUT else work))
    return whole.count, None if _paused(lane, now) or _paused(account, now) else now + timedelta(
        seconds=whole.seconds
    )


def next_place(
    account: Account,
    model: str,
    variant: str,
    milliseconds: int,
    user: User,
    *,
    lane: Lane | None = None,
    before: PlannedTask | None = None,
) -> Place:
    """The place that a job of `user` would get now. `before` is what has to be made first, in its
    own lane: a template."""
    if before is None:
        return next_places(account, model, [(variant, milliseconds)], user, lane=lane)[0]
    maker = next_places(
        before.account,
        before.model,
        [(before.variant, before.milliseconds)],
        user,
        lane=before.lane,
    )[0]
    found = next_places(account, model, [(variant, milliseconds)], user, lane=lane)[0]
    return found.later(maker.ready_at - clock.now() if maker.ready_at is not None else None)


def next_places(
    account: Account,
    model: str,
    videos: Sequence[tuple[str, int]],
    user: User,
    *,
    lane: Lane | None = None,
) -> list[Place]:
    """The places that several jobs of `user`, given as (variant, milliseconds), would get in one
    lane if they were made now."""
    now = clock.now()
    lane = (
        lane
        or Lane.objects.filter(account_id=account.root_id, model=model)
        .select_related("account")
        .first()
    )
    queue, accounts = _open_in(lane) if lane is not None else ([], {})
    newest = max((task.pk for task in queue), default=0)
    mine = [
        OpenTask(
            newest + number,
            account.pk,
            user.pk,
            account.team_id,
            model,
            variant,
            milliseconds,
            fair_share.usual_rank(milliseconds),
        )
        for number, (variant, milliseconds) in enumerate(videos, 1)
    ]
    works = _Works({**accounts, account.pk: account})
    if lane is None:
        line, paused = _Line(), _paused(account, now)
        return [_next(line, works.of(task), paused, now) for task in mine]
    tasks = [*queue, *mine]
    found = _play(lane, tasks, works, _weights(tasks), now)
    return [found[task.pk] for task in mine]
