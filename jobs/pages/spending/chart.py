"""The drawing of a month's spend: a bar per day and the running sum. Numbers come out as SVG
attributes."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet, Sum

from jobs.billing.limit_use import BudgetStatus
from jobs.models import DayBalance
from studio.common import formats

LEFT, RIGHT = 64.0, 940.0
TOP, FLOOR = 32.0, 196.0  # of the running sum
BAR_TOP, BAR_FLOOR = 240.0, 286.0
# A limit much larger than what was spent would press the line flat; the meter beside the chart
# shows it anyway.
_LIMIT_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Scale:
    """Micros and days in the chart's units. `x` has the left edge of every day of the month, and
    the right edge of the last; `top` is the amount at the upper edge."""

    x: list[float]
    step: float
    top: int
    high: int  # of the highest bar

    def y(self, micros: int) -> float:
        return FLOOR - (FLOOR - TOP) * micros / self.top


def chart_of(
    balances: QuerySet[DayBalance], month: date, status: BudgetStatus, now: date | None
) -> dict[str, Any] | None:
    """What templates/jobs/spending/parts/chart.html draws; None when nothing was settled. `now` is
    the team's day in the present month, None in another.

    What was settled after the month's end for a job of the month counts for its last day.
    """
    sums = _sums_by_day(balances, month)
    if not any(sums):
        return None
    last = len(sums)
    current = now is not None
    today = now.day if now is not None else last
    limit = (
        status.limit
        if current and status.limit and status.limit <= _LIMIT_SHOWN * status.used
        else None
    )
    step = (RIGHT - LEFT) / last
    scale = _Scale(
        x=[LEFT + step * number for number in range(last + 1)],
        step=step,
        top=max(status.used if current else status.settled, limit or 0, max(sums), 1),
        high=max(*sums, 1),
    )
    currency = status.currency
    return {
        "days": _bars(sums[:today], month, scale, today if current else 0),
        "ticks": _amounts(scale, currency),
        "marks": [
            {"x": f"{(scale.x[day - 1] + scale.x[day]) / 2:.1f}", "label": day}
            for day in sorted({1, 5, 10, 15, 20, 25, last})
        ],
        "high": formats.money_of(scale.high, currency, _places(scale.high)),
        "limit_y": f"{scale.y(limit):.1f}" if limit else "",
        "limit_text_y": f"{scale.y(limit) - 6:.1f}" if limit else "",
        "limit": limit,
        "used": status.used,
        "settled": status.settled,
    } | _line(sums[:today], scale, status.used if current and status.held > 0 else None)


def _sums_by_day(balances: QuerySet[DayBalance], month: date) -> list[int]:
    """Micros settled on each day of `month`."""
    last = calendar.monthrange(month.year, month.month)[1]
    sums = [0] * last
    for day, settled in balances.order_by().values_list("day").annotate(Sum("settled")):
        # Before the month: its first hours may have been another day in the zone of before.
        place = last if day >= month.replace(day=last) else day.day if day >= month else 1
        sums[place - 1] += settled
    return sums


def _bars(sums: list[int], month: date, scale: _Scale, today: int) -> list[dict[str, Any]]:
    """A bar per day; `today` is the number of the present day, 0 in a month that is over."""
    bars = []
    for number, settled in enumerate(sums, 1):
        height = (BAR_FLOOR - BAR_TOP) * max(settled, 0) / scale.high
        bars.append(
            {
                "day": month.replace(day=number),
                "settled": settled,
                "x": f"{scale.x[number - 1] + scale.step * 0.17:.1f}",
                "y": f"{BAR_FLOOR - height:.1f}",
                "width": f"{scale.step * 0.66:.1f}",
                "height": f"{height:.1f}",
                "today": number == today,
            }
        )
    return bars


def _amounts(scale: _Scale, currency: str) -> list[dict[str, str]]:
    """The amounts at the left edge."""
    return [
        {
            "y": f"{scale.y(tick):.1f}",
            "text_y": f"{scale.y(tick) + 4:.1f}",
            "label": formats.money_of(tick, currency, _places(scale.top)),
        }
        for tick in _ticks(scale.top)
    ]


def _line(sums: list[int], scale: _Scale, used: int | None) -> dict[str, str]:
    """The running sum, its end, and the words there. `used` is the sum with what is held; None when
    nothing is."""
    line, running = [(scale.x[0], FLOOR)], 0
    for number, settled in enumerate(sums, 1):
        running += settled
        line.append((scale.x[number], scale.y(running)))
    run = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in line)
    end_x, end_y = line[-1]
    held_y = None if used is None else scale.y(used)
    return {
        "run": run,
        "area": f"{run}V{FLOOR:.0f}H{LEFT:.0f}Z",
        "end_x": f"{end_x:.1f}",
        "end_y": f"{end_y:.1f}",
        "words_x": f"{end_x - 8:.1f}" if end_x > 400 else f"{end_x + 8:.1f}",
        "words_side": "end" if end_x > 400 else "start",
        "words_y": f"{end_y - 8:.1f}",
        "held_y": "" if held_y is None else f"{held_y:.1f}",
        # Two words in one place would be none.
        "held_words_y": f"{held_y - 8:.1f}" if held_y is not None and end_y - held_y > 18 else "",
    }


def _ticks(top: int) -> list[int]:
    """At most six round amounts from 0 to `top`."""
    step = 1
    while top // step > 5:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return list(range(0, top + 1, step))


def _places(micros: int) -> int:
    return 2 if micros >= 100_000 else 4
