"""Detection: what a detect model says of a picture. Kept by content, model and parameters; asked
once and paid once. Here a check is looked up, made and made anew; `detect` asks the service.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from jobs.accounts import choice as connections
from jobs.billing import ledger, prices
from jobs.catalogue import entries
from jobs.common import wakeup
from jobs.common.errors import Refused
from jobs.common.open_team import require_open
from jobs.models import Account, Check
from studio.common import clock
from studio.common.translatable import EMPTY, phrase
from studio.models import Asset, User


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
    connections.require_use(account, by)
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
            _require_here(asset)
            connections.require_present(account)
            wake_after_commit(check)
    except IntegrityError:
        found = known(asset=asset, model=model, chosen=chosen)
        if found is None:
            raise
        return found  # another click was faster; it paid
    return check


def _require_here(asset: Asset) -> None:
    """Refused when the picture was deleted or the team closed meanwhile. The hold has locked the
    team, as a deletion does."""
    found = Asset.objects.select_related("team").filter(pk=asset.pk).first()
    if found is not None:
        require_open(found.team)
    else:
        raise Refused(
            phrase(
                "“%(name)s” was deleted meanwhile. Take it out of the trash, or choose another "
                "one.",
                name=asset.name,
            )
        )


def ask_again(check: Check, by: User, asset: Asset | None = None) -> Check:
    """A new paid attempt for a check that got no answer or could not be asked; any other is
    returned as it is.

    `asset` takes the place of the picture that was asked about, when that one was deleted
    meanwhile. Raises Refused when `by` may use no account.
    """
    if check.state not in (Check.State.UNCERTAIN, Check.State.FAILED):
        return check
    account = check.account
    if account.key is None or not connections.may_use(account, by):
        account = _other_account(check, by)
    quote = price(check.model, account)
    with transaction.atomic():
        ledger.lock(check.team)
        if check.state == Check.State.UNCERTAIN:
            book_lost(check)
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
            if check.asset is not None:
                _require_here(check.asset)
            connections.require_present(account)
            wake_after_commit(check)
    check.refresh_from_db()
    return check


def _other_account(check: Check, by: User) -> Account:
    usable = connections.accounts_for(check.team, by)
    if not usable:
        raise Refused(
            phrase(
                "The team has no Model Studio connection with a key that you may use. An admin can "
                "add one under Connections, or name you there."
            )
        )
    return usable[0]


def book_lost(check: Check) -> None:
    """The present attempt got no answer and is settled as if it was paid for."""
    ledger.settle(
        check,
        Decimal(1),
        "",
        attempt=check.attempt,
        note=phrase("No answer came; the service bills every request that reached it."),
    )


def wake_after_commit(check: Check) -> None:
    """A worker takes the check up as soon as it is committed."""
    transaction.on_commit(lambda: wakeup.enqueue_check(check.pk))


def due() -> list[int]:
    """Checks that somebody should work on now: waiting ones whose time has come, and those whose
    worker died."""
    now = clock.now()
    waiting = Q(state=Check.State.WAITING) & (Q(not_before=None) | Q(not_before__lte=now))
    return list(
        Check.objects.filter(waiting | Q(state=Check.State.ASKING, lease_until__lt=now))
        .order_by("id")
        .values_list("pk", flat=True)[:200]
    )
