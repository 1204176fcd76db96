"""What becomes of somebody's presets and jobs in a team when they go.

What was sent goes on, is paid, and is archived for the team (jobs/engine/result_download.py). Who
clicked stays the owner of a job: its ledger entries name them, and those never change.
"""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from jobs.common.states import TERMINAL, State
from jobs.engine import transitions
from jobs.models import Job, PendingOrder
from jobs.orders import rest, stored_orders
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.models import Team, User
from studio.teams.belongings import Fate, Kind


def _presets(team: Team, person: User) -> int:
    return team.presets.filter(owner=person).count()


def _settle_presets(
    team: Team, person: User, fate: Fate, heir: User | None, by: User
) -> list[Sentence]:
    mine = team.presets.filter(owner=person)
    if fate == Fate.ERASE:
        number, _each = mine.delete()
        told = plural_phrase("%(n)s preset is erased.", "%(n)s presets are erased.", number)
    elif fate == Fate.TRANSFER and heir is not None:
        number = mine.update(owner=heir)
        told = plural_phrase(
            "%(n)s preset is %(person)s’s now.",
            "%(n)s presets are %(person)s’s now.",
            number,
            person=heir.short_name,
        )
    else:
        number = mine.update(owner=None)
        told = plural_phrase(
            "%(n)s preset stays with the team.", "%(n)s presets stay with the team.", number
        )
    return [told] if number else []


def _waiting(team: Team, person: User) -> QuerySet[Job]:
    return team.jobs.filter(owner=person, state=State.QUEUED)


def _count_waiting(team: Team, person: User) -> int:
    return _waiting(team, person).count()


def _settle_waiting(
    team: Team, person: User, fate: Fate, heir: User | None, by: User
) -> list[Sentence]:
    told: list[Sentence] = []
    if fate == Fate.CANCEL:
        told += _cancel(team, person, by)
    elif fate == Fate.TRANSFER and heir is not None:
        open_ones = team.jobs.filter(owner=person).exclude(state__in=TERMINAL)
        open_ones.update(handed_to=heir)
    left = team.jobs.filter(owner=person).exclude(state__in=TERMINAL).count()
    if left:
        told.append(
            plural_phrase(
                "%(n)s job goes on; its video will be %(whose)s.",
                "%(n)s jobs go on; their videos will be %(whose)s.",
                left,
                whose=heir.short_name if fate == Fate.TRANSFER and heir else phrase("the team’s"),
            )
        )
    return told


def _cancel(team: Team, person: User, by: User) -> list[Sentence]:
    """Cancel what was not sent. A template that somebody else's dance waits for is made."""
    canceled = 0
    # What waits for a template before the template.
    for job in _waiting(team, person).select_related("account", "team").order_by("-id"):
        if job.needed_by.exclude(state__in=TERMINAL).exclude(owner=person).exists():
            continue
        transitions.cancel(job, by)
        job.refresh_from_db(fields=["state"])
        canceled += job.state == State.CANCELED
    if not canceled:
        return []
    return [
        plural_phrase(
            "%(n)s job is canceled; nothing was sent, so nothing is paid.",
            "%(n)s jobs are canceled; nothing was sent, so nothing is paid.",
            canceled,
        )
    ]


def _asked(team: Team, person: User) -> QuerySet[PendingOrder]:
    return team.pending_orders.filter(owner=person, state=PendingOrder.State.OPEN)


def _count_asked(team: Team, person: User) -> int:
    return _asked(team, person).count()


def _settle_asked(
    team: Team, person: User, fate: Fate, heir: User | None, by: User
) -> list[Sentence]:
    """Nothing can be made for who is not in the team, so nobody is asked for it any more."""
    rows = _asked(team, person).select_related("team", "owner", "set").order_by("pk")
    ended = 0
    for one in rows:
        if one.reason == PendingOrder.Reason.APPROVAL:
            ended += stored_orders.withdraw(one, by)
        elif one.set is not None:
            ended += bool(rest.cancel(one.set, by))
    if not ended:
        return []
    return [
        plural_phrase(
            "%(n)s order that waited for approval or for room in a limit is withdrawn.",
            "%(n)s orders that waited for approval or for room in a limit are withdrawn.",
            ended,
        )
    ]


PRESETS = Kind(
    key="presets",
    label=_("Presets"),
    fates=(Fate.KEEP, Fate.TRANSFER, Fate.ERASE),
    count=_presets,
    settle=_settle_presets,
)
WAITING = Kind(
    key="jobs",
    label=_("Jobs that wait to be sent"),
    fates=(Fate.CANCEL, Fate.GO_ON, Fate.TRANSFER),
    count=_count_waiting,
    settle=_settle_waiting,
)
ASKED = Kind(
    key="asked",
    label=_("Orders that wait for approval or for room in a limit"),
    fates=(Fate.CANCEL,),
    count=_count_asked,
    settle=_settle_asked,
)
