"""How a task and a click are found among a million: by an index, on either database.

PostgreSQL proves that a bound value is not empty and takes the partial index of the constraint;
SQLite needs one without a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Attempt, Job
from studio.files import removals
from studio.models import Asset, Team, User
from tests import makers

pytestmark = pytest.mark.django_db


def indexes_of(rows: QuerySet[Job] | QuerySet[Attempt] | QuerySet[Asset]) -> set[str]:
    """The indexes that the database's plan goes through."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "set local enable_seqscan = off"
            )  # a table of a few rows is read whole otherwise
    return set(
        re.findall(r"(?:job|attempt|asset|one_\w+_per)_\w+|rowid", rows.order_by().explain())
    )


def test_whether_a_stored_file_is_named_is_found_by_an_index() -> None:
    found = indexes_of(removals.named("1/abc.mp4"))
    assert {"asset_file", "asset_thumb"} <= found


def test_a_task_is_found_by_an_index() -> None:
    assert indexes_of(Job.objects.filter(task_id__in=["a", "b"])) & {"job_task", "one_job_per_task"}
    assert indexes_of(Job.objects.filter(task_id="a")) & {"job_task", "one_job_per_task"}
    assert indexes_of(Attempt.objects.filter(task_id__in=["a", "b"])) & {
        "attempt_task",
        "one_attempt_per_task",
    }


def test_a_click_is_found_by_an_index(team: Team) -> None:
    # to PostgreSQL all indexes that begin with the team are as good while the table is empty
    likely = {"job_click", "one_job_per_click"} | (
        {"job_team"} if connection.vendor == "postgresql" else set()
    )
    assert indexes_of(team.jobs.filter(idempotency_key="k")) & likely


def test_who_waits_is_counted_without_what_ended(team: Team, creator: User) -> None:
    waiting = team.jobs.filter(owner=creator, group__in=(0, 2), state="queued")
    likely = {"job_of_person_state"} | (
        {"job_team", "job_team_owner", "job_team_group", "job_click"}
        if connection.vendor == "postgresql"
        else set()
    )
    assert indexes_of(waiting) & likely


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has statistics to go by")
def test_the_board_reads_open_jobs_without_what_ended(
    client_of: Callable[[User], Client], creator: User, team: Team
) -> None:
    makers.job(team, creator)
    client, board = client_of(creator), reverse("jobs:board", args=[team.slug])
    with CaptureQueriesContext(connection) as queries:
        assert client.get(board).status_code == 200
    statements = [query["sql"] for query in queries.captured_queries]
    active = [sql for sql in statements if '"jobs_job"."group" IN (0, 1, 2)' in sql]
    assert active
    for sql in active:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [row[3] for row in cursor.fetchall()]
        assert any("job_team_group (team_id=? AND group=?)" in step for step in plan), plan
