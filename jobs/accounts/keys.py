"""Accounts and their keys: tested with a call that costs nothing, then stored encrypted (CONTRACT
§1, §8, §14).

A test calls out, so it runs before and outside of any transaction; the row is written afterwards. A
secret is never logged, never part of a sentence and never shown: people see its last four
characters and its fingerprint.

`KeyRefused` means that nothing was stored. A service that does not answer is no refusal: the key is
kept untested.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from jobs import modelstudio
from jobs.accounts import clients, health, shared_accounts
from jobs.accounts.endpoints import WORKSPACE_ID, KeyRefused, clean_address
from jobs.common import wakeup
from jobs.common.states import OUT, Code, State
from jobs.models import Account, ApiKey, Lane
from jobs.models.account import REGIONS, fingerprint
from jobs.modelstudio import AccountTrouble, NoAnswer, NotSent, RetryLater, WireError
from studio.common.fields import Unreadable
from studio.common.translatable import EMPTY, Sentence, phrase, quoted, together
from studio.models.people import Team, User

__all__ = [
    "WORKSPACE_ID",
    "KeyRefused",
    "Trial",
    "add_account",
    "add_key",
    "clean_address",
    "in_use",
    "move_account",
    "overlap_ends",
    "retire",
    "take_up_environment_key",
    "test_key",
    "untested",
    "without_secrets",
]

log = logging.getLogger("footlight.keys")

# A person waits in front of the page, so less patience than a worker has.
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
TASK_LIFE = timedelta(hours=24)  # how long the service keeps a task (CONTRACT §0.4)
# What the wire says when something answered that does not speak the service's language.
_NOT_THE_SERVICE = ("NotJson", "BadAnswer", "AnswerTooLong", "Redirected")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a free call with a key told. `health` is UNTRIED when no answer came; then the key may
    still be good."""

    health: Account.Health
    sentence: Sentence


# ── the test ──────────────────────────────────────────────────────────────────────────────────────


