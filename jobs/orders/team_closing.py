"""An owner deletes a team: it is closed at once, may be reopened for 30 days, and is emptied then
(`team_sweep`).

What waits is canceled, which is free. What is at the service cannot be called back, is paid, and is
therefore followed to its end and saved, as in any team; it is erased with the rest.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import transaction

from jobs.billing import ledger
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.engine import transitions
from jobs.orders import team_closing_mail
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import phrase
from studio.models import Team, User
from studio.teams import closed_team
from studio.teams.invitations import role_of
from studio.teams.permissions import Permission, allows

DAYS = 30
CANCELS_FOR = 5.0  # seconds that a page waits; a sweep goes on with what is left


def close(team: Team, by: User) -> Team:
    """Close `team` from now on, and cancel what waits in it; its row as it is then. Twice is once.
    Refused when `by` may not."""
    with transaction.atomic():
        now_row = _locked_for(team, by)
        if not now_row.is_closed:
            now = clock.now()
            now_row.closed_at, now_row.closed_by = now, by
            now_row.erase_at = now + timedelta(days=DAYS)
            now_row.save(update_fields=["closed_at", "closed_by", "erase_at"])
            record(
                Event.TEAM_CLOSED,
                team=now_row,
                by=by,
                about=now_row.name,
                after={"remove_at": now_row.erase_at},
            )
            team_closing_mail.closed(now_row, by)
    cancel_waiting(now_row, by, CANCELS_FOR)
    return now_row


def reopen(team: Team, by: User) -> Team:
    """Everything of `team` is as it was, but for what was canceled. Refused when `by` may not, or
    it is being erased already."""
    with transaction.atomic():
        now_row = _locked_for(team, by)
        if now_row.erasing:
            raise Refused(closed_team.words(now_row))
        if now_row.is_closed:
            now_row.closed_at = now_row.closed_by = now_row.erase_at = None
            now_row.save(update_fields=["closed_at", "closed_by", "erase_at"])
            record(Event.TEAM_REOPENED, team=now_row, by=by, about=now_row.name)
    return now_row


def _locked_for(team: Team, by: User) -> Team:
    now_row = ledger.lock(team)
    if not allows(role_of(team, by), Permission.DELETE_TEAM, now_row):
        raise Refused(phrase("Only an owner can delete a team or reopen it."))
    return now_row


def cancel_waiting(team: Team, by: User, seconds: float) -> int:
    """Cancel what waits in `team`, for about `seconds`; how many jobs that were. What was sent
    meanwhile goes on."""
    until, canceled = time.monotonic() + seconds, 0
    # What waits for a template before the template.
    waiting = team.jobs.filter(state=State.QUEUED).order_by("-id")
    for job in waiting.select_related("account", "team").iterator(chunk_size=100):
        if time.monotonic() > until:
            break
        transitions.cancel(job, by)
        job.refresh_from_db(fields=["state"])
        canceled += job.state == State.CANCELED
    return canceled
