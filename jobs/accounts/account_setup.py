"""A new account with its first key, and an account that moves to another address (CONTRACT §14).

The key is tested first (key_test.py); `KeyRefused` means that nothing was stored.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from jobs.accounts import shared_accounts
from jobs.accounts.endpoints import WORKSPACE_ID, KeyRefused, clean_address, may_be_private
from jobs.accounts.key_test import Trial, clean_secret, retry_lanes, try_secret
from jobs.accounts.keys import lock_present, recognise, require_new_to_team, store_key
from jobs.common.states import OUT, State
from jobs.models import Account, ApiKey, Lane
from jobs.models.account import REGIONS
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.models.people import Team, User

log = logging.getLogger("footlight.account_setup")


@sensitive_variables("secret")
def add_account(
    team: Team,
    label: str,
    region: str,
    base_url: str,
    secret: str,
    by: User | None,
    model_names: dict[str, str] | None = None,
    workspace: str = "",
) -> Account:
    """A new account of `team` with its first key, tested first. `base_url` as `clean_address` takes
    it.

    Comes back with health OK, UNTRIED (no answer; `health_text` says why) or ARREARS/QUOTA (the key
    is right, the account cannot pay), and with `same_as` when its key turned out to be of an
    Alibaba account that is here already. KeyRefused, with nothing stored, for a bad label, region,
    address or workspace and for a refused key.
    """
    account = Account(
        team=team,
        label=_clean_label(label),
        region=region,
        workspace=workspace.strip(),
        model_names=model_names or {},
    )
    if team.accounts(manager="present").filter(label=account.label).exists():
        raise KeyRefused(_label_taken(account))
    account.base_url = _clean_place(region, base_url, account.workspace, by)
    account.private_network = may_be_private(account.base_url, by)
    secret = clean_secret(secret)
    require_new_to_team(account, secret)
    trial = try_secret(account, secret)
    account.health, account.health_text = trial.health, trial.sentence
    key = ApiKey.make(account, secret, by)
    key.tested_at = None if trial.health == Account.Health.UNTRIED else clock.now()
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            key.account = account
            key.save(force_insert=True)
            place = {"region": account.region, "place": account.base_url, "last4": key.last4}
            record(Event.CONNECTION_ADDED, team=team, by=by, about=account.label, after=place)
    except IntegrityError:
        raise KeyRefused(_label_taken(account)) from None
    log.info(
        "account %s of team %s added, key %s, %s", account.public_id, team.pk, key, account.health
    )
    recognise(account, trial)
    return account


@sensitive_variables("secret")
def move_account(
    account: Account, region: str, base_url: str, workspace: str, secret: str, by: User | None
) -> Trial:
    """Another address for `account`, with a key for it typed anew and tested there; all other keys
    are retired.

    The stored keys never go to an address they were not given for: whoever may edit an account may
    use its keys, not learn them. KeyRefused, with nothing changed, as in `add_account`.
    """
    moved = Account(
        pk=account.pk,
        team=account.team,
        label=account.label,
        region=region,
        workspace=workspace.strip(),
    )
    was = {"region": account.region, "place": account.base_url, "workspace": account.workspace}
    moved.base_url = _clean_place(region, base_url, moved.workspace, by)
    moved.private_network = may_be_private(moved.base_url, by)
    secret = clean_secret(secret)
    _require_movable(account, region)
    require_new_to_team(moved, secret)
    trial = try_secret(moved, secret)
    with transaction.atomic():
        lock_present(account)
        account.keys.filter(active=True).update(active=False)
        # The test took seconds, in which jobs may have been sent to the old place.
        _require_unvisited(account)
        _require_movable(account, region)
        store_key(account, secret, by, trial)
        _save_place(account, moved, trial)
        record(
            Event.CONNECTION_MOVED,
            team=account.team,
            by=by,
            about=account.label,
            before=was,
            after={"region": region, "place": moved.base_url, "workspace": moved.workspace},
        )
    shared_accounts.forget_proofs(account)
    retry_lanes(account)
    recognise(account, trial)
    return trial


def why_not_moved(account: Account) -> Sentence | None:
    """Why `account` cannot go to another place now; None when it can."""
    if account.jobs.filter(state__in=(*OUT, State.ARCHIVING)).exists():
        return phrase(
            "Videos of this connection are at the service right now, and only the present address "
            "knows them. Wait until they are home."
        )
    return None


def _require_movable(account: Account, region: str) -> None:
    hindrance = why_not_moved(account)
    if hindrance is not None:
        raise KeyRefused(hindrance)
    waiting = account.jobs.filter(state=State.QUEUED).count()
    if region != account.region and waiting:
        raise KeyRefused(
            plural_phrase(
                "%(n)s job waits here with the price of %(region)s, and may not exist elsewhere. "
                "Wait until it is made, or cancel it, before the region changes.",
                "%(n)s jobs wait here with the prices of %(region)s, and may not exist elsewhere. "
                "Wait until they are made, or cancel them, before the region changes.",
                waiting,
                region=account.get_region_display(),
            )
        )


def _require_unvisited(account: Account) -> None:
    """KeyRefused while a worker may be sending a job to the old place. Until the end of this
    transaction none begins to: a visit takes its lease on these rows, and reads the account
    afterwards."""
    lanes = Lane.objects.select_for_update(no_key=True).filter(account_id=account.root_id)
    if any(lane.lease_until is not None and lane.lease_until > clock.now() for lane in lanes):
        raise KeyRefused(
            phrase(
                "A job of this connection is being sent at this very moment. Nothing was changed; "
                "try again in a few seconds."
            )
        )


def _save_place(account: Account, moved: Account, trial: Trial) -> None:
    """Write the address of `moved` and the health that `trial` showed; every trouble is over."""
    columns = {
        "region": moved.region,
        "base_url": moved.base_url,
        "private_network": moved.private_network,
        "workspace": moved.workspace,
        "health": trial.health,
        "health_text": trial.sentence,
        "paused_until": None,
        "troubles": 0,
        "notified_at": None,
    }
    for name, value in columns.items():
        setattr(account, name, value)
    account.save(update_fields=list(columns))


@sensitive_variables("secret")
def take_up_environment_key(team: Team, by: User | None) -> Account | None:
    """The first account of `team` from DASHSCOPE_API_KEY; None when that is not set or the team has
    an account already.

    KeyRefused when the service refuses the key; without an answer the account is kept UNTRIED and
    `health_text` says why.
    """
    secret = settings.DASHSCOPE_API_KEY
    if not secret or team.accounts(manager="present").exists():
        return None
    return add_account(team, "Model Studio", "cn-beijing", "", secret, by)


def _clean_label(label: str) -> str:
    label = " ".join(label.split())
    if not label or len(label) > 60:
        raise KeyRefused(phrase("A connection needs a name of at most 60 characters."))
    return label


def _label_taken(account: Account) -> Sentence:
    return phrase(
        "The team has a connection called %(label)s already. Choose another name.",
        label=account.label,
    )


def _clean_place(region: str, base_url: str, workspace: str, by: User | None) -> str:
    if region not in REGIONS:
        raise KeyRefused(
            phrase(
                "There is no region %(region)s; choose one of %(regions)s.",
                region=region,
                regions=", ".join(REGIONS),
            )
        )
    if workspace and not WORKSPACE_ID.fullmatch(workspace):
        raise KeyRefused(
            phrase(
                "A workspace id has letters, digits, dashes and underscores only, at most 64. Copy "
                "it from the console."
            )
        )
    return clean_address(base_url, region, by)
