"""What a job costs: the quote with its formula, what was billed, and the job's lines of the
ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from jobs.billing import prices
from jobs.models import Job, LedgerEntry
from jobs.pages import labels
from studio.common import formats


@dataclass(frozen=True, slots=True)
class CostPanel:
    """`amount` is what is held, settled, released or unclear, and `amount_word` says which.
    `settled` compares the bill with the quote, and is "" while there is no bill. The two sums are
    of the `lines`, in micros."""

    amount: str
    amount_word: str
    quote: str
    settled: str
    price_source: str
    lines: list[LedgerEntry]

    @classmethod
    def of(cls, job: Job) -> CostPanel:
        micros, word = labels.amount(job)
        return cls(
            labels.format_amount(micros, job.currency),
            word,
            _quote(job),
            _settled(job),
            _price_source(job),
            list(job.ledger.order_by("id")),
        )

    @property
    def sum_held(self) -> int:
        return sum(line.held for line in self.lines)

    @property
    def sum_settled(self) -> int:
        return sum(line.settled for line in self.lines)


def _quote(job: Job) -> str:
    if job.adopted:
        return _(
            "Imported: made elsewhere, so nothing was reserved; the service’s bill is what counts."
        )
    price = prices.Quote(job.quote_micros, Decimal(job.milliseconds) / 1000, job.price)
    return _("%(formula)s = %(sum)s quoted") % {
        "formula": price.formula,
        "sum": formats.money_of(job.quote_micros, job.currency),
    }


def _price_source(job: Job) -> str:
    price = job.price
    source = _("%(source)s, in force since %(day)s.") % {
        "source": price.source,
        "day": formats.written(price.effective_from, "day year"),
    }
    return source + (
        " " + _("Worked out from the price in the other currency.") if price.inferred else ""
    )


def _settled(job: Job) -> str:
    if job.settled_micros is None or job.billed_units is None:
        return ""
    billed = _("The service billed %(units)s s: %(sum)s.") % {
        "units": f"{job.billed_units:f}",
        "sum": formats.money_of(job.settled_micros, job.currency, 6),
    }
    if job.adopted:
        return billed
    apart = job.settled_micros - job.quote_micros
    if not apart:
        return billed + " " + _("That is the quote.")
    share = f"{abs(apart) / job.quote_micros * 100:.1f}" if job.quote_micros else "?"
    words = (
        _("%(share)s % more than quoted.") if apart > 0 else _("%(share)s % less than quoted.")
    ).replace("%(share)s", share)
    return billed + " " + words
