"""Orders while a team is closed, and its reopening while it is swept: one comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Job, LedgerEntry
from jobs.orders import create, team_closing, team_sweep
from jobs.orders.order_request import OrderRequest
from studio.models import Deletion, Team, User
from tests import makers
from tests.test_postgres import crowd, wish

__all__ = ["crowd", "wish"]


def test_an_order_comes_before_the_closing_and_is_canceled_or_is_refused(
    crowd: Any, wish: OrderRequest, owner: User
) -> None:
    team = wish.team

    def work(number: int) -> str:
        if number == 0:
            team_closing.close(Team.objects.get(pk=team.pk), User.objects.get(pk=owner.pk))
            return "closed"
        try:
            return create.create(replace(wish, key=f"click {number}")).public_id
        except Refused as refused:
            return str(refused)

    def left(_number: int) -> list[Any]:
        team_sweep.work()
        jobs = list(Job.objects.filter(team=team.pk).values_list("state", flat=True))
        entries = LedgerEntry.objects.filter(team=team.pk).values_list("held", flat=True)
        return [jobs, sum(entries)]

    said = crowd(5, work)
    ((jobs, held),) = crowd(1, left)
    assert said[0] == "closed"
    refused = [one for one in said[1:] if "was deleted" in one]
    assert len(jobs) + len(refused) == 4
    assert set(jobs) <= {State.CANCELED}, "nothing waits in a closed team"
    assert held == 0, "everything that was reserved is given back"


def test_reopened_while_it_is_swept_it_is_whole_or_gone(
    crowd: Any, transactional_db: None, team: Team, owner: User
) -> None:
    for _ in range(3):
        makers.asset(team, owner=owner)
    team_closing.close(team, owner)
    Team.objects.filter(pk=team.pk).update(erase_at=timezone.now() - timedelta(seconds=1))

    def work(number: int) -> str:
        if number:
            team_sweep.work()
            return ""
        try:
            team_closing.reopen(Team.objects.get(pk=team.pk), User.objects.get(pk=owner.pk))
        except Refused:
            return "gone"
        return "whole"

    def left(_number: int) -> tuple[Any, ...]:
        team_sweep.work()
        now = Team.objects.get(pk=team.pk)
        people = now.memberships.count()
        return now.is_closed, now.emptied_at is None, people > 0, now.assets.count()

    first = crowd(3, work)[0]
    (found,) = crowd(1, left)
    assert first in ("whole", "gone")
    assert found == ((False, True, True, 3) if first == "whole" else (True, False, False, 0))
    assert not Deletion.objects.exists()
