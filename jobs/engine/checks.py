"""Detection: what a detect model says of a picture. Kept by content, model and parameters; asked
once and paid once.

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

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from jobs.accounts import health, rate_limit
from jobs.accounts.clients import NoKey, client_for
from jobs.billing import budget, ledger, prices
from jobs.catalogue import entries
from jobs.common import wakeup
from jobs.common.errors import Refused
from jobs.engine import media_urls, retry
from jobs.models import Account, Check
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
from studio.common.leases import LEASE, renewing
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models import Asset, User

log = logging.getLogger("footlight.checks")
# codes that the wire gives to what was no answer of the service: a gateway’s page proves nothing
# about the bill
OUR_WORDS = ("NotJson", "BadAnswer", "AnswerTooLong", "Connection", "ReadTimeout", "Redirected")
# free tries (nothing was sent, or the service said: later) over eight minutes before it is given up
PATIENCE = 12


def choice_word(model: entries.Model, chosen: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The check's own parameters out of `chosen`, and the same as one word for the unique key."""
    own = {
        parameter.name: chosen.get(parameter.name, parameter.default)
        for parameter in model.parameters
    }
    return own, ",".join(f"{name}={value}" for name, value in sorted(own.items()))


def known(*, asset: Asset, model: str, chosen: dict[str, Any]) -> Check | None:
    """What is known of this content in this team; None when it was never asked."""
    _, choice = choice_word(entries.get(model), chosen)
    return Check.objects.filter(
        team_id=asset.team_id, sha256=asset.sha256, model=model, choice=choice
    ).first()


def price(model: str, account: Account) -> prices.Quote:
    """What one check costs on `account`. NoPrice."""
    return prices.quote(
        entries.get(model), "", Decimal(1), currency=account.team.currency, region=account.region
    )


def ask(*, asset: Asset, model: str, chosen: dict[str, Any], account: Account, by: User) -> Check:
    """The check of this picture: the one we have, or a new one that a worker will ask within
    seconds.

    A picture outside the limits is refused here and costs nothing. Raises Refused, OverBudget,
    NoPrice.
    """
    spec = entries.get(model)
    own, choice = choice_word(spec, chosen)
    found = known(asset=asset, model=model, chosen=chosen)
    if found is not None and found.state != Check.State.FAILED:
        return found
    limits = spec.inputs[0].limits
    problems = limits.problems(asset.facts) if limits else []
    if problems:
        raise Refused(*(problem.sentence for problem in problems))
    if found is not None:
        return ask_again(found, by, asset)
    quote = price(model, account)
    try:
        with transaction.atomic():
            check = Check.objects.create(
                team=asset.team,
                account=account,
                asset=asset,
                asked_by=by,
                sha256=asset.sha256,
                model=model,
                parameters=own,
                choice=choice,
                attempt=1,
            )
            ledger.hold(check, quote, asset.team, by, attempt=1)
            _ring(check)
    except IntegrityError:
        found = known(asset=asset, model=model, chosen=chosen)
        if found is None:
            raise
        return found  # another click was faster; it paid
    return check


def ask_again(check: Check, by: User, asset: Asset | None = None) -> Check:
    """A new paid attempt for a check that got no answer or could not be asked; any other is
    returned as it is.

    `asset` takes the place of the picture that was asked about, when that one was deleted
    meanwhile.
    """
    if check.state not in (Check.State.UNCERTAIN, Check.State.FAILED):
        return check
    account = check.account if check.account.key is not None else _other_account(check)
    quote = price(check.model, account)
    with transaction.atomic():
        if check.state == Check.State.UNCERTAIN:
            _book_lost(check)
        changed = Check.objects.filter(
            pk=check.pk, state=check.state, attempt=check.attempt
        ).update(
            state=Check.State.WAITING,
            attempt=check.attempt + 1,
            account=account,
            asked_by=by,
            asset=asset or check.asset,
            facts={},
            code="",
            message="",
            sentence=EMPTY,
            not_before=None,
            lease_until=None,
        )
        if changed:
            check.refresh_from_db()
            ledger.hold(check, quote, check.team, by, attempt=check.attempt)
            _ring(check)
    check.refresh_from_db()
    return check


def _other_account(check: Check) -> Account:
    usable = next(
        (account for account in check.team.accounts.order_by("id") if account.key is not None), None
    )
    if usable is None:
        raise Refused(
            phrase(
                "The team has no Model Studio account with a key. An admin can add one under "
                "Accounts."
            )
        )
    return usable


def _book_lost(check: Check) -> None:
    ledger.settle(
        check,
        Decimal(1),
        "",
        attempt=check.attempt,
        note=phrase("No answer came; the service bills every request that reached it."),
    )


def _ring(check: Check) -> None:
    transaction.on_commit(lambda: wakeup.ring_check(check.pk))


def due() -> list[int]:
    """Checks that somebody should work on now: waiting ones whose time has come, and those whose
    worker died."""
    now = timezone.now()
    waiting = Q(state=Check.State.WAITING) & (Q(not_before=None) | Q(not_before__lte=now))
    return list(
        Check.objects.filter(waiting | Q(state=Check.State.ASKING, lease_until__lt=now))
        .order_by("id")
        .values_list("pk", flat=True)[:200]
    )


