"""The drawing of a month's spend: a bar per day and the running sum. Numbers come out as SVG
attributes."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate

from jobs.billing.budget import BudgetStatus
from jobs.billing.prices import format_money
from jobs.models import LedgerEntry

LEFT, RIGHT = 64.0, 940.0
TOP, FLOOR = 32.0, 196.0  # of the running sum
BAR_TOP, BAR_FLOOR = 240.0, 286.0
# A limit much larger than what was spent would press the line flat; the meter beside the chart
# shows it anyway.
_LIMIT_SHOWN = 5


def chart_of(
    entries: QuerySet[LedgerEntry], month: date, standing: BudgetStatus, current: bool
) -> dict[str, Any] | None:
    """What templates/jobs/spending/parts/chart.html draws; None when nothing was settled. Days are
    UTC.

    What was settled after the month's end for a job of the month counts for its last day.
    """
    last = calendar.monthrange(month.year, month.month)[1]
    sums = [0] * last
    rows = (
        entries.order_by()
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .values("day")
        .annotate(settled=Sum("settled"))
    )
    for row in rows:
        place = last if row["day"] >= month.replace(day=last) else row["day"].day
        sums[place - 1] += row["settled"]
    if not any(sums):
        return None
    today = datetime.now(UTC).day if current else last
    limit = (
        standing.limit
        if current and standing.limit and standing.limit <= _LIMIT_SHOWN * standing.used
        else None
    )
    top = max(standing.used if current else standing.settled, limit or 0, max(sums), 1)
    high = max(*sums, 1)
    step = (RIGHT - LEFT) / last
    x = [LEFT + step * number for number in range(last + 1)]

    def y(micros: int) -> float:
        return FLOOR - (FLOOR - TOP) * micros / top

    days, line, running = [], [(x[0], FLOOR)], 0
    for number, settled in enumerate(sums[:today], 1):
        running += settled
        line.append((x[number], y(running)))
        height = (BAR_FLOOR - BAR_TOP) * max(settled, 0) / high
        days.append(
            {
                "day": month.replace(day=number),
                "settled": settled,
                "x": f"{x[number - 1] + step * 0.17:.1f}",
                "y": f"{BAR_FLOOR - height:.1f}",
                "width": f"{step * 0.66:.1f}",
                "height": f"{height:.1f}",
                "today": current and number == today,
            }
        )
    run = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in line)
    end_x, end_y = line[-1]
    currency, held = standing.currency, current and standing.held > 0
    return {
        "days": days,
        "run": run,
        "area": f"{run}V{FLOOR:.0f}H{LEFT:.0f}Z",
        "ticks": [
            {
                "y": f"{y(tick):.1f}",
                "text_y": f"{y(tick) + 4:.1f}",
                "label": format_money(tick, currency, _places(top)),
            }
            for tick in _ticks(top)
        ],
        "marks": [
            {"x": f"{(x[day - 1] + x[day]) / 2:.1f}", "label": day}
            for day in sorted({1, 5, 10, 15, 20, 25, last})
        ],
        "high": format_money(high, currency, _places(high)),
        "end_x": f"{end_x:.1f}",
        "end_y": f"{end_y:.1f}",
        "words_x": f"{end_x - 8:.1f}" if end_x > 400 else f"{end_x + 8:.1f}",
        "words_side": "end" if end_x > 400 else "start",
        "words_y": f"{end_y - 8:.1f}",
        "held_y": f"{y(standing.used):.1f}" if held else "",
        # Two words in one place would be none.
        "held_words_y": f"{y(standing.used) - 8:.1f}"
        if held and end_y - y(standing.used) > 18
        else "",
        "used": standing.used,
        "limit_y": f"{y(limit):.1f}" if limit else "",
        "limit_text_y": f"{y(limit) - 6:.1f}" if limit else "",
        "limit": limit,
        "settled": standing.settled,
    }


def _ticks(top: int) -> list[int]:
    """At most six round amounts from 0 to `top`."""
    step = 1
    while top // step > 5:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return list(range(0, top + 1, step))


def _places(micros: int) -> int:
    return 2 if micros >= 100_000 else 4
