"""The keys of an account: added beside the older ones, tested, retired (CONTRACT §1, §8).

A secret is stored encrypted (`ApiKey.secret`), never logged, never part of a sentence and never
shown: people see its last four characters and its fingerprint. `KeyRefused` means that nothing was
stored.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from jobs import modelstudio
from jobs.accounts import choice, shared_accounts
from jobs.accounts.endpoints import KeyRefused
from jobs.accounts.key_test import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Trial,
    clean_secret,
    record_trial,
    try_secret,
)
from jobs.models import Account, ApiKey
from jobs.models.account import fingerprint
from jobs.models.delete_guard import last_key
from jobs.modelstudio import WireError
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.encryption import Unreadable
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.models.people import User

log = logging.getLogger("footlight.keys")

TASK_LIFE = timedelta(hours=24)  # how long the service keeps a task (CONTRACT §0.4)


@sensitive_variables("secret")
def add_key(account: Account, secret: str, by: User | None) -> ApiKey:
    """One more key of `account`, tested first; being the newest it is the one that is used from now
    on. The older ones stay in use beside it, so id, history, bill and what is at the service now
    are untouched.

    `tested_at` None says that no answer came (see `untested`). A retired key may be typed again.
    KeyRefused for a refused key, one that is there already, and one that is found to be of another
    Alibaba account.
    """
    secret = clean_secret(secret)
    if account.keys.filter(fingerprint=fingerprint(secret), active=True).exists():
        raise KeyRefused(phrase("%(label)s has this key already.", label=account.label))
    require_new_to_team(account, secret)
    trial = try_secret(account, secret)
    if trial.health != Account.Health.UNTRIED:
        _require_same_account(account, secret)
    try:
        with transaction.atomic():
            key = store_key(account, secret, by, trial)
            added = {"last4": key.last4}
            record(Event.KEY_ADDED, team=account.team, by=by, about=account.label, after=added)
            # Without an answer a good account stays good; what was known about a refused key says
            # nothing about this one.
            if trial.health != Account.Health.UNTRIED or account.health == Account.Health.KEY:
                record_trial(account, trial)
    except IntegrityError:
        raise KeyRefused(phrase("%(label)s has this key already.", label=account.label)) from None
    log.info("key %s added to account %s", key, account.public_id)
    recognise(account, trial)
    return key


@sensitive_variables("secret")
def store_key(account: Account, secret: str, by: User | None, trial: Trial) -> ApiKey:
    """Write the key as the newest one, in the transaction of the caller. A retired row of the same
    key stays: attempts and bills name it. KeyRefused when the connection was removed meanwhile."""
    lock_present(account)
    key = ApiKey.make(account, secret, by)
    key.tested_at = None if trial.health == Account.Health.UNTRIED else clock.now()
    key.save(force_insert=True)
    return key


def lock_present(account: Account) -> None:
    """The row of `account` until the transaction ends, as a removal locks it: no key comes to a
    connection that nobody sees any more. KeyRefused when it was removed meanwhile."""
    row = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if row.removed_at is not None:
        raise KeyRefused(choice.removed_meanwhile(row.label).sentence)


def recognise(account: Account, trial: Trial) -> None:
    """Find out whether the key is of an Alibaba account that is here already; not when the service
    was silent a moment ago."""
    if account.same_as_id is None and trial.health != Account.Health.UNTRIED:
        shared_accounts.recognise(account)


@sensitive_variables("secret")
def require_new_to_team(account: Account, secret: str) -> None:
    """Limits are per account at the service: the same key behind two accounts of ours would only
    fight itself for its turn."""
    same = ApiKey.objects.filter(
        account__team=account.team, fingerprint=fingerprint(secret), active=True
    ).exclude(account_id=account.pk)
    for key in same.select_related("account").defer("secret"):
        if key.account.url == account.url:
            raise KeyRefused(
                phrase(
                    "The connection %(label)s has this key already. A second entry for the same "
                    "key makes nothing faster.",
                    label=key.account.label,
                )
            )


@sensitive_variables("secret")
def _require_same_account(account: Account, secret: str) -> None:
    """KeyRefused when a task that `account` made lately is seen by a key in use but not by this
    one. Without such a task, or when no older key works any more, nothing can be told and the key
    passes."""
    task_id = shared_accounts.recent_task(account)
    if not task_id:
        return
    if _sees(account, secret, task_id) is not False:
        return
    for key in account.keys.filter(active=True).defer("secret"):
        try:
            seen = _sees(account, key.secret, task_id)
        except Unreadable:
            continue
        if seen:
            raise KeyRefused(
                phrase(
                    "This key belongs to another Alibaba account or workspace: it does not see the "
                    "videos that %(label)s made "
                    "today, so they could not be brought home with it. Add it as a connection of "
                    "its own, or copy a key of the "
                    "connection behind %(label)s.",
                    label=account.label,
                )
            )


@sensitive_variables("secret")
def _sees(account: Account, secret: str, task_id: str) -> bool | None:
    """Whether `secret` sees the task; None when the service does not say."""
    client = modelstudio.Client(
        account.url,
        secret,
        workspace=account.workspace,
        private_ok=account.private_ok,
        connect=CONNECT_SECONDS,
        read=READ_SECONDS,
    )
    try:
        return not client.get(task_id).unknown
    except WireError:
        return None


def overlap_ends(account: Account) -> datetime | None:
    """Until when the service keeps what this account made lately, so that an older key is still
    worth having; None when nothing."""
    since = clock.now() - TASK_LIFE
    rows = account.jobs.order_by("-id").values_list("task_id", "submitted_at")[:200]
    made = [
        submitted_at
        for task_id, submitted_at in rows
        if task_id and submitted_at is not None and submitted_at > since
    ]
    return max(made) + TASK_LIFE if made else None


def test_key(key: ApiKey) -> Sentence:
    """Test a stored key now and return a sentence. The account's health follows when it is the key
    in use.

    KeyRefused when it does not work, is retired, cannot be read, or no answer came; the last
    changes nothing.
    """
    if not key.active:
        raise KeyRefused(phrase("This key is retired and no longer used."))
    account = key.account
    try:
        secret = key.secret
    except Unreadable:
        raise KeyRefused(
            phrase(
                "The stored key cannot be read with this site’s FIELD_KEYS. Type the key again "
                "under “Add a key”."
            )
        ) from None
    used = in_use(account) == key.pk
    try:
        trial = try_secret(account, secret)
    except KeyRefused as refused:
        if used and refused.health:
            record_trial(account, Trial(refused.health, refused.sentence))
        raise
    if trial.health == Account.Health.UNTRIED:
        raise KeyRefused(
            together(
                phrase("No answer, so nothing is known about the key."),
                trial.sentence,
                phrase("Test it again later."),
            )
        )
    _note_test(key)
    choice.taken(key)
    if used:
        record_trial(account, trial)
    if trial.health != Account.Health.OK:
        raise KeyRefused(
            together(phrase("The key is right, but the connection cannot be used."), trial.sentence)
        )
    return (
        phrase("The key …%(last4)s works.", last4=key.last4)
        if used
        else phrase(
            "The key …%(last4)s works. It is a spare: a newer key is in use.", last4=key.last4
        )
    )


def _note_test(key: ApiKey) -> None:
    with transaction.atomic():
        key.tested_at = clock.now()
        key.save(update_fields=["tested_at"])
        tested = {"last4": key.last4}
        record(Event.KEY_TESTED, team=key.account.team, about=key.account.label, after=tested)


def retire(key: ApiKey) -> None:
    """Use `key` no more. When it was the refused one and a spare is there, the lanes may try the
    spare. KeyRefused when jobs that are not over need it."""
    account = key.account
    needed = last_key(key, key)
    if needed is not None:
        raise KeyRefused(needed)
    with transaction.atomic():
        was_used = in_use(account) == key.pk
        key.active = False
        key.save(update_fields=["active"])
        retired = {"last4": key.last4}
        record(Event.KEY_RETIRED, team=account.team, about=account.label, before=retired)
        # It may be the refused one that a note on a working account speaks of.
        Account.objects.filter(pk=account.pk, health=Account.Health.OK).update(health_text=EMPTY)
        if was_used and account.health == Account.Health.KEY and in_use(account) is not None:
            record_trial(
                account,
                Trial(
                    Account.Health.UNTRIED,
                    phrase("The refused key is retired; the spare is not tried yet."),
                ),
            )
    log.info("key %s of account %s retired", key, account.public_id)


def without_secrets() -> QuerySet[ApiKey]:
    """Keys as pages need them: what is not read cannot be shown, and one that cannot be decrypted
    breaks no page."""
    return ApiKey.objects.select_related("added_by").defer("secret")


def in_use(account: Account) -> int | None:
    """The id of the key that calls are made with, without reading its secret; None when every key
    is retired."""
    return account.keys.filter(active=True).order_by("-id").values_list("pk", flat=True).first()
