"""When it will be ready: place in line, start and ready times with a range, and how right they
were.

A forecast plays the lane forward: the tasks that are out, then what waits in the order of
`fair_share`, each for as long as its kind took lately (`speed`). The range runs from the median to
nine of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING

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


def began(job: Job) -> datetime:
    """When the service began, as far as we know."""
    return job.provider_started_at or job.submitted_at or job.submitting_at or clock.now()


def usual(job: Job) -> tuple[float, float] | None:
    """(median, nine of ten) seconds that such a job took lately; None when nothing was learned."""
    known = speed.speed_of(job)
    length = max(1.0, job.seconds)
    return (known.median * length, known.p90 * length) if known.learned else None


def _work(account: Account, model: str, variant: str, milliseconds: int) -> tuple[float, float]:
    known = speed.speed(account, model, variant)
    length = max(1.0, milliseconds / 1000)
    return known.median * length + HANDOVER, known.p90 * length + HANDOVER


def _work_of(job: Job) -> tuple[float, float]:
    return _work(job.account, job.model, job.variant, job.milliseconds)


def _left(job: Job, now: datetime) -> tuple[float, float]:
    """(median, nine of ten) seconds of work that a task which is out still needs."""
    middle, p90 = _work_of(job)
    if (
        job.provider_started_at is None
        and State(job.state) is State.RUNNING
        and job.provider_status == "PENDING"
    ):
        return middle, p90  # it has not begun
    elapsed = max(0.0, (now - began(job)).total_seconds())
    return max(1.0, middle - elapsed), max(1.5, p90 - elapsed)


def left(job: Job, now: datetime) -> float:
    """Seconds of work that a task which is out still needs (median)."""
    return _left(job, now)[0]


# What a forecast reads of a job: the rest, read for every job of a long line, was half of what an
# order costs.
_COLUMNS = (
    "account",
    "code",
    "lane",
    "milliseconds",
    "model",
    "owner",
    "provider_started_at",
    "provider_status",
    "rank",
    "state",
    "submitted_at",
    "submitting_at",
    "team",
    "variant",
)


def _open_rows(lane_ids: Iterable[int]) -> QuerySet[Job]:
    states = (State.QUEUED, *OUT)
    found = Job.objects.filter(lane__in=set(lane_ids), state__in=states)
    return found.only(*_COLUMNS).order_by("id")


def _open(lane_ids: Iterable[int]) -> list[Job]:
    return list(_open_rows(lane_ids).select_related("account", "lane", "lane__account")[:MOST])


def _open_in(lane: Lane) -> list[Job]:
    """The same of one lane (with its account), whose row is read already."""
    jobs = list(_open_rows([lane.pk])[:MOST])
    accounts = {lane.account_id: lane.account}
    others = {job.account_id for job in jobs} - set(accounts)
    if others:
        accounts |= Account.objects.in_bulk(others)
    for job in jobs:
        job.lane, job.account = lane, accounts[job.account_id]
    return jobs


def places(
    open_jobs: Iterable[Job], weight: dict[tuple[int, int], int] | None = None
) -> dict[int, Place]:
    """Place of every job among `open_jobs`, which are the open jobs of whole lanes with lane,
    lane.account and account."""
    now = clock.now()
    jobs = list(open_jobs)
    if weight is None:
        people = {job.owner_id for job in jobs if job.state == State.QUEUED}
        weight = (
            fair_share.weights(people, {job.team_id for job in jobs}) if len(people) > 1 else {}
        )
    lanes: dict[int, list[Job]] = {}
    for job in jobs:
        lanes.setdefault(job.lane_id, []).append(job)
    found: dict[int, Place] = {}
    for queue in lanes.values():
        found |= _play(queue, weight, now)
    return found


def _play(queue: list[Job], weight: dict[tuple[int, int], int], now: datetime) -> dict[int, Place]:
    lane = queue[0].lane
    line, found = _Line(), {}
    out = sorted(
        (job for job in queue if State(job.state) in OUT),
        key=lambda job: (job.submitted_at or now, job.pk),
    )
    for job in out:
        left, late = _left(job, now)
        starts = began(job) if not line.count else now + timedelta(seconds=line.seconds)
        line.add(left, late)
        found[job.pk] = Place(
            0,
            line.count - 1,
            starts,
            now + timedelta(seconds=line.seconds),
            now + timedelta(seconds=line.late),
        )
    paused = _paused(lane, now)
    wait = [
        job for job in queue if State(job.state) is State.QUEUED and job.code != Code.NEEDS_TEMPLATE
    ]
    for job in fair_share.in_order(lane, wait, weight):
        found[job.pk] = _next(line, _work_of(job), paused or _paused(job.account, now), now)
    for job in queue:
        if job.code == Code.NEEDS_TEMPLATE and State(job.state) is State.QUEUED:
            found[job.pk] = _next(line, _work_of(job), True, now)  # its template's lane decides
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
    for job in _open_in(lane):
        if job.code != Code.NEEDS_TEMPLATE:
            whole.add(*(_left(job, now) if State(job.state) in OUT else _work_of(job)))
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
        before.account, before.model, [(before.variant, before.milliseconds)], user
    )[0]
    found = next_places(account, model, [(variant, milliseconds)], user, lane=lane)[0]
    return found.later(maker.ready_at - clock.now() if maker.ready_at is not None else None)


def next_places(
    account: Account,
    model: str,
    films: Sequence[tuple[str, int]],
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
    if lane is None:
        line, paused = _Line(), _paused(account, now)
        return [
            _next(line, _work(account, model, variant, milliseconds), paused, now)
            for variant, milliseconds in films
        ]
    queue = _open_in(lane)
    newest = max((job.pk for job in queue), default=0)
    mine = []
    for number, (variant, milliseconds) in enumerate(films, 1):
        job = Job(
            pk=newest + number,
            lane=lane,
            account=account,
            owner=user,
            model=model,
            variant=variant,
            milliseconds=milliseconds,
        )
        job.state, job.rank, job.team_id = (
            State.QUEUED,
            fair_share.usual_rank(milliseconds),
            account.team_id,
        )
        mine.append(job)
    found = places([*queue, *mine])
    return [found[job.pk] for job in mine]


# ── how right it was ──────────────────────────────────────────────────────────────────────────────

RIGHT = 0.20


@dataclass(frozen=True, slots=True)
class Score:
    """Of `jobs` films of a model and variant: the shares (0..1) whose waiting time, as estimated at
    the click and when the service took it, was within 20 % of the truth. None: nothing was
    estimated."""

    model: str
    variant: str
    jobs: int
    click_within: float | None
    sent_within: float | None


def score(days: int = 30) -> list[Score]:
    """How right the forecasts of the last `days` were, by model and variant; the newest 5,000 jobs
    count."""
    since = clock.now() - timedelta(days=days)
    done = Job.objects.filter(state=State.SUCCEEDED, finished_at__gte=since, adopted=False)
    rows = done.order_by("-id").values_list(
        "model",
        "variant",
        "created_at",
        "submitted_at",
        "forecast_ready_at",
        "forecast_at_submit",
        "provider_ended_at",
        "finished_at",
    )[:5000]
    sums: dict[tuple[str, str], list[list[bool]]] = {}
    for model, variant, created, sent, at_click, at_sending, ended, finished in rows:
        group = sums.setdefault((model, variant), [[], [], []])
        group[2].append(True)
        end = ended or finished or created
        if at_click is not None:
            group[0].append(_right(at_click, created, end))
        if at_sending is not None and sent is not None:
            group[1].append(_right(at_sending, sent, end))
    return [
        Score(
            model,
            variant,
            len(group[2]),
            *(sum(part) / len(part) if part else None for part in group[:2]),
        )
        for (model, variant), group in sorted(sums.items())
    ]


def _right(estimate: datetime, since: datetime, end: datetime) -> bool:
    truth = (end - since).total_seconds()
    return truth > 0 and abs((estimate - end).total_seconds()) <= RIGHT * truth
