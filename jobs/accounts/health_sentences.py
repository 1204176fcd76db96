"""What is said of an account or a lane that rests."""

from __future__ import annotations

from datetime import timedelta
from datetime import timezone as dt_timezone

from jobs.catalogue import entries
from jobs.common.dates import long_day
from jobs.models import Account
from studio.common import clock
from studio.common.translatable import Sentence, phrase, together

Health = Account.Health
CHINA = dt_timezone(timedelta(hours=8))  # the service's dates are of its own time zone
JOBS_WAIT = phrase("Waiting jobs are kept and go on by themselves once it works.")


def account_sentence(account: Account, reason: Account.Health) -> Sentence:
    if reason == Health.KEY:
        return phrase(
            "The service refuses the API key of %(account)s. Nothing is sent until a working one "
            "of the same region is there: add it under Connections.",
            account=account.label,
        )
    return phrase(
        "The Alibaba account of %(account)s has a payment due, so the service refuses work. "
        "Settle it in the Alibaba Cloud console.",
        account=account.label,
    )


def lane_sentence(model: str, reason: Account.Health) -> Sentence:
    """Lanes may be shared by rows of several teams, so these name no account."""
    says = {
        Health.QUOTA: phrase(
            "The free quota for %(model)s is used up, and the Alibaba account is set to free use "
            "only. Change that in the Model Studio console.",
            model=model,
        ),
        Health.BUDGET: phrase(
            "What the console allots to the Alibaba account for %(model)s is used up. Raise the "
            "quota or budget in the Model Studio console.",
            model=model,
        ),
        Health.ACCESS: phrase(
            "The Alibaba account may not use %(model)s. Activate the model in the Model Studio "
            "console, or give the key’s workspace the right to it.",
            model=model,
        ),
        Health.THROTTLED: phrase("The service asks to slow down with %(model)s.", model=model),
    }
    return says[reason]


def gone_sentence(model: str) -> Sentence:
    """What is said about a model that the service no longer offers, with its successors of the
    catalogue."""
    spec = entries.MODELS.get(model)
    says = phrase("The service does not offer %(model)s to this Alibaba account.", model=model)
    if spec is None:
        return says
    if spec.retires_at and spec.retired(clock.now()):
        date = long_day(spec.retires_at.astimezone(CHINA))
        says = phrase(
            "The service no longer offers %(model)s; it was to retire on %(date)s.",
            model=model,
            date=date,
        )
    names = [_named(name) for name in spec.successors]
    meanwhile = phrase("What waits is tried again now and then, and may be canceled for free.")
    if not names:
        return together(says, phrase("No other model does the same."), meanwhile)
    either = names[0]
    for name in names[1:]:
        either = phrase("%(one)s or %(other)s", one=either, other=name)
    return together(says, phrase("Its successor is %(models)s.", models=either), meanwhile)


def _named(model: str) -> str:
    spec = entries.MODELS.get(model)
    return (
        phrase("%(label)s (%(name)s)", label=spec.label, name=model) if spec is not None else model
    )
