"""A bill that is not the quote: what the service says it made is longer, shorter or of another kind
than what was ordered, by more than it rounds."""

from __future__ import annotations

from decimal import Decimal

from jobs.accounts import mail
from jobs.models import Job
from studio.common.translatable import EMPTY, Sentence, phrase, translated

ROUNDED = Decimal(1)  # seconds: some models bill whole ones
SHARE = Decimal("0.05")  # of the quoted length: what a film's last frames and its sound may add


def unlike(units: Decimal, quoted: Decimal) -> bool:
    """Whether a bill of `units` seconds is no bill of a film that was quoted as `quoted` seconds
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


def tell_of_bill(job: Job, odd: Sentence) -> None:
    """Mail the team's owners that `odd`: money went that was not shown before."""
    subject = phrase("The bill of “%(title)s” is not its quote", title=job.title)
    why = phrase(
        "It is booked as billed. Compare it with the bill in the console of the account "
        "%(account)s; task %(task_id)s.",
        account=job.account.label,
        task_id=job.task_id,
    )
    mail.tell(job.team, translated(subject), f"{translated(odd)}\n\n{translated(why)}")
