"""How right forecasts were: what was told at the click and at sending, beside what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.common.states import State
from jobs.models import Job
from studio.common import clock

RIGHT = 0.20


@dataclass(frozen=True, slots=True)
class Score:
    """Of `jobs` videos of a model and variant: the shares (0..1) whose waiting time, as estimated
    at the click and when the service took it, was within 20 % of the truth. None: nothing was
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
