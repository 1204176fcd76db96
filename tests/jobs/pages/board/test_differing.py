"""Videos that are not as long as billed are found by an index of their own, also on a database that
knows nothing of its contents."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs.common.states import State
from jobs.models import Job
from jobs.models.job import differing
from jobs.pages.board.board_counts import members_and_ended
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db


def test_only_those_of_the_team(team: Team, creator: User, owner: User) -> None:
    one, other = (makers.job(team, creator, state=State.SUCCEEDED) for _ in range(2))
    assert not members_and_ended(team, creator)[1].length_differs
    Job.objects.filter(pk=one.pk).update(length_differs=True)
    assert list(differing(team.jobs.all())) == [one]
    assert members_and_ended(team, creator)[1].length_differs
    assert not members_and_ended(Team.start("Elsewhere", owner), owner)[1].length_differs
    assert other.pk != one.pk


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_they_are_not_looked_for_in_all_of_history(
    team: Team, creator: User, client: Client
) -> None:
    """Every statement of the board that asks for them, for the filter and without it."""
    makers.job(team, creator, state=State.SUCCEEDED)
    client.force_login(creator)
    for query in ("", "?length=differs", "?length=1"):
        with CaptureQueriesContext(connection) as seen:
            client.get(f"/t/{team.slug}/{query}")
        asked = [one["sql"] for one in seen.captured_queries if '"length_differs" IN' in one["sql"]]
        assert asked, query
        for sql in asked:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                plan = " ".join(str(row[3]) for row in cursor.fetchall())
            assert "job_differing (team_id=? AND length_differs=?)" in plan, plan
