"""How an account and its lanes are: what trouble means, how long who rests, and how they get well
again by themselves.

What the service says, what stops, and how it gets well:

- key refused: the account whose key it is, when no other key in use is left (clients.py); `probe`,
  a free call, before any job;
- payment due: every row of the Alibaba account; one job alone is tried (a refused one costs
  nothing);
- free quota used up, console budget used up, no access: the lane of the model; one job alone is
  tried;
- model retired (a 404, or a refusal after its date): the lane, whose jobs wait and are told the
  successor; one job alone is
  tried, after rests of up to 24 h;
- asked to slow down, or not reached at all: the lane, for Retry-After or 1 to 60 s; then one job
  alone is tried.

Rests grow with `troubles` in a row (5, 10, 20, 40, 60 min, give or take a tenth). Jobs wait and
never fail of any of this.

How the engine uses it. When a submit or a check is refused: `trouble`, `gone`, `throttled`; the job
goes back to QUEUED and `until` tells when it may go again (None: at once, with another key). After
an accepted order: `works`. After a good look: `key_works`. Before sending a job: when
`due_probe(job.account)`, `probe` it and send nothing when that is False. While `first_only(lane)`:
send at most one job in a visit. `why(account, lane)` is what a job that waits because of this says.

The owners get one mail when something stops and one when it is well again; a request to slow down
is no news.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from datetime import timezone as dt_timezone

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from jobs.accounts import clients, mail, rate_limit
from jobs.catalogue import entries
from jobs.common import wakeup
from jobs.common.dates import long_day
from jobs.common.states import Code, State
from jobs.models import Account, Job, Lane
from jobs.modelstudio import AccountTrouble, ModelGone, OurFault, WireError
from studio.common.translatable import EMPTY, Sentence, phrase, together, translated

log = logging.getLogger("footlight.health")

Health = Account.Health
RESTS = (5, 10, 20, 40, 60)  # minutes
GONE_RESTS = (10, 30, 60, 180, 360, 720, 1440)
SILENT = 60.0  # seconds until a probe that got no answer is made again
SLOWEST, LONGEST_WAIT = (
    60.0,
    3600.0,
)  # seconds of our own backoff, and of a Retry-After that is believed
CHINA = dt_timezone(timedelta(hours=8))  # the service's dates are of its own time zone
_WELL = (Health.OK, Health.UNTRIED)
# A lane that only was asked to slow down is not in trouble.
_UNTOLD = (*_WELL, Health.THROTTLED)

_KEPT = phrase("Waiting jobs are kept and go on by themselves once it works.")


def _account_says(account: Account, reason: Account.Health) -> Sentence:
    if reason == Health.KEY:
        return phrase(
            "The service refuses the API key of %(account)s. Nothing is sent until a working one "
            "of the same region is there: add it under Accounts.",
            account=account.label,
        )
    return phrase(
        "The account %(account)s has a payment due, so the service refuses work. Settle it in the "
        "Alibaba Cloud console.",
        account=account.label,
    )


def _lane_says(model: str, reason: Account.Health) -> Sentence:
    """Lanes may be shared by rows of several teams, so these name no account."""
    says = {
        Health.QUOTA: phrase(
            "The free quota for %(model)s is used up, and the account is set to free use only. "
            "Change that in the Model Studio console.",
            model=model,
        ),
        Health.BUDGET: phrase(
            "What the console allots to the account for %(model)s is used up. Raise the quota or "
            "budget in the Model Studio console.",
            model=model,
        ),
        Health.ACCESS: phrase(
            "The account may not use %(model)s. Activate the model in the Model Studio console, or "
            "give the key’s workspace the right to it.",
            model=model,
        ),
        Health.THROTTLED: phrase("The service asks to slow down with %(model)s.", model=model),
    }
    return says[reason]


# ── what went wrong ───────────────────────────────────────────────────────────────────────────────


def trouble(account: Account, error: AccountTrouble, model: str) -> Sentence:
    """Let rest what `error` stops and return the sentence. `account` is the row whose key the call
    was made with; when only that key is refused and another is in use, nothing rests."""
    reason = Health(error.reason)
    if reason == Health.KEY and clients.refused(account, error.key_id):
        return _next_key(account)
    if reason == Health.KEY:
        return _stop([account], reason)
    if reason == Health.ARREARS:
        return _stop([account, *family(account).exclude(pk=account.pk)], reason)
    if reason == Health.ACCESS and retired(model):
        return _rest_lane(account, model, Health.GONE, gone_sentence(model))
    return _rest_lane(account, model, reason, _lane_says(model, reason))


def gone(account: Account, error: WireError, model: str) -> Sentence:
    """The service does not offer `model` to the account: its lane rests ever longer, and the
    sentence names the successor."""
    log.info("%s on account %s: %s", model, account.public_id, error)
    return _rest_lane(account, model, Health.GONE, gone_sentence(model))


def is_gone(error: WireError, model: str) -> bool:
    """Whether a refusal says that `model` is no more: it says so, or its date has passed and the
    address is not known any longer."""
    return isinstance(error, ModelGone) or (
        isinstance(error, OurFault) and error.status in (404, 405, 410) and retired(model)
    )


def unreachable(account: Account, model: str) -> float:
    """Nothing can be sent to the service: let the lane rest, as if it asked for it, so that one job
    tries and not each of a hundred; returns how long (s)."""
    return throttled(account, model, None, phrase("The service cannot be reached."))


def throttled(account: Account, model: str, seconds: float | None, says: Sentence = EMPTY) -> float:
    """Let the lane rest as long as the service asks (`seconds`), else 1 to 60 s, longer each time
    in a row; returns how long."""
    lane = _lane(account, model)
    times = lane.troubles if lane is not None else 0
    if seconds is None:
        seconds = min(SLOWEST, 2.0 ** min(times, 10) * random.uniform(0.75, 1.25))  # noqa: S311
    seconds = min(LONGEST_WAIT, max(1.0, seconds))
    if lane is not None:
        columns: dict[str, object] = {"paused_until": timezone.now() + timedelta(seconds=seconds)}
        if lane.health in _UNTOLD:  # a graver trouble stays what it is
            says = says or _lane_says(model, Health.THROTTLED)
            columns |= {
                "health": Health.THROTTLED,
                "paused_text": says,
                "troubles": min(times + 1, 1000),
            }
        Lane.objects.filter(pk=lane.pk).update(**columns)
    return seconds


def gone_sentence(model: str) -> Sentence:
    """What is said about a model that the service no longer offers, with its successors of the
    catalogue."""
    spec = entries.MODELS.get(model)
    says = phrase("The service does not offer %(model)s to this account.", model=model)
    if spec is None:
        return says
    if spec.retires_at and spec.retired(timezone.now()):
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


def retired(model: str) -> bool:
    """The catalogue's retirement date of `model` has passed. It may answer nevertheless (CONTRACT
    §0.1)."""
    spec = entries.MODELS.get(model)
    return spec is not None and spec.retired(timezone.now())


# ── how it gets well ──────────────────────────────────────────────────────────────────────────────


def works(account: Account, model: str = "") -> None:
    """The service accepted an order of `account` (for `model`, whose lane is well too). What waited
    goes on at once.

    Writes only when something changes. Not for looks: an account that owes money still answers them
    (see `key_works`).
    """
    if account.health not in _WELL or account.paused_until is not None:
        rows = (
            family(account).filter(health=Health.ARREARS)
            if account.health == Health.ARREARS
            else []
        )
        well(account)
        for row in rows:
            well(row)
    elif account.health == Health.UNTRIED or (account.health_text and clients.with_newest(account)):
        Account.objects.filter(pk=account.pk, health__in=_WELL).update(
            health=Health.OK, health_text=EMPTY, troubles=0
        )
        account.health, account.health_text = Health.OK, EMPTY
    lane = _lane(account, model) if model else None
    if lane is not None and (lane.health != Health.OK or lane.paused_until is not None):
        _lane_well(lane)


def key_works(account: Account) -> None:
    """The service answered a look: the key is good. Anything else that was wrong with the account
    may still be."""
    if account.health == Health.KEY:
        well(account)


def well(account: Account) -> None:
    """Whatever was wrong with `account` is over: its jobs go on, and the owners hear of it if they
    had heard of the trouble."""
    was = account.get_health_display()
    Account.objects.filter(pk=account.pk).update(
        health=Health.OK, health_text=EMPTY, paused_until=None, troubles=0
    )
    account.health, account.health_text, account.paused_until, account.troubles = (
        Health.OK,
        EMPTY,
        None,
        0,
    )
    _go_on(
        Lane.objects.filter(account_id__in={account.pk, account.root_id}),
        Q(account_id=account.pk, code=Code.ACCOUNT_PAUSED),
    )
    if Account.objects.filter(pk=account.pk, told_at__isnull=False).update(told_at=None):
        account.told_at = None
        text = phrase(
            "The account %(account)s can be used again (it was: %(was)s). What waited goes on by "
            "itself.",
            account=account.label,
            was=was,
        )
        _tell(account, phrase("%(account)s works again", account=account.label), text)


def due_probe(account: Account) -> bool:
    """A free `probe` has to say whether the account's key is taken again before any job of it is
    sent."""
    return account.health == Health.KEY and not account.paused()


def probe(account: Account) -> bool:
    """Ask the service for free, with each key in use, whether it takes one; True when it does and
    the account is well.

    One to three seconds, longer when the service is silent. A refusal lengthens the rest; silence
    makes it a minute.
    """
    refusal: AccountTrouble | None = None
    silent = False
    for key, client in clients.every(account):
        rate_limit.take(account.root_id, "query", patience=2.0)
        try:
            client.probe()
        except AccountTrouble as error:
            if error.reason != Health.KEY:
                # The key is right; what else is wrong has a way of its own.
                clients.taken(key)
                well(account)
                trouble(account, error, "")
                return not account.paused()
            refusal = error
            clients.refused(account, key.pk)
        except WireError as error:
            log.info("probe of account %s: %s", account.public_id, error)
            silent = True
        else:
            clients.taken(key)
            well(account)
            return True
    if silent or refusal is None:
        account.paused_until = timezone.now() + timedelta(
            seconds=SILENT * random.uniform(0.75, 1.25)  # noqa: S311
        )
        Account.objects.filter(pk=account.pk).update(paused_until=account.paused_until)
    else:
        _stop([account], Health.KEY)
    return False


def first_only(lane: Lane) -> bool:
    """Whether the lane is getting well: of what waits one job at most is sent in a visit, the
    others once `works` was called."""
    return lane.health not in _WELL or lane.account.health not in _WELL


# ── what waiting jobs say ─────────────────────────────────────────────────────────────────────────


def until(account: Account, lane: Lane) -> datetime | None:
    """When jobs of `account` in `lane` may go again; None when they need not wait."""
    now = timezone.now()
    return max(
        (at for at in (account.paused_until, lane.paused_until) if at is not None and at > now),
        default=None,
    )


def why(account: Account, lane: Lane) -> tuple[Code, Sentence]:
    """The code and the sentence of a job of `account` that waits in `lane` because one of them
    rests; ("", "") when none does."""
    if account.paused():
        return Code.ACCOUNT_PAUSED, account.health_text or phrase("The account rests.")
    if lane.paused():
        code = {Health.GONE: Code.MODEL_GONE, Health.THROTTLED: Code.BACKING_OFF}.get(
            Health(lane.health), Code.ACCOUNT_PAUSED
        )
        return code, lane.paused_text or phrase("The lane rests.")
    return Code.NONE, EMPTY


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def family(account: Account) -> QuerySet[Account]:
    """Every row of the same Alibaba account, `account` included."""
    return Account.objects.filter(
        Q(pk=account.root_id) | Q(same_as_id=account.root_id)
    ).select_related("team")


def _lane(account: Account, model: str) -> Lane | None:
    return (
        Lane.objects.filter(account_id=account.root_id, model=model)
        .select_related("account__team")
        .first()
    )


def _rest(troubles: int, minutes: tuple[int, ...] = RESTS) -> timedelta:
    """How long to rest at trouble number `troubles` in a row, give or take a tenth so that many do
    not come back at once, and never longer than the last of `minutes`."""
    rest = minutes[min(max(troubles, 1), len(minutes)) - 1] * random.uniform(0.9, 1.1)  # noqa: S311
    return timedelta(minutes=min(rest, minutes[-1]))


def _stop(accounts: Iterable[Account], reason: Account.Health) -> Sentence:
    """Let whole accounts rest. Several lanes may hear the same refusal at once; it counts once."""
    sentence = EMPTY
    for account in accounts:
        now = timezone.now()
        account.refresh_from_db(
            fields=("health", "health_text", "paused_until", "troubles", "told_at")
        )
        says = _account_says(account, reason)
        sentence = sentence or says
        if account.health == reason and account.paused(now):
            continue
        before, tell = account.troubles, account.told_at is None
        account.health, account.health_text, account.troubles = reason, says, min(before + 1, 1000)
        account.paused_until = now + _rest(account.troubles)
        account.told_at = account.told_at or now
        columns = {
            name: getattr(account, name)
            for name in ("health", "health_text", "troubles", "paused_until", "told_at")
        }
        # All or nothing: who is cut off in between would leave an account at rest of which nobody
        # is ever told.
        with transaction.atomic():
            if Account.objects.filter(pk=account.pk, troubles=before).update(**columns):
                log.warning(
                    "account %s stops: %s, trouble %d in a row",
                    account.public_id,
                    reason,
                    account.troubles,
                )
                if tell:
                    subject = phrase(
                        "%(account)s: %(trouble)s",
                        account=account.label,
                        trouble=account.get_health_display(),
                    )
                    _tell(account, subject, together(says, _KEPT))
    return sentence


@transaction.atomic
def _next_key(account: Account) -> Sentence:
    """The newest key is refused and another one is used: say so on the account, and once to the
    owners."""
    says = phrase(
        "The service refuses a key of %(account)s, so another key of it is used. Test the keys "
        "under Accounts and retire the refused one.",
        account=account.label,
    )
    if Account.objects.filter(pk=account.pk, health_text="").update(health_text=says):
        _tell(account, phrase("%(account)s: a key is refused", account=account.label), says)
    return says


@transaction.atomic
def _rest_lane(
    account: Account, model: str, reason: Account.Health, sentence: Sentence
) -> Sentence:
    """Let the lane of `model` rest. A check has none; then the sentence is all."""
    lane = _lane(account, model)
    now = timezone.now()
    if lane is None or (lane.health == reason and lane.paused(now)):
        return sentence
    troubles = 1 if lane.health in _UNTOLD else min(lane.troubles + 1, 1000)
    until = now + _rest(troubles, GONE_RESTS if reason == Health.GONE else RESTS)
    columns = {
        "health": reason,
        "troubles": troubles,
        "paused_until": until,
        "paused_text": sentence,
    }
    # The old health stands in the condition, so one visitor only sees the beginning of the trouble.
    if Lane.objects.filter(pk=lane.pk, health=lane.health, troubles=lane.troubles).update(
        **columns
    ):
        log.warning(
            "lane %s of account %s rests: %s, trouble %d in a row",
            model,
            lane.account.public_id,
            reason,
            troubles,
        )
        if lane.health in _UNTOLD:
            for row in family(lane.account):
                subject = phrase(
                    "%(account)s: %(model)s, %(trouble)s",
                    account=row.label,
                    model=model,
                    trouble=reason.label,
                )
                _tell(row, subject, together(sentence, _KEPT))
    return sentence


def _lane_well(lane: Lane) -> None:
    columns = {"health": Health.OK, "troubles": 0, "paused_until": None, "paused_text": EMPTY}
    if not Lane.objects.filter(pk=lane.pk, health=lane.health).update(**columns):
        return
    _go_on(Lane.objects.filter(pk=lane.pk), Q(code__in=(Code.ACCOUNT_PAUSED, Code.MODEL_GONE)))
    if lane.health not in _UNTOLD:
        for row in family(lane.account):
            subject = phrase(
                "%(account)s: %(model)s works again", account=row.label, model=lane.model
            )
            text = phrase(
                "%(account)s makes films with %(model)s again. What waited goes on by itself.",
                account=row.label,
                model=lane.model,
            )
            _tell(row, subject, text)


def _go_on(lanes: QuerySet[Lane], which: Q) -> None:
    """End the rest of the jobs that waited in `lanes`, and have the lanes visited."""
    ids = list(lanes.values_list("pk", flat=True))
    Job.objects.filter(
        which, lane_id__in=ids, state=State.QUEUED, not_before__gt=timezone.now()
    ).update(not_before=None)
    Lane.objects.filter(pk__in=ids).update(rings=F("rings") + 1, next_visit_at=timezone.now())
    wakeup.ring_after_commit()


def _tell(account: Account, subject: Sentence, text: Sentence) -> None:
    """A mail to the owners and admins of the account's team, with the way to its page."""
    path = reverse("jobs:account", args=[account.team.slug, account.public_id])
    page = f"{settings.PUBLIC_URL.rstrip('/')}{path}"
    mail.tell(account.team, translated(subject), f"{translated(text)}\n\n{page}")
