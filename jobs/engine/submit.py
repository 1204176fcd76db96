"""Send a job, once: addresses first, then the committed intent, then one POST.

What an error leads to stands in `submit_outcomes.TABLE`; `uncertain` settles what got no answer.
The only way to a second POST is the service's own list saying that the first made no task.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jobs.accounts import rate_limit
from jobs.accounts.clients import KeyedClient, client_for
from jobs.catalogue import entries
from jobs.common.errors import Moved
from jobs.common.states import Code, Outcome, State
from jobs.engine import clock_check, late_answers, media_urls, restored, retry
from jobs.engine.submit_outcomes import Phase, TooLate, accepted, after_error
from jobs.engine.transitions import later, move
from jobs.models import Attempt, Job
from jobs.modelstudio import WireError
from studio.common import clock
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
    if restored.noticed():
        return  # it may have been sent already; its account waits from now on
    order = _prepare(job)
    if order is None:
        return
    if not rate_limit.take(job.account.root_id, "submit", model=job.model, rate=job.spec.rate):
        move(
            job,
            State.QUEUED,
            phrase("Waits for the connection’s pace"),
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
        clock_check.require_together(client)
        model, inputs = job.account.deployed(job.model), media_urls.inputs_for(job)
        return Order(client, entries.body(spec, model, inputs, job.parameters))
    except Exception as error:
        after_error(job, Phase.PREPARE, error)
        return None


def _send(job: Job, order: Order) -> None:
    """Commit the intent and what it is sent with, then POST once."""
    begun, client = clock.now(), order.client
    deadline = time.monotonic() + retry.SEND_WITHIN.total_seconds()
    move(
        job,
        State.SUBMITTING,
        phrase("Sending"),
        outcome=Outcome.SENDING,
        begins=Attempt(
            key_id=client.key_id,
            base_url=client.base_url,
            workspace=client.workspace,
            model_name=order.body["model"],
        ),
        attempt=job.attempt + 1,
        submitting_at=begun,
        sentence=EMPTY,
        advice=EMPTY,
    )

    def still_timely() -> None:
        """After this the list could not tell any more which task was made now, and another visit
        may have sent the job again: a locked database, a slow network, a process that was stopped,
        or a machine that slept (which stops the monotonic clock)."""
        late = clock.now() - begun
        if time.monotonic() > deadline or not timedelta(0) <= late <= retry.SEND_WITHIN:
            raise TooLate("TooLate", "the order was not sent in time")

    try:
        still_timely()
        try:
            answer = client.submit(job.spec, order.body, still_timely)
        finally:
            # The answer is worth money: a connection that was cut while we waited for it must not
            # lose it.
            check_connection()
    except WireError as error:
        after_error(job, Phase.SEND, error)
        return
    try:
        accepted(job, answer, phrase("Accepted by the service"), Outcome.ACCEPTED)
    except Moved:
        late_answers.take(job, answer)
