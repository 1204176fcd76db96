"""A bill that is not the quote: what the service says it made is longer, shorter or of another kind
than what was ordered, by more than it rounds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from jobs.accounts import mail
from jobs.catalogue import entries
from jobs.models import Job
from jobs.modelstudio import Task
from studio.common.translatable import EMPTY, Sentence, phrase, translated

ROUNDED = Decimal(1)  # seconds: some models bill whole ones
SHARE = Decimal("0.05")  # of the quoted length: what a video's last frames and its sound may add


@dataclass(frozen=True, slots=True)
class Bill:
    """What a task that succeeded cost: seconds, variant, and what the ledger notes. `odd` says in
    what it is not the quote, "" when it is."""

    units: Decimal
    variant: str
    note: Sentence
    odd: Sentence

    @property
    def terms(self) -> tuple[Decimal, str, Sentence]:
        """As a settlement takes them."""
        return self.units, self.variant, self.note


def bill_of(job: Job, task: Task) -> Bill:
    """The bill of `job`; what the service does not say is as it was quoted."""
    spec = job.spec
    billed = entries.billed_units(spec, task.usage)
    variant = (spec.variant.billed(task.usage) if spec.variant else "") or ""
    units = billed if billed is not None else Decimal(job.milliseconds) / 1000
    odd = unlike_quote(job, units, variant)
    note = odd or (
        EMPTY
        if billed is not None
        else phrase("The service did not say what it billed; the quoted length counts.")
    )
    return Bill(units, variant or job.variant, note, odd)


def unlike(units: Decimal, quoted: Decimal) -> bool:
    """Whether a bill of `units` seconds is no bill of a video that was quoted as `quoted` seconds
    long."""
    return abs(units - quoted) > max(ROUNDED, SHARE * quoted)


def unlike_quote(job: Job, units: Decimal, variant: str) -> Sentence:
    """In what the bill (`units` seconds of `variant`, "" when it names none) differs from the quote
    of `job`; "" when it does not, or when nothing was quoted."""
    if job.adopted:
        return EMPTY
    quoted = Decimal(job.milliseconds) / 1000
    if unlike(units, quoted):
        return phrase(
            "The service billed %(billed)s s, and %(quoted)s s were quoted.",
            billed=f"{units:.2f}",
            quoted=f"{quoted:.2f}",
        )
    if variant and variant != job.variant:
        return phrase(
            "The service billed %(billed)s, and %(quoted)s was quoted.",
            billed=variant,
            quoted=job.variant or "—",
        )
    return EMPTY


def notify_of_bill(job: Job, odd: Sentence) -> None:
    """Mail the team's owners that `odd`: money went that was not shown before."""
    subject = phrase("The bill of “%(title)s” is not its quote", title=job.title)
    why = phrase(
        "It is booked as billed. Compare it with the bill in the console of the Alibaba account of "
        "%(account)s; task %(task_id)s.",
        account=job.account.label,
        task_id=job.task_id,
    )
    mail.notify(job.team, translated(subject), f"{translated(odd)}\n\n{translated(why)}")
