"""Removing a Model Studio connection: its keys are erased here, and nothing is sent through it any
more. Jobs, videos and their bill go on naming it, so its row stays, out of every list.

Refused while anything needs its keys. An order comes before the removal and hinders it, or after it
and is refused (`insert_job.require_here`): both are under the team's lock.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import Q, QuerySet

from jobs.accounts import shared_accounts
from jobs.accounts.keys import TASK_LIFE
from jobs.billing import ledger
from jobs.common.errors import Refused
from jobs.common.states import TERMINAL, Outcome
from jobs.models import Account, ApiKey, Attempt, Check, Job, Template
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.models import User

log = logging.getLogger("footlight.account_setup")


def hindrances(account: Account) -> list[Sentence]:
    """Why it must stay now, and what to do; [] when it may go."""
    found = []
    jobs = Job.objects.filter(account=account).exclude(state__in=TERMINAL).count()
    if jobs:
        found.append(
            plural_phrase(
                "%(n)s job of it has not ended. Cancel it, or wait until it has ended; paused, the "
                "connection sends nothing new meanwhile.",
                "%(n)s jobs of it have not ended. Cancel them, or wait until they have ended; "
                "paused, the connection sends nothing new meanwhile.",
                jobs,
            )
        )
    if number := _followed(account).count():
        found.append(
            plural_phrase(
                "%(n)s task that answered late is still looked after with its keys. Try again when "
                "it has ended.",
                "%(n)s tasks that answered late are still looked after with its keys. Try again "
                "when they have ended.",
                number,
            )
        )
    asked = Check.objects.filter(
        account=account, state__in=(Check.State.WAITING, Check.State.ASKING)
    )
    if asked.exists():
        found.append(phrase("It is checking a picture just now. Try again in a minute."))
    return found


def _followed(account: Account) -> QuerySet[Attempt]:
    """Attempts of ended jobs that may have a task which nobody has looked at to its end. One that
    no answer came for counts while the service would still know its task."""
    known = Q(outcome__in=(Outcome.SENDING, Outcome.UNCERTAIN))
    known &= Q(began_at__gt=clock.now() - TASK_LIFE)
    rows = Attempt.objects.filter(job__account=account, job__state__in=TERMINAL)
    return rows.filter(known | Q(outcome=Outcome.LATE))


def templates_of(account: Account) -> int:
    """How many dance templates can be used no more without it."""
    return Template.objects.filter(account=account, forgotten=False).count()


def remove(account: Account, by: User) -> None:
    """Refused while something needs it, with what to do."""
    with transaction.atomic():
        ledger.lock(account.team)
        now_row = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
        if now_row.removed_at is not None:
            return
        if sentences := hindrances(now_row):
            raise Refused(*sentences)
        keys = list(now_row.keys.values_list("last4", flat=True))
        ApiKey.objects.filter(account=now_row).delete()
        Template.objects.filter(account=now_row).update(forgotten=True)
        now_row.people.clear()
        now_row.removed_at, now_row.removed_by = clock.now(), by
        now_row.reconcile_from = None
        now_row.save(update_fields=["removed_at", "removed_by", "reconcile_from"])
        record(
            Event.CONNECTION_REMOVED,
            team=account.team,
            by=by,
            about=account.label,
            before={"keys": len(keys)},
        )
    # Whoever shared its lanes goes on in lanes of their own.
    shared_accounts.forget_proofs(now_row)
    log.info("account %s of team %s is removed, with %s keys", account, account.team_id, len(keys))
