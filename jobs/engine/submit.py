"""Send a job, once: addresses first, then the committed intent, then one POST.

What an error leads to stands in `submit_outcomes.TABLE`; `uncertain` settles what got no answer.
The only way to a second POST is the service's own list saying that the first made no task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from jobs.accounts import rate_limit
from jobs.accounts.clients import KeyedClient, client_for
from jobs.catalogue import entries
from jobs.common.states import Code, Outcome, State
from jobs.engine import media_urls, retry
from jobs.engine.submit_outcomes import Phase, TooLate, accepted, after_error
from jobs.engine.transitions import later, move
from jobs.models import Job
from jobs.modelstudio import WireError
from studio.common.leases import check_connection
from studio.common.translatable import EMPTY, phrase


@dataclass(frozen=True, slots=True)
class Order:
    """What the POST needs: `body` holds addresses that the service can fetch now."""

    client: KeyedClient
    body: dict[str, Any]


def submit(job: Job) -> None:
    """Send a QUEUED job: addresses first (harmless to repeat), then the intent, then one POST.
    Never a second one.

    Afterwards it is RUNNING, UNCERTAIN, FAILED, or QUEUED with the time of the next try. Moved when
    somebody else moved it first.
    """
    order = _prepare(job)
    if order is None:
        return
    if not rate_limit.take(job.account.root_id, "submit", model=job.model, rate=job.spec.rate):
        move(
            job,
            State.QUEUED,
            phrase("Waits for the account’s pace"),
            code=Code.BACKING_OFF,
            not_before=later(1),
        )
        return
    _send(job, order)


def _prepare(job: Job) -> Order | None:
    """Put the job's files where the service can fetch them; None when that failed and the job was
    moved accordingly. Nothing is sent, so every error may be tried again."""
    spec = job.spec
    try:
        client = client_for(job.account)
        model, inputs = job.account.deployed(job.model), media_urls.inputs_for(job)
        return Order(client, entries.body(spec, model, inputs, job.parameters))
    except Exception as error:
        after_error(job, Phase.PREPARE, error)
        return None


def _send(job: Job, order: Order) -> None:
    """Commit the intent, then POST once."""
    begun = timezone.now()
    move(
        job,
        State.SUBMITTING,
        phrase("Sending"),
        outcome=Outcome.SENDING,
        attempt=job.attempt + 1,
        submitting_at=begun,
        sentence=EMPTY,
        advice=EMPTY,
    )
    try:
        if timezone.now() - begun > retry.SEND_WITHIN:
            # A locked database, or a machine that slept: the list could not tell later which task
            # was made now.
            raise TooLate("TooLate", "the order was not sent in time")
        try:
            answer = order.client.submit(job.spec, order.body)
        finally:
            # The answer is worth money: a connection that was cut while we waited for it must not
            # lose it.
            check_connection()
    except WireError as error:
        after_error(job, Phase.SEND, error)
    else:
        accepted(job, answer, phrase("Accepted by the service"), Outcome.ACCEPTED)
