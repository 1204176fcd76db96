"""Undo: what one click made is taken back, all of it, and nothing that was there before or that
somebody else waits for."""

from __future__ import annotations

import hashlib

from django.db import transaction

from jobs.common.states import TERMINAL, State
from jobs.engine import transitions
from jobs.models import Job, JobSet
from studio.common.translatable import Sentence, phrase, together
from studio.models import User


def makers_of(made: Job | JobSet) -> list[Job]:
    """The template jobs that the click on `made` made with it, each once; those of another click
    are not among them."""
    if isinstance(made, JobSet):
        rows = made.jobs.filter(needs__idempotency_key__startswith=key_of_set(made)).select_related(
            "needs__team"
        )
        return list({job.needs.pk: job.needs for job in rows if job.needs is not None}.values())
    maker = made.needs
    return (
        [maker]
        if maker is not None
        and made.idempotency_key
        and maker.idempotency_key == key_of(made.idempotency_key)
        else []
    )


def key_of(key: str) -> str:
    """The key of the template job that the click with `key` makes for its dance; "" without one."""
    return hashlib.sha256(f"template of {key}".encode()).hexdigest()[:40] if key else ""


def key_of_set(made: JobSet) -> str:
    """What the keys of the template jobs begin with that are made for a set."""
    return f"{made.public_id}-"


def held(made: Job | JobSet) -> int:
    """Micros that the click on `made` held, templates included."""
    jobs = list(made.jobs.all()) if isinstance(made, JobSet) else [made]
    return sum(job.quote_micros for job in [*jobs, *makers_of(made)])


def undo(job: Job, by: User) -> Sentence:
    """Cancel `job`, and the template that its click made for it alone; a sentence of what
    happened."""
    makers = makers_of(job)
    said = transitions.cancel(job, by)
    job.refresh_from_db(fields=["state"])
    if job.state == State.CANCELED and not all(drop(maker, by) for maker in makers):
        said = together(
            said,
            phrase("Its template was sent before and goes on; its own page says what can be done."),
        )
    return said


def drop(maker: Job, by: User) -> bool:
    """Cancel a template job that nobody waits for any more. False when it was sent and could not be
    stopped."""
    with transaction.atomic():
        # Whoever makes a dance that waits for it locks it too, so none joins in between.
        maker = (
            Job.objects.select_for_update(no_key=True, of=("self",))
            .select_related("team", "account")
            .get(pk=maker.pk)
        )
        if maker.needed_by.exclude(state__in=TERMINAL).exists() or State(maker.state) in TERMINAL:
            return True
        if maker.state == State.QUEUED:
            transitions.cancel(maker, by)
            return True
    transitions.cancel(maker, by)
    maker.refresh_from_db(fields=["state"])
    return maker.state == State.CANCELED
