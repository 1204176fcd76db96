"""What is known of a limit: how much it is, whose, and what is used of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from studio.models.people import User


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Where a budget stands in a month or day; `limit` None means that there is none."""

    currency: str
    limit: int | None
    held: int
    settled: int

    @property
    def used(self) -> int:
        return self.held + self.settled

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that counts for somebody. `member` None: it is the team's. `of_each`: nothing was set
    for the member themselves, so it is what each person has."""

    period: str
    member: User | None
    micros: int
    of_each: bool = False


@dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit and what is used of it in the period that began on `begins`."""

    limit: Limit
    begins: date
    status: BudgetStatus

    @property
    def left(self) -> int:
        return max(0, self.limit.micros - self.status.used)
