"""A task whose end nobody saw: one rule for what it cost.

The service accepted it, so it may have been made and billed, whether it waited or was at work when
it was last seen. Until somebody has read the bill the quote counts, and the ledger says so. Only
the service's own word that a task failed or was canceled proves that it cost nothing.
"""

from __future__ import annotations

from decimal import Decimal

from jobs.common.states import Code
from jobs.engine.transitions import fail
from jobs.models import Job
from jobs.modelstudio import WireError
from studio.common.translatable import Sentence, phrase, together


def end_unseen(job: Job, error: WireError, text: Sentence) -> None:
    """FAILED with the code TASK_LOST, settled by its quote. `text` says why its end was not seen,
    and is the event of the job's history. Moved when the job went on meanwhile."""
    fail(
        job,
        Code.TASK_LOST,
        error,
        text=text,
        advice=phrase(
            "Make it again. Look at the bill in Alibaba’s console: when the task is not on it, ask "
            "whoever runs this site to give the amount back."
        ),
        settle=(Decimal(job.milliseconds) / 1000, job.variant, _note(job, text)),
    )


def _note(job: Job, text: Sentence) -> Sentence:
    """What the ledger says of the settlement: why it is the quote, and how it is corrected."""
    if not job.milliseconds:
        return together(
            text,
            phrase(
                "The task was made elsewhere and has no quote, so nothing is booked. If it is on "
                "the bill of Model Studio (task %(task_id)s), correct this with an adjustment.",
                task_id=job.task_id,
            ),
        )
    return together(
        text,
        phrase(
            "It may have been billed, so the quote counts. If the bill of Model Studio says "
            "otherwise (task %(task_id)s), correct this with an adjustment.",
            task_id=job.task_id,
        ),
    )
