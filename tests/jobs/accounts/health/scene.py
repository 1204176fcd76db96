"""Accounts in trouble, and the refusals that tell of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from jobs.models import Account, Lane
from jobs.modelstudio import AccountTrouble


def over(account: Account) -> Account:
    """The rest of the account and of its lanes has passed."""
    past = timezone.now() - timedelta(seconds=1)
    Account.objects.filter(pk=account.pk, paused_until__isnull=False).update(paused_until=past)
    Lane.objects.filter(account_id=account.root_id, paused_until__isnull=False).update(
        paused_until=past
    )
    return Account.objects.get(pk=account.pk)


def minutes(at: datetime | None) -> float:
    assert at is not None
    return (at - timezone.now()).total_seconds() / 60


def refusal(reason: str) -> AccountTrouble:
    return AccountTrouble("Code", "message", "r", 400, reason=reason)
