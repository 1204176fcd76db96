"""How accounts and lanes are put to rest and taken back into use, with one mail to the owners for
each."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from jobs.accounts import mail
from jobs.accounts.health_sentences import JOBS_WAIT, account_sentence
from jobs.common import wakeup
from jobs.common.states import Code, State
from jobs.models import Account, Job, Lane
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, phrase, together, translated

log = logging.getLogger("footlight.health_rests")

Health = Account.Health
RESTS = (5, 10, 20, 40, 60)  # minutes
GONE_RESTS = (10, 30, 60, 180, 360, 720, 1440)
WELL = (Health.OK, Health.UNTRIED)
# A lane that only was asked to slow down is not in trouble.
UNREPORTED = (*WELL, Health.THROTTLED)


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
    if Account.objects.filter(pk=account.pk, notified_at__isnull=False).update(notified_at=None):
        account.notified_at = None
        text = phrase(
            "The connection %(account)s can be used again (it was: %(was)s). What waited goes on "
            "by itself.",
            account=account.label,
            was=was,
        )
        _tell(account, phrase("%(account)s works again", account=account.label), text)


def family(account: Account) -> QuerySet[Account]:
    """Every row of the same Alibaba account, `account` included."""
    return Account.objects.filter(
        Q(pk=account.root_id) | Q(same_as_id=account.root_id)
    ).select_related("team")


def lane_of(account: Account, model: str) -> Lane | None:
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


def rest_accounts(accounts: Iterable[Account], reason: Account.Health) -> Sentence:
    """Let whole accounts rest. Several lanes may hear the same refusal at once; it counts once."""
    sentence = EMPTY
    for account in accounts:
        now = clock.now()
        account.refresh_from_db(
            fields=("health", "health_text", "paused_until", "troubles", "notified_at")
        )
        says = account_sentence(account, reason)
        sentence = sentence or says
        if account.health == reason and account.paused(now):
            continue
        before, tell = account.troubles, account.notified_at is None
        account.health, account.health_text, account.troubles = reason, says, min(before + 1, 1000)
        account.paused_until = now + _rest(account.troubles)
        account.notified_at = account.notified_at or now
        columns = {
            name: getattr(account, name)
            for name in ("health", "health_text", "troubles", "paused_until", "notified_at")
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
                    _tell(account, subject, together(says, JOBS_WAIT))
    return sentence


@transaction.atomic
def report_refused_key(account: Account) -> Sentence:
    """The newest key is refused and another one is used: say so on the account, and once to the
    owners."""
    says = phrase(
        "The service refuses a key of %(account)s, so another key of it is used. Test the keys "
        "under Connections and retire the refused one.",
        account=account.label,
    )
    if Account.objects.filter(pk=account.pk, health_text="").update(health_text=says):
        _tell(account, phrase("%(account)s: a key is refused", account=account.label), says)
    return says


@transaction.atomic
def rest_lane(account: Account, model: str, reason: Account.Health, sentence: Sentence) -> Sentence:
    """Let the lane of `model` rest. A check has none; then the sentence is all."""
    lane = lane_of(account, model)
    now = clock.now()
    if lane is None or (lane.health == reason and lane.paused(now)):
        return sentence
    troubles = 1 if lane.health in UNREPORTED else min(lane.troubles + 1, 1000)
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
        if lane.health in UNREPORTED:
            for row in family(lane.account):
                subject = phrase(
                    "%(account)s: %(model)s, %(trouble)s",
                    account=row.label,
                    model=model,
                    trouble=reason.label,
                )
                _tell(row, subject, together(sentence, JOBS_WAIT))
    return sentence


def lane_well(lane: Lane) -> None:
    columns = {"health": Health.OK, "troubles": 0, "paused_until": None, "paused_text": EMPTY}
    if not Lane.objects.filter(pk=lane.pk, health=lane.health).update(**columns):
        return
    _go_on(Lane.objects.filter(pk=lane.pk), Q(code__in=(Code.ACCOUNT_PAUSED, Code.MODEL_GONE)))
    if lane.health not in UNREPORTED:
        for row in family(lane.account):
            subject = phrase(
                "%(account)s: %(model)s works again", account=row.label, model=lane.model
            )
            text = phrase(
                "%(account)s makes videos with %(model)s again. What waited goes on by itself.",
                account=row.label,
                model=lane.model,
            )
            _tell(row, subject, text)


def _go_on(lanes: QuerySet[Lane], which: Q) -> None:
    """End the rest of the jobs that waited in `lanes`, and have the lanes visited."""
    ids = list(lanes.values_list("pk", flat=True))
    Job.objects.filter(
        which, lane_id__in=ids, state=State.QUEUED, not_before__gt=clock.now()
    ).update(not_before=None)
    Lane.objects.filter(pk__in=ids).update(wakeups=F("wakeups") + 1, next_visit_at=clock.now())
    wakeup.wake_dispatcher_after_commit()


def _tell(account: Account, subject: Sentence, text: Sentence) -> None:
    """A mail to the owners and admins of the account's team, with the way to its page."""
    path = reverse("jobs:account", args=[account.team.slug, account.public_id])
    page = f"{settings.PUBLIC_URL.rstrip('/')}{path}"
    mail.notify(account.team, translated(subject), f"{translated(text)}\n\n{page}")
