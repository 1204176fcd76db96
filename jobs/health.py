"""How an account is: what trouble means for it, for how long it rests, and when it is well again."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.models import Account, Lane
from jobs.modelstudio import AccountTrouble

# After this long the next visit tries again; that is the recovery probe.
REST = {"key": timedelta(minutes=5), "arrears": timedelta(minutes=5), "quota": timedelta(minutes=15), "access": timedelta(minutes=15)}
SENTENCES = {
    "key": "The service refuses the API key of {account}. An admin can put a working one under Accounts; the key must be of the same region.",
    "arrears": "The account {account} has a payment due, so the service refuses work. Settle it in the Alibaba Cloud console.",
    "quota": "The free quota of {account} for {model} is used up, and the account is set to free use only. Change that in the console.",
    "access": "The account {account} may not use {model}. Activate the model in the Model Studio console.",
}


def trouble(account: Account, error: AccountTrouble, model: str) -> str:
    """Pause what is affected and return the sentence: a bad key or a debt stops the account, a quota only its model."""
    sentence = SENTENCES[error.reason].format(account=account.label, model=model)
    until = timezone.now() + REST[error.reason]
    if error.reason in ("key", "arrears"):
        Account.objects.filter(pk=account.pk).update(health=error.reason, health_text=sentence[:300], paused_until=until)
        account.health, account.paused_until = error.reason, until
    else:
        Account.objects.filter(pk=account.pk).update(health=error.reason, health_text=sentence[:300])
        Lane.objects.filter(account=account, model=model).update(paused_until=until, paused_text=sentence[:300])
    return sentence


def works(account: Account) -> None:
    """The service answered as it should: whatever was wrong is over. Writes only when something changes."""
    if account.health != Account.Health.OK or account.paused_until is not None:
        Account.objects.filter(pk=account.pk).update(health=Account.Health.OK, health_text="", paused_until=None)
        account.health, account.paused_until = Account.Health.OK, None
