"""What the tests of invariants stand on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs.billing import ledger
from jobs.engine import checks
from jobs.models import (
    Account,
    Attempt,
    Budget,
    Check,
    Job,
    JobEvent,
)
from studio.models import Team, User
from tests import files, makers
from tests.jobs.engine.invariants.findings import PATHS


@pytest.fixture(scope="session")
def video() -> bytes:
    return files.mp4(1.0, fps=25)


@pytest.fixture
def make(team: Team, creator: User, account: Account, video: bytes) -> Callable[..., Job]:
    """A job in any state, with everything that belongs to it there."""

    def made(state: str = "queued", path: tuple[str, ...] = (), **columns: Any) -> Job:
        now = timezone.now()
        if state in ("running", "archiving", "succeeded", "failed"):
            columns = {
                "task_id": f"task-{Job.objects.count()}",
                "submitted_at": now,
                "next_look_at": now,
            } | columns
        if state == "archiving":
            columns = {"result_expires_at": now + timedelta(hours=20)} | columns
        if state == "succeeded" and "result" not in columns:
            columns["result"] = makers.asset(
                team, "video", content=video + str(Job.objects.count()).encode()
            )
        job = makers.job(team, creator, account=account, state=state, **columns)
        if state in ("archiving", "succeeded"):
            Job.objects.filter(pk=job.pk).update(
                settled_micros=ledger.settle(job, Decimal("3.930"), job.variant)
            )
        elif state in ("failed", "canceled"):
            ledger.release(job)
        steps = path or PATHS[state]
        JobEvent.objects.bulk_create(
            JobEvent(team=team, job=job, old=old, new=new, text=new)
            for old, new in zip(("", *steps), steps, strict=False)
        )
        if job.task_id:
            Attempt.objects.create(job=job, number=1, began_at=now, task_id=job.task_id)
        job.refresh_from_db()
        return job

    return made


@pytest.fixture
def site(make: Callable[..., Job], team: Team, creator: User, account: Account) -> dict[str, Job]:
    found = {state: make(state) for state in PATHS}
    check = makers.check(makers.asset(team), account, state=Check.State.ASKING)
    with transaction.atomic():
        ledger.hold(check, checks.price(check.model, account), team, creator)
    Budget.objects.create(team=team, micros=10_000_000)
    return found
