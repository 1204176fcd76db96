"""Accounts of two teams, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from jobs.common.states import State
from jobs.models import Account, Job
from studio.models import User
from tests import makers
from tests.jobs.tinystudio import Service

THIRD = "sk-good-000000000ijkl"


ClientOf = Callable[[User], Client]


def made(
    account: Account, owner: User, service: Service, *keys: str, hours: float = 1.0, **fields: Any
) -> Job:
    """A task that `account` made `hours` ago, seen by `keys` at the service."""
    at = timezone.now() - timedelta(hours=hours)
    number = Job.objects.count()
    fields = {
        "state": State.RUNNING,
        "task_id": f"task-{number}",
        "submitted_at": at,
        "looked_at": at,
        "provider_status": "RUNNING",
        **fields,
    }
    job = makers.job(account.team, owner, account=account, **fields)
    service.seen[job.task_id] = set(keys)
    return job


def same(account: Account) -> int | None:
    return Account.objects.get(pk=account.pk).same_as_id
