"""Pauses that people set: an account or one lane of it, paused or draining, until somebody opens it
again. `target` is that account or lane.

Paused: nothing is sent; what is at the service goes on, new jobs may wait. Draining: what waits is
still sent, new jobs are refused with a sentence. The pause of an account holds the jobs of that row
only; that of a lane holds all jobs in it.

Who may: owners and admins of its team on its accounts page, and staff in the admin. This
module asks nobody.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from jobs.common import wakeup
from jobs.common.states import OUT, State
from jobs.models import Account, Job, Lane, PauseState
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import EMPTY, Sentence, moment, phrase, plural_phrase, together
from studio.models import Team, User

log = logging.getLogger("footlight.pauses")


def set_pause(target: Account | Lane, state: PauseState | str, by: User | None) -> Sentence:
    """Pause, drain or open `target` and return the sentence that says what follows. Its lanes are
    visited at once, so that waiting jobs say why they wait. Doing it twice changes nothing, not
    even who did it."""
    state = PauseState(state)
    now = clock.now()
    was = target.pause_state
    with transaction.atomic():
        changed = (
            type(target)
            .objects.filter(pk=target.pk)
            .exclude(pause_state=state)
            .update(pause_state=state, pause_set_by=by, pause_set_at=now)
        )
        if changed:
            record(
                Event.CONNECTION_PAUSED,
                team=_account(target).team,
                by=by,
                about=str(name(target)),
                before={"pause": was},
                after={"pause": state},
            )
    if changed:
        target.pause_state, target.pause_set_by, target.pause_set_at = state, by, now
        log.info(
            "%s of account %s is %s, by user %s",
            _kind(target),
            _account(target).public_id,
            state.value,
            by.pk if by else None,
        )
        _wake(target)
    else:
        target.refresh_from_db(fields=("pause_state", "pause_set_by", "pause_set_at"))
    done = {
        PauseState.OPEN: phrase("%(name)s is open.", name=name(target)),
        PauseState.PAUSED: phrase("%(name)s is paused.", name=name(target)),
        PauseState.DRAINING: phrase(
            "%(name)s finishes its queue and takes nothing new.", name=name(target)
        ),
    }
    return together(done[state], consequence(target, state))


def sentence(target: Account | Lane, team: Team | None = None) -> Sentence:
    """Who paused or drains `target` and when, such as “Aiko paused emo-v1 on North at 14:02”; ""
    when it is open. Times are UTC.

    Give the `team` whose people read it: what belongs to another team is not named.
    """
    if isinstance(target, Account) and target.reconcile_from is not None:
        return phrase(
            "%(name)s waits until its tasks are compared with the service’s list, after a restore "
            "of the database",
            name=name(target),
        )
    if target.pause_state == PauseState.OPEN:
        return EMPTY
    paused = target.pause_state == PauseState.PAUSED
    if team is not None and _account(target).team_id != team.pk:
        return _by_others(target, paused)
    person = target.pause_set_by.short_name if target.pause_set_by else phrase("Someone")
    by = _paused_by if paused else _drained_by
    return by(person, name(target), target.pause_set_at)


def _by_others(target: Account | Lane, paused: bool) -> Sentence:
    if isinstance(target, Account):
        if paused:
            return phrase(
                "This connection is paused for now, by those who look after its Alibaba account"
            )
        return phrase(
            "This connection finishes its queue and takes nothing new for now, by those who look "
            "after its Alibaba account"
        )
    if paused:
        return phrase(
            "%(model)s is paused for now, by those who look after its Alibaba account",
            model=target.model,
        )
    return phrase(
        "%(model)s finishes its queue and takes nothing new for now, by those who look after its "
        "Alibaba account",
        model=target.model,
    )


def consequence(target: Account | Lane, state: PauseState | str) -> Sentence:
    """What it means for the jobs of `target` that it is, or would be, `state`."""
    waiting = _jobs(target).filter(state=State.QUEUED).count()
    out = _jobs(target).filter(state__in=OUT).count()
    going = (
        plural_phrase("The one at the service goes on.", "The %(n)s at the service go on.", out)
        if out
        else EMPTY
    )
    if state == PauseState.PAUSED:
        return together(_held(waiting), going)
    if state == PauseState.DRAINING:
        return together(_drained(waiting), going)
    if not waiting:
        return phrase("New jobs are sent in order.")
    return plural_phrase(
        "%(n)s job waits; what waits is sent in order.",
        "%(n)s jobs wait; what waits is sent in order.",
        waiting,
    )


def _held(waiting: int) -> Sentence:
    if not waiting:
        return phrase("No job waits; nothing is sent until someone opens it.")
    return plural_phrase(
        "%(n)s job waits; nothing is sent until someone opens it.",
        "%(n)s jobs wait; nothing is sent until someone opens it.",
        waiting,
    )


def _drained(waiting: int) -> Sentence:
    if not waiting:
        return phrase("No job waits; new jobs are refused until someone opens it.")
    return plural_phrase(
        "%(n)s job waits and is still sent; new jobs are refused until someone opens it.",
        "%(n)s jobs wait and are still sent; new jobs are refused until someone opens it.",
        waiting,
    )


def paused_by(account: Account, lane: Lane) -> Account | Lane | None:
    """The paused account or lane that keeps jobs of `account` in `lane` from being sent; None when
    both let them through."""
    if not account.sends:
        return account
    return None if lane.sends else lane


def refuses(account: Account, lane: Lane | None, team: Team | None = None) -> Sentence:
    """Why no new job is taken, as a whole sentence; "" when it is. `lane` None: there is none for
    the model yet."""
    for target in (account, lane):
        if target is not None and not target.takes:
            return phrase(
                "%(why)s: it takes no new jobs. Use another connection, or ask an admin of the "
                "team to open it under Connections.",
                why=sentence(target, team),
            )
    return EMPTY


def name(target: Account | Lane) -> str:
    """“North”, or “emo-v1 on North”."""
    return (
        phrase("%(model)s on %(account)s", model=target.model, account=target.account.label)
        if isinstance(target, Lane)
        else target.label
    )


def _account(target: Account | Lane) -> Account:
    return target.account if isinstance(target, Lane) else target


def _kind(target: Account | Lane) -> str:
    return f"lane {target.model}" if isinstance(target, Lane) else "the whole"


def _jobs(target: Account | Lane) -> QuerySet[Job]:
    # By lane, so that an index over the open jobs is used and history costs nothing.
    if isinstance(target, Lane):
        return Job.objects.filter(lane=target).order_by()
    return Job.objects.filter(
        lane__account_id__in={target.pk, target.root_id}, account=target
    ).order_by()


def _paused_by(person: str, target: str, when: datetime | None) -> Sentence:
    if when is None:
        return phrase("%(person)s paused %(name)s", person=person, name=target)
    time = moment(when, "time")
    if when.date() == clock.now().date():
        return phrase(
            "%(person)s paused %(name)s at %(time)s", person=person, name=target, time=time
        )
    return phrase(
        "%(person)s paused %(name)s on %(day)s at %(time)s",
        person=person,
        name=target,
        day=moment(when, "day"),
        time=time,
    )


def _drained_by(person: str, target: str, when: datetime | None) -> Sentence:
    if when is None:
        return phrase(
            "%(person)s lets %(name)s finish its queue and take nothing new",
            person=person,
            name=target,
        )
    time = moment(when, "time")
    if when.date() == clock.now().date():
        return phrase(
            "%(person)s lets %(name)s finish its queue and take nothing new, since %(time)s",
            person=person,
            name=target,
            time=time,
        )
    return phrase(
        "%(person)s lets %(name)s finish its queue and take nothing new, since %(day)s at %(time)s",
        person=person,
        name=target,
        day=moment(when, "day"),
        time=time,
    )


def _wake(target: Account | Lane) -> None:
    lanes = (
        Lane.objects.filter(pk=target.pk)
        if isinstance(target, Lane)
        else Lane.objects.filter(account_id__in={target.pk, target.root_id})
    )
    lanes.update(wakeups=F("wakeups") + 1, next_visit_at=clock.now())
    wakeup.wake_dispatcher_after_commit()
