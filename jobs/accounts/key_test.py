"""The test of a key with a call that costs nothing, and what it means (CONTRACT §1, §8).

A test calls out, so it runs before and outside of any transaction. A secret is never logged and
never part of a sentence. A service that does not answer is no refusal: the key is kept untested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.views.decorators.debug import sensitive_variables

from jobs import modelstudio
from jobs.accounts import health_rests
from jobs.accounts.endpoints import KeyRefused
from jobs.common import wakeup
from jobs.common.states import Code, State
from jobs.models import Account, Lane
from jobs.modelstudio import AccountTrouble, NoAnswer, NotSent, RetryLater, WireError
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase, quoted, together

# A person waits in front of the page, so less patience than a worker has.
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
# What the wire says when something answered that does not speak the service's language.
_NOT_THE_SERVICE = ("NotJson", "BadAnswer", "AnswerTooLong", "Redirected")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a free call with a key showed. `health` is UNTRIED when no answer came; then the key may
    still be good."""

    health: Account.Health
    sentence: Sentence


@sensitive_variables("secret")
def clean_secret(secret: str) -> str:
    secret = secret.strip()
    if secret.startswith("sk-sp-"):
        raise KeyRefused(
            phrase(
                "This is a Coding Plan key (sk-sp-). It cannot make videos. Make one in the Model "
                "Studio console, under API keys."
            )
        )
    if not re.fullmatch(r"[\x21-\x7e]{4,500}", secret):
        raise KeyRefused(
            phrase(
                "This is no API key: it is too short or too long, or has blanks or letters that a "
                "key never has. Copy it again from the console."
            )
        )
    return secret


@sensitive_variables("secret")
def try_secret(account: Account, secret: str) -> Trial:
    """Ask the service with `secret` for a task that cannot exist: free. KeyRefused when the key
    cannot be used at all."""
    try:
        client = modelstudio.Client(
            account.url,
            secret,
            workspace=account.workspace,
            private_ok=account.private_ok,
            connect=CONNECT_SECONDS,
            read=READ_SECONDS,
        )
    except ValueError as error:
        raise KeyRefused(quoted(str(error))) from None
    try:
        client.probe()
    except AccountTrouble as error:
        if error.reason == "key":
            region = account.get_region_display()
            raise KeyRefused(
                phrase(
                    "The service refuses this key. A key works only in the region where it was "
                    "made, and this connection is in "
                    "%(region)s (%(url)s). Copy the key again, or choose the key’s own region.",
                    region=region,
                    url=account.url,
                ),
                Account.Health.KEY,
            ) from None
        said = error.explain()
        sentence = _without(secret, together(said.sentence, said.advice))
        if error.reason == "access":
            raise KeyRefused(
                together(phrase("The service knows the key but does not let it in."), sentence),
                Account.Health.ACCESS,
            ) from None
        return Trial(Account.Health(error.reason), sentence)
    except (NotSent, NoAnswer, RetryLater) as error:
        if error.code in _NOT_THE_SERVICE and (error.status or 200) < 500:
            raise KeyRefused(_stranger(account)) from None
        return Trial(Account.Health.UNTRIED, _silent(account, error))
    except WireError:
        raise KeyRefused(_stranger(account)) from None
    return Trial(Account.Health.OK, EMPTY)


@sensitive_variables("secret")
def _without(secret: str, sentence: Sentence) -> Sentence:
    """A service that repeats the key in its answer does not bring it onto a page: then only the
    words are kept."""
    return quoted(sentence.replace(secret, "…")) if secret in sentence else sentence


def _stranger(account: Account) -> Sentence:
    return phrase(
        "Something answers at %(url)s, but it is not Model Studio. Check the address or leave it "
        "empty for the region’s own.",
        url=account.url,
    )


def _silent(account: Account, error: WireError) -> Sentence:
    if isinstance(error, RetryLater):
        return phrase("%(url)s is too busy to answer.", url=account.url)
    if isinstance(error, NotSent):
        return phrase(
            "%(url)s cannot be reached: %(message)s.", url=account.url, message=error.message
        )
    return phrase("%(url)s gave no answer that can be used.", url=account.url)


def untested(reason: Sentence) -> Sentence:
    """What is said when a key was stored although no answer came."""
    return together(
        phrase("The key is saved but not tested."), reason, phrase("Test it again later.")
    )


def record_trial(account: Account, trial: Trial) -> None:
    """Write down what a test of the key in use showed. A working account is no longer paused and
    its lanes are woken; one with a payment due stays so, for a test costs nothing and says nothing
    about that, but is tried again now."""
    account.refresh_from_db(
        fields=("health", "health_text", "paused_until", "troubles", "notified_at")
    )
    if trial.health == Account.Health.OK and account.health != Account.Health.ARREARS:
        lanes_of(account).update(paused_until=None)
        health_rests.well(account)
        return
    if trial.health != Account.Health.OK:
        account.health, account.health_text = trial.health, trial.sentence
    if trial.health in (Account.Health.OK, Account.Health.UNTRIED):
        account.paused_until = None
    account.save(update_fields=["health", "health_text", "paused_until"])
    if account.paused_until is None:
        retry_lanes(account)


def retry_lanes(account: Account) -> None:
    """What the lanes rested for may be over: they try again now."""
    lanes = lanes_of(account)
    account.jobs.filter(lane__in=list(lanes), state=State.QUEUED, code=Code.ACCOUNT_PAUSED).update(
        not_before=None
    )
    lanes.update(wakeups=F("wakeups") + 1, next_visit_at=clock.now(), paused_until=None)
    wakeup.wake_dispatcher_after_commit()


def lanes_of(account: Account) -> QuerySet[Lane]:
    return Lane.objects.filter(account_id__in={account.pk, account.root_id})