@sensitive_variables("secret")
def _clean_secret(secret: str) -> str:
    secret = secret.strip()
    if secret.startswith("sk-sp-"):
        raise KeyRefused(
            phrase(
                "This is a Coding Plan key (sk-sp-). It cannot make films. Make one in the Model "
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
def _try(account: Account, secret: str) -> Trial:
    """Ask the service with `secret` for a task that cannot exist: free. KeyRefused when the key
    cannot be used at all."""
    try:
        client = modelstudio.Client(
            account.url,
            secret,
            workspace=account.workspace,
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
                    "made, and this account is in "
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


# ── accounts ──────────────────────────────────────────────────────────────────────────────────────


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
    if team.accounts.filter(label=account.label).exists():
        raise KeyRefused(_label_taken(account))
    account.base_url = _clean_place(region, base_url, account.workspace, by)
    secret = _clean_secret(secret)
    _require_new_to_team(account, secret)
    trial = _try(account, secret)
    account.health, account.health_text = trial.health, trial.sentence
    key = ApiKey.make(account, secret, by)
    key.tested_at = None if trial.health == Account.Health.UNTRIED else timezone.now()
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            key.account = account
            key.save(force_insert=True)
    except IntegrityError:
        raise KeyRefused(_label_taken(account)) from None
    log.info(
        "account %s of team %s added, key %s, %s", account.public_id, team.pk, key, account.health
    )
    _recognise(account, trial)
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
    moved.base_url = _clean_place(region, base_url, moved.workspace, by)
    secret = _clean_secret(secret)
    if account.jobs.filter(state__in=(*OUT, State.ARCHIVING)).exists():
        raise KeyRefused(
            phrase(
                "Films of this account are at the service right now, and only the present address "
                "knows them. Wait until they are home."
            )
        )
    _require_new_to_team(moved, secret)
    trial = _try(moved, secret)
    with transaction.atomic():
        account.keys.filter(active=True).update(active=False)
        _store_key(account, secret, by, trial)
        account.region, account.base_url, account.workspace = (
            moved.region,
            moved.base_url,
            moved.workspace,
        )
        account.health, account.health_text, account.paused_until = (
            trial.health,
            trial.sentence,
            None,
        )
        account.troubles, account.told_at = 0, None
        account.save(
            update_fields=[
                "region",
                "base_url",
                "workspace",
                "health",
                "health_text",
                "paused_until",
                "troubles",
                "told_at",
            ]
        )
    shared_accounts.forget(account)
    _ring(account)
    _recognise(account, trial)
    return trial


@sensitive_variables("secret")
def take_up_environment_key(team: Team, by: User | None) -> Account | None:
    """The first account of `team` from DASHSCOPE_API_KEY; None when that is not set or the team has
    an account already.

    KeyRefused when the service refuses the key; without an answer the account is kept UNTRIED and
    `health_text` says why.
    """
    secret = settings.DASHSCOPE_API_KEY
    if not secret or team.accounts.exists():
        return None
    return add_account(team, "Model Studio", "cn-beijing", "", secret, by)


def _clean_label(label: str) -> str:
    label = " ".join(label.split())
    if not label or len(label) > 60:
        raise KeyRefused(phrase("An account needs a name of at most 60 characters."))
    return label


def _label_taken(account: Account) -> Sentence:
    return phrase(
        "The team has an account called %(label)s already. Choose another name.",
        label=account.label,
    )


def _recognise(account: Account, trial: Trial) -> None:
    """Find out whether the key is of an Alibaba account that is here already; not when the service
    was silent a moment ago."""
    if account.same_as_id is None and trial.health != Account.Health.UNTRIED:
        shared_accounts.recognise(account)


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


@sensitive_variables("secret")
def _require_new_to_team(account: Account, secret: str) -> None:
    """Limits are per account at the service: the same key behind two accounts of ours would only
    fight itself for its turn."""
    same = ApiKey.objects.filter(
        account__team=account.team, fingerprint=fingerprint(secret), active=True
    ).exclude(account_id=account.pk)
    for key in same.select_related("account").defer("secret"):
        if key.account.url == account.url:
            raise KeyRefused(
                phrase(
                    "The account %(label)s has this key already. A second entry for the same key "
                    "makes nothing faster.",
                    label=key.account.label,
                )
            )


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


@sensitive_variables("secret")
def add_key(account: Account, secret: str, by: User | None) -> ApiKey:
    """One more key of `account`, tested first; being the newest it is the one that is used from now
    on. The older ones stay in use beside it, so id, history, bill and what is at the service now
    are untouched.

    `tested_at` None says that no answer came (see `untested`). A retired key may be typed again.
    KeyRefused for a refused key, one that is there already, and one that is found to be of another
    Alibaba account.
    """
    secret = _clean_secret(secret)
    if account.keys.filter(fingerprint=fingerprint(secret), active=True).exists():
        raise KeyRefused(phrase("%(label)s has this key already.", label=account.label))
    _require_new_to_team(account, secret)
    trial = _try(account, secret)
    if trial.health != Account.Health.UNTRIED:
        _require_same_account(account, secret)
    try:
        with transaction.atomic():
            key = _store_key(account, secret, by, trial)
            # Without an answer a good account stays good; what was known about a refused key says
            # nothing about this one.
            if trial.health != Account.Health.UNTRIED or account.health == Account.Health.KEY:
                _mark(account, trial)
    except IntegrityError:
        raise KeyRefused(phrase("%(label)s has this key already.", label=account.label)) from None
    log.info("key %s added to account %s", key, account.public_id)
    _recognise(account, trial)
    return key


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
                    "films that %(label)s made "
                    "today, so they could not be brought home with it. Add it as an account of its "
                    "own, or copy a key of the "
                    "account behind %(label)s.",
                    label=account.label,
                )
            )


@sensitive_variables("secret")
def _sees(account: Account, secret: str, task_id: str) -> bool | None:
    """Whether `secret` sees the task; None when the service does not say."""
    client = modelstudio.Client(
        account.url, secret, workspace=account.workspace, connect=CONNECT_SECONDS, read=READ_SECONDS
    )
    try:
        return not client.get(task_id).unknown
    except WireError:
        return None


def overlap_ends(account: Account) -> datetime | None:
    """Until when the service keeps what this account made lately, so that an older key is still
    worth having; None when nothing."""
    since = timezone.now() - TASK_LIFE
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
        trial = _try(account, secret)
    except KeyRefused as refused:
        if used and refused.health:
            _mark(account, Trial(refused.health, refused.sentence))
        raise
    if trial.health == Account.Health.UNTRIED:
        raise KeyRefused(
            together(
                phrase("No answer, so nothing is known about the key."),
                trial.sentence,
                phrase("Test it again later."),
            )
        )
    key.tested_at = timezone.now()
    key.save(update_fields=["tested_at"])
    clients.taken(key)
    if used:
        _mark(account, trial)
    if trial.health != Account.Health.OK:
        raise KeyRefused(
            together(phrase("The key is right, but its account cannot be used."), trial.sentence)
        )
    return (
        phrase("The key …%(last4)s works.", last4=key.last4)
        if used
        else phrase(
            "The key …%(last4)s works. It is a spare: a newer key is in use.", last4=key.last4
        )
    )


def retire(key: ApiKey) -> None:
    """Use `key` no more. When it was the refused one and a spare is there, the lanes may try the
    spare."""
    account = key.account
    with transaction.atomic():
        was_used = in_use(account) == key.pk
        key.active = False
        key.save(update_fields=["active"])
        # It may be the refused one that a note on a working account speaks of.
        Account.objects.filter(pk=account.pk, health=Account.Health.OK).update(health_text=EMPTY)
        if was_used and account.health == Account.Health.KEY and in_use(account) is not None:
            _mark(
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


@sensitive_variables("secret")
def _store_key(account: Account, secret: str, by: User | None, trial: Trial) -> ApiKey:
    """Write the key as the newest one; a retired row of the same key makes room for it."""
    account.keys.filter(fingerprint=fingerprint(secret), active=False).delete()
    key = ApiKey.make(account, secret, by)
    key.tested_at = None if trial.health == Account.Health.UNTRIED else timezone.now()
    key.save(force_insert=True)
    return key


def _mark(account: Account, trial: Trial) -> None:
    """Write down what a test of the key in use told. A working account is no longer paused and its
    lanes are rung; one with a payment due stays so, for a test costs nothing and says nothing about
    that, but is tried again now."""
    account.refresh_from_db(fields=("health", "health_text", "paused_until", "troubles", "told_at"))
    if trial.health == Account.Health.OK and account.health != Account.Health.ARREARS:
        _lanes(account).update(paused_until=None)
        health.well(account)
        return
    if trial.health != Account.Health.OK:
        account.health, account.health_text = trial.health, trial.sentence
    if trial.health in (Account.Health.OK, Account.Health.UNTRIED):
        account.paused_until = None
    account.save(update_fields=["health", "health_text", "paused_until"])
    if account.paused_until is None:
        _ring(account)


def _ring(account: Account) -> None:
    """What the lanes rested for may be over: they try again now."""
    lanes = _lanes(account)
    account.jobs.filter(lane__in=list(lanes), state=State.QUEUED, code=Code.ACCOUNT_PAUSED).update(
        not_before=None
    )
    lanes.update(rings=F("rings") + 1, next_visit_at=timezone.now(), paused_until=None)
    wakeup.ring_after_commit()


def _lanes(account: Account) -> QuerySet[Lane]:
    return Lane.objects.filter(account_id__in={account.pk, account.root_id})
