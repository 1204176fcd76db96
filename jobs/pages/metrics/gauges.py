"""How the engine stands, for /metrics: a few statements whose cost does not grow with what has
ended, and Redis.

Jobs that have ended are not counted: that would read the whole history at every scrape. What they
cost stands in the ledger, and `manage.py verify` goes through all of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from redis.exceptions import RedisError

from jobs.billing import periods
from jobs.common import call_metrics, wakeup
from jobs.common.call_metrics import BUCKETS
from jobs.common.states import OUT, TERMINAL, Code, State
from jobs.models import Account, Balance, Check, Job, Lane, LedgerEntry, PauseState
from jobs.pages.metrics.web_gauges import of_the_web
from studio.models import Mail, Team

log = logging.getLogger("footlight.gauges")
OPEN = tuple(state for state in State if state not in TERMINAL)
LATE = timedelta(seconds=5)  # a lane that was due longer ago than this is late


def text() -> bytes:
    """Everything in Prometheus' text format. What cannot be asked right now is left out, and
    `footlight_up` says which."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape())
    return generate_latest(registry)


class _Scrape:
    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "footlight_up",
            "Whether the numbers of this part could be asked (1) or not (0).",
            labels=["part"],
        )
        for part, ask, trouble in (
            ("database", _of_the_database, DatabaseError),
            ("redis", _of_redis, RedisError),
        ):
            try:
                found = list(ask())
            except trouble as error:
                log.warning("metrics of %s: %s", part, error)
                up.add_metric([part], 0)
            else:
                up.add_metric([part], 1)
                yield from found
        yield up
        yield from of_the_web()


def _of_the_database() -> Iterator[Metric]:
    yield from _jobs()
    yield from _lanes()
    yield from _ledger()
    yield _mails()


def _mails() -> Metric:
    waiting = Mail.objects.filter(state=Mail.State.WAITING).count()
    return GaugeMetricFamily("footlight_mails_waiting", "Mails not sent yet.", value=waiting)


