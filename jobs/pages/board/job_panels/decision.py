"""What a person decides about a submit without an answer: which task of the service's list it is,
or that none was made."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.billing import prices
from jobs.common.states import Code, State
from jobs.engine import uncertain
from jobs.models import Job


@dataclass(frozen=True, slots=True)
class DecisionPanel:
    """`tasks` are the ids that it could be; `amount` is what is paid for one of them."""

    tasks: list[str]
    amount: str

    @classmethod
    def of(cls, job: Job) -> DecisionPanel | None:
        """None where there is nothing to decide."""
        if job.state != State.UNCERTAIN or job.code != Code.SEVERAL_TASKS:
            return None
        return cls(uncertain.candidates(job), prices.format_money(job.quote_micros, job.currency))