def step(pk: int) -> None:
    """Ask the service once for check `pk` and write down what it said. Short, and may run twice."""
    check = Check.objects.select_related("account", "team", "asset").get(pk=pk)
    now = timezone.now()
    if (
        check.state == Check.State.ASKING
        and check.lease_until is not None
        and check.lease_until < now
    ):
        _after_a_death(check)
        return
    if check.state != Check.State.WAITING or (check.not_before and check.not_before > now):
        return
    spec = entries.get(check.model)
    if check.asset is None:
        _end(
            check,
            Check.State.WAITING,
            Check.State.FAILED,
            sentence=phrase("The picture was deleted before it could be checked."),
        )
        return
    try:
        client = client_for(check.account)
        url = media_urls.address(check.asset, check.account, check.model)
    except NoKey as error:
        _end(check, Check.State.WAITING, Check.State.FAILED, sentence=error.sentence)
        return
    except AccountTrouble as trouble:
        _account_trouble(check, Check.State.WAITING, trouble)
        return
    except WireError as error:
        _later(check, Check.State.WAITING, error)
        return
    except Exception:
        # A full disk, a bucket that is away, a secret that cannot be read: nothing was asked, so
        # nothing is lost by waiting.
        log.exception("check %s could not be handed over", check.public_id)
        _later(
            check, Check.State.WAITING, NotSent("StorageAway", "Our own storage could not be read.")
        )
        return
    body = entries.body(
        spec, check.account.deployed(check.model), {spec.inputs[0].name: url}, check.parameters
    )
    if not rate_limit.take(check.account.root_id, "submit", model=check.model, rate=spec.rate):
        _later(check, Check.State.WAITING, RetryLater(message="our own pace"))
        return
    if not Check.objects.filter(pk=pk, state=Check.State.WAITING, attempt=check.attempt).update(
        state=Check.State.ASKING, lease_until=timezone.now() + LEASE
    ):
        return
    try:
        # Longer than the call in any case, or a second worker would ask while the first still
        # waits.
        with renewing(lambda: _renew(check)):
            verdict = client.detect(spec, body)
    except (RetryLater, NotSent) as error:
        _later(check, Check.State.ASKING, error)
    except NoAnswer as error:
        if (
            error.status is not None
            and error.status >= 500
            and not error.code.startswith(OUR_WORDS)
        ):
            _later(
                check, Check.State.ASKING, error
            )  # the service itself said that it failed; failed requests are not billed
        else:
            text = phrase(
                "Sent, and no answer came, so it may have been paid. It is not asked again by "
                "itself."
            )
            log.warning("check %s got no answer: %s", check.public_id, error)
            _write(
                check,
                Check.State.ASKING,
                Check.State.UNCERTAIN,
                sentence=text,
                code=error.code[:80],
                message=error.message,
            )
    except AccountTrouble as trouble:
        _account_trouble(check, Check.State.ASKING, trouble)
    except (MediaUnreachable, ModelGone, WireError) as error:
        told = error.explain()
        _end(
            check,
            Check.State.ASKING,
            Check.State.FAILED,
            sentence=together(told.sentence, told.advice),
            error=error,
        )
    else:
        _answered(check, verdict)


def _renew(check: Check) -> None:
    Check.objects.filter(pk=check.pk, state=Check.State.ASKING, attempt=check.attempt).update(
        lease_until=timezone.now() + LEASE
    )


def _answered(check: Check, verdict: Verdict) -> None:
    """Keep the verdict and settle it. A pass without the boxes that the film needs is of no use, so
    it counts as refused."""
    lacking = sorted(_boxes(check.model) - set(verdict.facts)) if verdict.passed else []
    told = EMPTY if verdict.passed else _refusal(verdict)
    if lacking:
        told = phrase(
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
            sentence=told,
            request_id=verdict.request_id[:80],
            answered_at=timezone.now(),
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
    told = explain(verdict.code, verdict.message)
    return together(told.sentence, told.advice)


def _after_a_death(check: Check) -> None:
    """The worker died while it asked. Once we ask again ourselves; after that a person decides."""
    if check.attempt >= 2:
        text = phrase(
            "It was sent again, and this answer was lost too. It is not asked again by itself."
        )
        _write(check, Check.State.ASKING, Check.State.UNCERTAIN, sentence=text)
        return
    with transaction.atomic():
        changed = Check.objects.filter(
            pk=check.pk,
            state=Check.State.ASKING,
            attempt=check.attempt,
            lease_until=check.lease_until,
        ).update(
            state=Check.State.WAITING, attempt=check.attempt + 1, lease_until=None, not_before=None
        )
        if changed:
            _book_lost(check)
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
            _ring(check)


def _owner(check: Check) -> User:
    return check.team.memberships.filter(role="owner").select_related("user")[0].user


def _later(check: Check, old: str, error: WireError) -> None:
    """Nothing was created and nothing paid: try again soon, and give up after PATIENCE tries."""
    tries = int(check.facts.get("tries", 0)) + 1
    if tries > PATIENCE:
        told = error.explain()
        _end(
            check,
            old,
            Check.State.FAILED,
            sentence=together(told.sentence, told.advice),
            error=error,
        )
        return
    wait = min(retry.asked_wait(error) or min(60, 2**tries), health.LONGEST_WAIT)
    _write(
        check,
        old,
        Check.State.WAITING,
        facts={"tries": tries},
        not_before=timezone.now() + timedelta(seconds=wait),
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
