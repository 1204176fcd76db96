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
from datetime import datetime, timedelta

from jobs.accounts import choice, clients, rate_limit
from jobs.accounts.health_rests import (
    UNREPORTED,
    WELL,
    family,
    lane_of,
    lane_well,
    report_refused_key,
    rest_accounts,
    rest_lane,
    well,
)
from jobs.accounts.health_sentences import gone_sentence, lane_sentence
from jobs.catalogue import entries
from jobs.common.states import Code
from jobs.models import Account, Lane
from jobs.modelstudio import AccountTrouble, ModelGone, OurFault, WireError
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase

log = logging.getLogger("footlight.health")

Health = Account.Health
SILENT = 60.0  # seconds until a probe that got no answer is made again
SLOWEST, LONGEST_WAIT = (
    60.0,
    3600.0,
)  # seconds of our own backoff, and of a Retry-After that is believed


def trouble(account: Account, error: AccountTrouble, model: str) -> Sentence:
    """Let rest what `error` stops and return the sentence. `account` is the row whose key the call
    was made with; when only that key is refused and another is in use, nothing rests."""
    reason = Health(error.reason)
    if reason == Health.KEY and choice.refused(account, error.key_id):
        return report_refused_key(account)
    if reason == Health.KEY:
        return rest_accounts([account], reason)
    if reason == Health.ARREARS:
        return rest_accounts([account, *family(account).exclude(pk=account.pk)], reason)
    if reason == Health.ACCESS and retired(model):
        return rest_lane(account, model, Health.GONE, gone_sentence(model))
    return rest_lane(account, model, reason, lane_sentence(model, reason))


def gone(account: Account, error: WireError, model: str) -> Sentence:
    """The service does not offer `model` to the account: its lane rests ever longer, and the
    sentence names the successor."""
    log.info("%s on account %s: %s", model, account.public_id, error)
    return rest_lane(account, model, Health.GONE, gone_sentence(model))


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
    lane = lane_of(account, model)
    times = lane.troubles if lane is not None else 0
    if seconds is None:
        seconds = min(SLOWEST, 2.0 ** min(times, 10) * random.uniform(0.75, 1.25))  # noqa: S311
    seconds = min(LONGEST_WAIT, max(1.0, seconds))
    if lane is not None:
        columns: dict[str, object] = {"paused_until": clock.now() + timedelta(seconds=seconds)}
        if lane.health in UNREPORTED:  # a graver trouble stays what it is
            says = says or lane_sentence(model, Health.THROTTLED)
            columns |= {
                "health": Health.THROTTLED,
                "paused_text": says,
                "troubles": min(times + 1, 1000),
            }
        Lane.objects.filter(pk=lane.pk).update(**columns)
    return seconds


def retired(model: str) -> bool:
    """The catalogue's retirement date of `model` has passed. It may answer nevertheless (CONTRACT
    §0.1)."""
    spec = entries.MODELS.get(model)
    return spec is not None and spec.retired(clock.now())


def works(account: Account, model: str = "") -> None:
    """The service accepted an order of `account` (for `model`, whose lane is well too). What waited
    goes on at once.

    Writes only when something changes. Not for looks: an account that owes money still answers them
    (see `key_works`).
    """
    if account.health not in WELL or account.paused_until is not None:
        rows = (
            family(account).filter(health=Health.ARREARS)
            if account.health == Health.ARREARS
            else []
        )
        well(account)
        for row in rows:
            well(row)
    elif account.health == Health.UNTRIED or (account.health_text and choice.with_newest(account)):
        Account.objects.filter(pk=account.pk, health__in=WELL).update(
            health=Health.OK, health_text=EMPTY, troubles=0
        )
        account.health, account.health_text = Health.OK, EMPTY
    lane = lane_of(account, model) if model else None
    if lane is not None and (lane.health != Health.OK or lane.paused_until is not None):
        lane_well(lane)


def key_works(account: Account) -> None:
    """The service answered a look: the key is good. Anything else that was wrong with the account
    may still be."""
    if account.health == Health.KEY:
        well(account)


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
                choice.taken(key)
                well(account)
                trouble(account, error, "")
                return not account.paused()
            refusal = error
            choice.refused(account, key.pk)
        except WireError as error:
            log.info("probe of account %s: %s", account.public_id, error)
            silent = True
        else:
            choice.taken(key)
            well(account)
            return True
    if silent or refusal is None:
        account.paused_until = clock.now() + timedelta(
            seconds=SILENT * random.uniform(0.75, 1.25)  # noqa: S311
        )
        Account.objects.filter(pk=account.pk).update(paused_until=account.paused_until)
    else:
        rest_accounts([account], Health.KEY)
    return False


def first_only(lane: Lane) -> bool:
    """Whether the lane is getting well: of what waits one job at most is sent in a visit, the
    others once `works` was called."""
    return lane.health not in WELL or lane.account.health not in WELL


def until(account: Account, lane: Lane) -> datetime | None:
    """When jobs of `account` in `lane` may go again; None when they need not wait."""
    now = clock.now()
    return max(
        (at for at in (account.paused_until, lane.paused_until) if at is not None and at > now),
        default=None,
    )


def why(account: Account, lane: Lane) -> tuple[Code, Sentence]:
    """The code and the sentence of a job of `account` that waits in `lane` because one of them
    rests; ("", "") when none does."""
    if account.paused():
        return Code.ACCOUNT_PAUSED, account.health_text or phrase("The connection rests.")
    if lane.paused():
        code = {Health.GONE: Code.MODEL_GONE, Health.THROTTLED: Code.BACKING_OFF}.get(
            Health(lane.health), Code.ACCOUNT_PAUSED
        )
        return code, lane.paused_text or phrase("The queue rests.")
    return Code.NONE, EMPTY