def _each(
    name: str, meaning: str, labels: list[str], values: dict[Any, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(
            [str(word) for word in (key if isinstance(key, tuple) else (key,))], value
        )
    return family


def open_jobs() -> QuerySet[Job]:
    """Jobs that have not ended, found through the lanes, so that the index (lane, state) is used
    and history costs nothing."""
    return Job.objects.order_by().filter(
        lane__in=Lane.objects.order_by().values("pk"), state__in=OPEN
    )


@dataclass
class _OpenJobs:
    """What `open_jobs` says, added up. Times are seconds."""

    by_state: Counter[tuple[str, str]] = field(default_factory=Counter)  # (model, state) → jobs
    oldest_wait: dict[str, float] = field(default_factory=dict)  # by model
    in_flight: Counter[str] = field(default_factory=Counter)  # by model
    uncertain: Counter[str] = field(default_factory=lambda: Counter({"list": 0, "person": 0}))
    to_archive: int = 0
    nearest_expiry: float | None = None


def _count_open_jobs() -> _OpenJobs:
    now, found = timezone.now(), _OpenJobs()
    rows = (
        open_jobs()
        .values("model", "state", "code")
        .annotate(n=Count("pk"), since=Min("created_at"), expires=Min("result_expires_at"))
    )
    for row in rows:
        model, state, number = row["model"], State(row["state"]), row["n"]
        found.by_state[model, state.value] += number
        if state is State.QUEUED:
            wait = (now - row["since"]).total_seconds()
            found.oldest_wait[model] = max(found.oldest_wait.get(model, 0.0), wait)
        elif state in OUT:
            found.in_flight[model] += number
        if state is State.UNCERTAIN:
            found.uncertain["person" if row["code"] == Code.SEVERAL_TASKS else "list"] += number
        if state is State.ARCHIVING:
            found.to_archive += number
            if row["expires"] is not None:
                left = (row["expires"] - now).total_seconds()
                nearest = found.nearest_expiry
                found.nearest_expiry = left if nearest is None else min(left, nearest)
    return found


def _jobs() -> Iterator[Metric]:
    found = _count_open_jobs()
    yield _each(
        "footlight_jobs", "Jobs that have not ended.", ["model", "state"], dict(found.by_state)
    )
    yield _each(
        "footlight_oldest_wait_seconds",
        "How long the oldest waiting job has waited.",
        ["model"],
        found.oldest_wait,
    )
    yield _each(
        "footlight_tasks_in_flight",
        "Jobs whose task is or may be at the service.",
        ["model"],
        dict(found.in_flight),
    )
    yield _each(
        "footlight_uncertain",
        "Jobs that were sent and got no answer, by what decides them.",
        ["settled_by"],
        dict(found.uncertain),
    )
    yield GaugeMetricFamily(
        "footlight_archive_backlog",
        "Videos that are still only at the service.",
        value=found.to_archive,
    )
    if found.nearest_expiry is not None:
        yield GaugeMetricFamily(
            "footlight_archive_nearest_expiry_seconds",
            "Until the service deletes the first of them.",
            value=found.nearest_expiry,
        )


def _lanes() -> Iterator[Metric]:
    now = timezone.now()
    leased = Q(lease_until__gt=now)
    due = Q(next_visit_at__lt=now - LATE) & (Q(lease_until=None) | Q(lease_until__lte=now))
    shut = (
        Q(pause_state=PauseState.PAUSED)
        | Q(account__pause_state=PauseState.PAUSED)
        | Q(paused_until__gt=now)
        | Q(account__paused_until__gt=now)
    )
    found = Lane.objects.aggregate(
        total=Count("pk"),
        late=Count("pk", filter=due),
        leased=Count("pk", filter=leased),
        paused=Count("pk", filter=shut),
        first=Min("next_visit_at", filter=due),
    )
    late = (now - found["first"]).total_seconds() if found["first"] else 0.0
    yield GaugeMetricFamily(
        "footlight_lanes", "Queues, one per connection and model.", value=found["total"]
    )
    yield GaugeMetricFamily(
        "footlight_lanes_late",
        f"Queues that were due more than {LATE.seconds} s ago and are visited by nobody.",
        value=found["late"],
    )
    yield GaugeMetricFamily(
        "footlight_lanes_latest_seconds", "How late the latest of them is.", value=late
    )
    yield GaugeMetricFamily(
        "footlight_lanes_paused",
        "Queues that send nothing: paused by a person, or resting.",
        value=found["paused"],
    )
    yield GaugeMetricFamily(
        "footlight_lanes_leased", "Queues that are visited right now.", value=found["leased"]
    )
    health = (
        Account.present.order_by()
        .values("health")
        .annotate(n=Count("pk"))
        .values_list("health", "n")
    )
    yield _each("footlight_accounts", "Model Studio connections.", ["health"], dict(health))


def _ledger() -> Iterator[Metric]:
    held: Counter[str] = Counter()
    # Only what is open can hold money; that nothing else does is for `manage.py verify` to prove.
    undecided = Check.objects.filter(
        state__in=(Check.State.WAITING, Check.State.ASKING, Check.State.UNCERTAIN)
    )
    for subject in (
        {"job__in": open_jobs().values("pk")},
        {"check_asked__in": undecided.order_by().values("pk")},
    ):
        for currency, micros in (
            LedgerEntry.objects.filter(**subject)
            .order_by()
            .values_list("currency")
            .annotate(Sum("held"))
        ):
            held[currency] += micros or 0
    settled: Counter[str] = Counter()
    # By team, as the index goes; a statement for each month that it is somewhere now.
    for month, zones in periods.months_now().items():
        spent = (
            Balance.objects.filter(team=OuterRef("pk"), month=month)
            .order_by()
            .values("team")
            .annotate(sum=Sum("settled"))
        )
        for currency, micros in (
            Team.objects.filter(time_zone__in=zones)
            .order_by()
            .annotate(spent=Subquery(spent.values("sum")))
            .values_list("currency", "spent")
        ):
            settled[currency] += micros or 0
    yield _each(
        "footlight_ledger_held_micros",
        "Money reserved for what has not ended, in millionths.",
        ["currency"],
        dict(held),
    )
    yield _each(
        "footlight_ledger_settled_month_micros",
        "Money charged this calendar month, in each team's time zone, in millionths.",
        ["currency"],
        dict(settled),
    )


def _of_redis() -> Iterator[Metric]:
    queues = list(settings.QUEUES)
    # Read by their keys: RQ's own counters would clean up, in the middle of a scrape.
    pipe = call_metrics.redis().pipeline(transaction=False)
    for name in map(wakeup.queue_name, queues):
        pipe.llen(f"rq:queue:{name}")
        pipe.zcard(f"rq:failed:{name}")
        pipe.zcard(f"rq:wip:{name}")
    pipe.exists(wakeup.WORKER_ALIVE)
    pipe.sunion([f"rq:workers:{wakeup.queue_name(name)}" for name in queues])
    *lengths, alive, workers = pipe.execute()
    for offset, name, meaning in (
        (0, "waiting", "wait in"),
        (1, "failed", "failed in"),
        (2, "running", "run from"),
    ):
        values = dict(zip(queues, lengths[offset::3], strict=True))
        yield _each(
            f"footlight_queue_{name}",
            f"Steps that {meaning} a queue of the bell.",
            ["queue"],
            values,
        )
    yield GaugeMetricFamily(
        "footlight_worker_alive", "A worker's heartbeat was heard lately.", value=int(bool(alive))
    )
    yield GaugeMetricFamily(
        "footlight_workers", "Worker processes that are registered.", value=len(workers)
    )
    yield from _calls(call_metrics.totals())


def _calls(counted: dict[str, float]) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "footlight_provider_calls",
        "Requests to Model Studio, by what came of them.",
        labels=["call", "outcome"],
    )
    seconds = HistogramMetricFamily(
        "footlight_provider_seconds", "How long requests to Model Studio took.", labels=["call"]
    )
    for name in sorted(counted):
        kind, _, rest = name.partition("|")
        if kind == "n":
            calls.add_metric(rest.split("|"), counted[name])
        elif kind == "s":
            below, buckets = 0.0, []
            for number, edge in enumerate((*(f"{edge:g}" for edge in BUCKETS), "+Inf")):
                below += counted.get(f"b|{rest}|{number}", 0.0)
                buckets.append((edge, below))
            seconds.add_metric([rest], buckets, sum_value=counted[name])
    yield calls
    yield seconds
