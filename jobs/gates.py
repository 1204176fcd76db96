"""Doors that people close: an account or one lane of it, paused or draining, until somebody opens it again.

Paused: nothing is sent; what is at the service goes on, new jobs may wait. Draining: what waits is still sent, new jobs are
refused with a sentence. The gate of an account holds the jobs of that row only; the gate of a lane holds all jobs in it.

Who may: owners and admins of the door's team on its accounts page, and staff in the admin. This module asks nobody.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import F, QuerySet
from django.utils import timezone

from jobs import bell
from jobs.models import Account, Gate, Job, Lane
from jobs.states import OUT, State
from studio.models import Team, User

log = logging.getLogger("footlight.gates")


def set_gate(door: Account | Lane, gate: Gate | str, by: User | None) -> str:
    """Close or open `door` and return the sentence that says what follows. The lanes behind it are visited at once, so that
    waiting jobs say why they wait. Doing it twice changes nothing, not even who did it."""
    gate = Gate(gate)
    now = timezone.now()
    changed = type(door).objects.filter(pk=door.pk).exclude(gate=gate).update(gate=gate, gate_by=by, gate_at=now)
    if changed:
        door.gate, door.gate_by, door.gate_at = gate, by, now
        log.info("%s of account %s is %s, by user %s", _kind(door), _account(door).public_id, gate.value, by.pk if by else None)
        _ring(door)
    else:
        door.refresh_from_db(fields=("gate", "gate_by", "gate_at"))
    return f"{name(door)} is {gate.label}. {consequence(door, gate)}"


def sentence(door: Account | Lane, team: Team | None = None) -> str:
    """Who closed `door` and when, such as “Aiko paused emo-v1 on North at 14:02”; "" when it is open. Times are UTC.

    Give the `team` whose people read it: what belongs to another team is not named.
    """
    if door.gate == Gate.OPEN:
        return ""
    done = "paused" if door.gate == Gate.PAUSED else "is draining"
    if team is not None and _account(door).team_id != team.pk:
        what = door.model if isinstance(door, Lane) else "This account"
        return f"{what} is {Gate(door.gate).label} for now, by those who look after its Alibaba account"
    who = door.gate_by.short_name if door.gate_by else "Someone"
    return f"{who} {done} {name(door)}{_at(door.gate_at, 'at' if door.gate == Gate.PAUSED else 'since')}"


def consequence(door: Account | Lane, gate: Gate | str) -> str:
    """What it means for the jobs behind `door` that it is, or would be, `gate`."""
    waiting = _jobs(door).filter(state=State.QUEUED).count()
    out = _jobs(door).filter(state__in=OUT).count()
    wait = "no job waits" if not waiting else "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
    going = "" if not out else " The one at the service goes on." if out == 1 else f" The {out} at the service go on."
    if gate == Gate.PAUSED:
        return f"{_first(wait)}; nothing is sent until someone opens it.{going}"
    if gate == Gate.DRAINING:
        sent = "" if not waiting else " and is still sent" if waiting == 1 else " and are still sent"
        return f"{_first(wait)}{sent}; new jobs are refused until someone opens it.{going}"
    return f"{_first(wait)}; what waits is sent in its turn." if waiting else "New jobs are sent in their turn."


def closed(account: Account, lane: Lane) -> Account | Lane | None:
    """The paused door that keeps jobs of `account` in `lane` from being sent; None when both let them through."""
    if not account.sends:
        return account
    return None if lane.sends else lane


def refuses(account: Account, lane: Lane | None, team: Team | None = None) -> str:
    """Why no new job is taken, as a whole sentence; "" when it is. `lane` None: there is none for the model yet."""
    for door in (account, lane):
        if door is not None and not door.takes:
            return f"{sentence(door, team)}: it takes no new jobs. Use another account, or ask an admin of the team to open it under Accounts."
    return ""


def name(door: Account | Lane) -> str:
    """“North”, or “emo-v1 on North”."""
    return f"{door.model} on {door.account.label}" if isinstance(door, Lane) else door.label


def _account(door: Account | Lane) -> Account:
    return door.account if isinstance(door, Lane) else door


def _kind(door: Account | Lane) -> str:
    return f"lane {door.model}" if isinstance(door, Lane) else "the whole"


def _jobs(door: Account | Lane) -> QuerySet[Job]:
    # By lane, so that an index over the open jobs is used and history costs nothing.
    if isinstance(door, Lane):
        return Job.objects.filter(lane=door).order_by()
    return Job.objects.filter(lane__account_id__in={door.pk, door.root_id}, account=door).order_by()


def _at(when: datetime | None, word: str) -> str:
    if when is None:
        return ""
    if when.date() == timezone.now().date():
        return f" {word} {when:%H:%M}"
    return f" {'on' if word == 'at' else word} {when.day} {when:%b} at {when:%H:%M}"


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ring(door: Account | Lane) -> None:
    lanes = Lane.objects.filter(pk=door.pk) if isinstance(door, Lane) else Lane.objects.filter(account_id__in={door.pk, door.root_id})
    lanes.update(rings=F("rings") + 1, next_visit_at=timezone.now())
    bell.ring_after_commit()
