"""How a job failed: what went wrong, whose fault it was, what to do, what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.common.states import FAULT_WORDS, State
from jobs.models import Job
from jobs.pages import labels
from studio.common import formats
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class FailurePanel:
    what: str
    whose_fault: str
    remedy: str
    cost: str

    @classmethod
    def of(cls, job: Job) -> FailurePanel | None:
        """None for a job that has not failed."""
        if job.state != State.FAILED:
            return None
        fault = FAULT_WORDS.get(job.fault)
        return cls(
            translated(job.sentence) or _("It did not work."),
            translated(fault) if fault is not None else _("Unknown"),
            _remedy(job),
            _cost(job),
        )


def _remedy(job: Job) -> str:
    if job.adopted and not job.advice:
        return _("Make it again where it was made, or here from its files.")
    return translated(job.advice) or _(
        "Run it again; if it fails once more, show the answer of the service to whoever runs "
        "this site."
    )


def _cost(job: Job) -> str:
    cost = labels.cost_sentence(job)
    if job.settled_micros or job.adopted:
        return cost
    given_back = _("The %(sum)s that were reserved went back.") % {
        "sum": formats.money_of(job.quote_micros, job.currency)
    }
    return f"{cost} {given_back}"
