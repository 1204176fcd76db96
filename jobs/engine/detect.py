"""Ask the service for one check, once, and write down what it said.

The call is synchronous and has no id to ask after, so an answer that was lost is lost with its
money. A worker that died during the call leaves a lease that runs out; then the check is asked
again once, and the lost attempt is booked as paid, because the service bills every request that
reached it. A cut connection leaves the decision to a person.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from jobs.accounts import health, rate_limit
from jobs.accounts.clients import KeyedClient, NoKey, client_for
from jobs.billing import budget, ledger, prices
from jobs.catalogue import entries
from jobs.engine import media_urls, retry
from jobs.engine.checks import book_lost, price, wake_after_commit
from jobs.models import Check
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    RetryLater,
    Verdict,
    WireError,
    explain,
)
from studio.common import clock
from studio.common.leases import LEASE, renewing
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models import User

log = logging.getLogger("footlight.detect")
# codes that the wire gives to what was no answer of the service: a gateway’s page proves nothing
# about the bill
OUR_WORDS = ("NotJson", "BadAnswer", "AnswerTooLong", "Connection", "ReadTimeout", "Redirected")


def step(pk: int) -> None:
    """Ask the service once for check `pk` and write down what it said. Short, and may run twice."""
    check = Check.objects.select_related("account", "team", "asset").get(pk=pk)
    now = clock.now()
    if (
        check.state == Check.State.ASKING
        and check.lease_until is not None
        and check.lease_until < now
    ):
        _after_a_death(check)
        return
    if check.state != Check.State.WAITING or (check.not_before and check.not_before > now):
        return
    prepared = _prepare(check)
    if prepared is None:
        return
    client, body = prepared
    rate = entries.get(check.model).rate
    if not rate_limit.take(check.account.root_id, "submit", model=check.model, rate=rate):
        _later(check, Check.State.WAITING, RetryLater(message="our own pace"))
        return
    if Check.objects.filter(pk=pk, state=Check.State.WAITING, attempt=check.attempt).update(
        state=Check.State.ASKING,
        lease_until=clock.now() + LEASE,
        key=client.key_id,
        asked_at=clock.now(),
    ):
        _ask_service(check, client, body)


def _prepare(check: Check) -> tuple[KeyedClient, dict[str, Any]] | None:
    """The client and the request's body, with an address of the picture that the service can fetch;
    None when that failed and the check was moved accordingly. Nothing is asked yet."""
    spec = entries.get(check.model)
    if check.asset is None or check.asset.deletion_id:
        sentence = phrase("The picture was deleted before it could be checked.")
        _end(check, Check.State.WAITING, Check.State.FAILED, sentence=sentence)
        return None
    try:
        client = client_for(check.account)
        url = media_urls.address(check.asset, check.account, check.model)
    except NoKey as error:
        _end(check, Check.State.WAITING, Check.State.FAILED, sentence=error.sentence)
        return None
    except AccountTrouble as trouble:
        _account_trouble(check, Check.State.WAITING, trouble)
        return None
    except WireError as error:
        _later(check, Check.State.WAITING, error)
        return None
    except Exception:
        # A full disk, a bucket that is away, a secret that cannot be read: nothing was asked, so
        # nothing is lost by waiting.
        log.exception("check %s could not be handed over", check.public_id)
        away = NotSent("StorageAway", "Our own storage could not be read.")
        _later(check, Check.State.WAITING, away)
        return None
    inputs = {spec.inputs[0].name: url}
    return client, entries.body(spec, check.account.deployed(check.model), inputs, check.parameters)


def _ask_service(check: Check, client: KeyedClient, body: dict[str, Any]) -> None:
    """The one paid call of an attempt; the check is ASKING and its lease is ours."""
    try:
        # Longer than the call in any case, or a second worker would ask while the first still
        # waits.
        with renewing(lambda: _renew(check)):
            verdict = client.detect(entries.get(check.model), body)
    except (RetryLater, NotSent) as error:
        _later(check, Check.State.ASKING, error)
    except NoAnswer as error:
        _no_answer(check, error)
    except AccountTrouble as trouble:
        _account_trouble(check, Check.State.ASKING, trouble)
    except (MediaUnreachable, ModelGone, WireError) as error:
        words = error.explain()
        _end(
            check,
            Check.State.ASKING,
            Check.State.FAILED,
            sentence=together(words.sentence, words.advice),
            error=error,
        )
    else:
        _answered(check, verdict)


def _no_answer(check: Check, error: NoAnswer) -> None:
    status = error.status
    if status is not None and status >= 500 and not error.code.startswith(OUR_WORDS):
        # The service itself said that it failed; failed requests are not billed.
        _later(check, Check.State.ASKING, error)
        return
    log.warning("check %s got no answer: %s", check.public_id, error)
    _write(
        check,
        Check.State.ASKING,
        Check.State.UNCERTAIN,
        sentence=phrase(
            "Sent, and no answer came, so it may have been paid. It is not asked again by itself."
        ),
        code=error.code[:80],
        message=error.message,
    )


def _renew(check: Check) -> None:
    Check.objects.filter(pk=check.pk, state=Check.State.ASKING, attempt=check.attempt).update(
        lease_until=clock.now() + LEASE
    )


def _answered(check: Check, verdict: Verdict) -> None:
    """Keep the verdict and settle it. A pass without the boxes that the video needs is of no use,
    so it counts as refused."""
    lacking = sorted(_boxes(check.model) - set(verdict.facts)) if verdict.passed else []
    words = EMPTY if verdict.passed else _refusal(verdict)
    if lacking:
        words = phrase(
            "The service passed the picture but did not say where to look (%(names)s is missing). "
            "Use another picture.",
            names=", ".join(lacking),
        )
    with transaction.atomic():
        if _write(
            check,
            Check.State.ASKING,
            Check.State.PASSED if verdict.passed and not lacking else Check.State.REFUSED,
            facts=verdict.facts,
            code=verdict.code[:80],
            message=verdict.message,
            sentence=words,
            request_id=verdict.request_id[:80],
            answered_at=clock.now(),
        ):
            units = Decimal(1) if verdict.units is None else verdict.units
            if units:
                ledger.settle(check, units, "", attempt=check.attempt)
            else:
                ledger.release(
                    check, attempt=check.attempt, note=phrase("The service did not bill it.")
                )
    health.works(check.account)


def _boxes(check_model: str) -> set[str]:
    return {
        box.from_check
        for model in entries.MODELS.values()
        if model.check == check_model
        for box in model.inputs_of("box")
    }


def _refusal(verdict: Verdict) -> Sentence:
    words = explain(verdict.code, verdict.message)
    return together(words.sentence, words.advice)


def _after_a_death(check: Check) -> None:
    """The worker died while it asked. Once we ask again ourselves; after that a person decides."""
    if check.attempt >= 2:
        text = phrase(
            "It was sent again, and this answer was lost too. It is not asked again by itself."
        )
        _write(check, Check.State.ASKING, Check.State.UNCERTAIN, sentence=text)
        return
    with transaction.atomic():
        ledger.lock(check.team)
        changed = Check.objects.filter(
            pk=check.pk,
            state=Check.State.ASKING,
            attempt=check.attempt,
            lease_until=check.lease_until,
        ).update(
            state=Check.State.WAITING, attempt=check.attempt + 1, lease_until=None, not_before=None
        )
        if changed:
            book_lost(check)
            check.refresh_from_db()
            try:
                ledger.hold(
                    check,
                    price(check.model, check.account),
                    check.team,
                    check.asked_by or _owner(check),
                    attempt=check.attempt,
                )
            except (budget.OverBudget, prices.NoPrice) as over:
                Check.objects.filter(pk=check.pk).update(
                    state=Check.State.FAILED, sentence=over.sentence
                )
                return
            wake_after_commit(check)


def _owner(check: Check) -> User:
    return check.team.memberships.filter(role="owner").select_related("user")[0].user


def _later(check: Check, old: str, error: WireError) -> None:
    """Nothing was created and nothing paid: try again soon, at most `retry.CHECK_TRIES` times."""
    tries = int(check.facts.get("tries", 0)) + 1
    if not retry.is_checked_again(tries):
        words = error.explain()
        _end(
            check,
            old,
            Check.State.FAILED,
            sentence=together(words.sentence, words.advice),
            error=error,
        )
        return
    wait = min(retry.asked_wait(error) or retry.before_check(tries), health.LONGEST_WAIT)
    _write(
        check,
        old,
        Check.State.WAITING,
        facts={"tries": tries},
        not_before=clock.now() + timedelta(seconds=wait),
        lease_until=None,
    )


def _account_trouble(check: Check, old: str, trouble: AccountTrouble) -> None:
    sentence = health.trouble(check.account, trouble, check.model)
    _end(check, old, Check.State.FAILED, sentence=sentence, error=trouble)


def _end(
    check: Check, old: str, new: str, *, sentence: Sentence, error: WireError | None = None
) -> None:
    """It ends without a verdict: the hold goes back."""
    with transaction.atomic():
        if _write(
            check,
            old,
            new,
            sentence=sentence,
            facts={},
            code=(error.code if error else "")[:80],
            message=error.message if error else "",
            request_id=(error.request_id if error else "")[:80],
        ):
            ledger.release(check, attempt=check.attempt, note=phrase("No verdict was given."))


def _write(check: Check, old: str, new: str, **columns: Any) -> bool:
    columns.setdefault("lease_until", None)
    done = Check.objects.filter(pk=check.pk, state=old, attempt=check.attempt).update(
        state=new, **columns
    )
    if done:
        check.state = new
        for name, value in columns.items():
            setattr(check, name, value)
    return bool(done)
