"""Whose turn it is: people take turns, each as often as their weight says, and one person's heap
buries nobody.

Start-time fair queueing: a lane has a clock, and each person who was served lately a time at which
their next turn is due (1 ÷ weight later). The earliest goes first; who comes anew begins at the
clock and owes nothing, nor may save turns up. Within a person test clips go first, then the oldest.
What an admin moved to the front goes before everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar

from django.db.models import Min, Q, QuerySet

from jobs.common.states import Code, Rank, State
from jobs.models import Job, Lane
from studio.models import Membership

SHORT_MS = 5000  # a test clip: judged soon, and over soon


class Turn(Protocol):
    """What is asked of a job to say whose turn it is."""

    @property
    def pk(self) -> int: ...
    @property
    def rank(self) -> int: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def team_id(self) -> int: ...


Waiting = TypeVar("Waiting", bound=Turn)


def usual_rank(milliseconds: int) -> Rank:
    return Rank.SHORT if milliseconds <= SHORT_MS else Rank.NORMAL


@dataclass(slots=True)
class Clock:
    """The turns of one lane as they stand; `serve` moves them on. Written back to the lane by
    whoever holds its lease."""

    now: float
    due: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, lane: Lane) -> Clock:
        return cls(lane.clock, {str(owner): float(at) for owner, at in lane.turns.items()})

    def start(self, owner: int) -> float:
        """When the next turn of `owner` begins."""
        return max(self.now, self.due.get(str(owner), 0.0))

    def serve(self, owner: int, weight: int) -> None:
        start = self.start(owner)
        self.now = start
        self.due[str(owner)] = start + 1 / max(1, weight)
        # Who is due again already is like somebody new: the list stays as short as the queue.
        self.due = {one: at for one, at in self.due.items() if at > self.now}


def waiting(lane: Lane) -> QuerySet[Job]:
    return Job.objects.filter(lane=lane, state=State.QUEUED).exclude(code=Code.NEEDS_TEMPLATE)


def ready(lane: Lane, now: datetime) -> QuerySet[Job]:
    """Jobs that may be sent now: their own wait is over and so is that of the account whose key
    they use."""
    free = Q(account__paused_until=None) | Q(account__paused_until__lte=now)
    due = Q(not_before=None) | Q(not_before__lte=now)
    agreed = Q(account__reconcile_from=None)
    return waiting(lane).filter(due & free & agreed).exclude(account__pause_state="paused")


def weights(owners: Iterable[int], team_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """(team, person) → turns, where it is not 1."""
    rows = Membership.objects.filter(
        user_id__in=set(owners), team_id__in=set(team_ids), turns__gt=1
    )
    return {(row.team_id, row.user_id): row.turns for row in rows}


def next_job(lane: Lane, now: datetime) -> int | None:
    """The id of the job whose turn it is; None when none may be sent."""
    heads = list(ready(lane, now).order_by().values("owner_id", "rank").annotate(first=Min("id")))
    front = [row["first"] for row in heads if row["rank"] == Rank.FRONT]
    if front:
        return int(min(front))
    if not heads:
        return None
    clock = Clock.of(lane)
    best: dict[int, tuple[int, int]] = {}
    for row in heads:
        head = (row["rank"], row["first"])
        best[row["owner_id"]] = min(best.get(row["owner_id"], head), head)
    return min((clock.start(owner), first) for owner, (_, first) in best.items())[1]


def served(lane: Lane, job: Job) -> None:
    """The turn of the job's owner was used: `lane` (whose lease the caller holds) remembers it."""
    clock = Clock.of(lane)
    clock.serve(
        job.owner_id, weights([job.owner_id], [job.team_id]).get((job.team_id, job.owner_id), 1)
    )
    lane.clock, lane.turns = clock.now, clock.due
    Lane.objects.filter(pk=lane.pk).update(clock=lane.clock, turns=lane.turns)


def in_order(
    lane: Lane, jobs: Iterable[Waiting], weight: dict[tuple[int, int], int]
) -> Iterator[Waiting]:
    """Waiting `jobs` of one lane in the order in which they will be sent, were all of them ready:
    the same rules as `next_job`, for forecasts."""
    clock = Clock.of(lane)
    queues: dict[int, list[tuple[int, int, Waiting]]] = {}
    front: list[tuple[int, Waiting]] = []
    for job in jobs:
        if job.rank == Rank.FRONT:
            front.append((job.pk, job))
        else:
            queues.setdefault(job.owner_id, []).append((job.rank, job.pk, job))
    for _, job in sorted(front, key=lambda pair: pair[0]):
        clock.serve(job.owner_id, weight.get((job.team_id, job.owner_id), 1))
        yield job
    for queue in queues.values():
        queue.sort(key=lambda entry: entry[:2], reverse=True)
    heap = [(clock.start(owner), queue[-1][1], owner) for owner, queue in queues.items()]
    heapify(heap)
    while heap:
        start, _, owner = heappop(heap)
        if start < clock.start(owner):  # the clock has moved on since
            heappush(heap, (clock.start(owner), queues[owner][-1][1], owner))
            continue
        job = queues[owner].pop()[2]
        clock.serve(owner, weight.get((job.team_id, owner), 1))
        yield job
        if queues[owner]:
            heappush(heap, (clock.start(owner), queues[owner][-1][1], owner))
