"""What an order asks of the database, and that what is read again under the team's lock is."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.common.states import Code, Rank, State
from jobs.engine import eta, speed
from jobs.models import Account, Job, Lane, WorkTime
from jobs.orders import create, create_batch
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
UNDER_LOCK = 9  # of them, while the other clicks of the team wait
MOST = 16  # statements of an order without a key in a team without limits


@pytest.fixture
def order(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)


def statements(order: OrderRequest) -> list[str]:
    """What an order asks when its lane and its balance are there and what is learned is read."""
    create.create(order)
    with CaptureQueriesContext(connection) as seen:
        create.create(order)
    return [query["sql"] for query in seen.captured_queries]


def test_an_order_reads_each_thing_once(order: OrderRequest) -> None:
    asked = [sql for sql in statements(order) if "SAVEPOINT" not in sql]
    assert len(asked) <= MOST, "\n".join(asked)
    for table in ("jobs_lane", "studio_team", "jobs_price", "jobs_budget"):
        read = [sql for sql in asked if sql.startswith("SELECT") and f'FROM "{table}"' in sql]
        assert len(read) == 1, (table, read)


def test_before_the_team_is_locked_only_its_own_rows_are_written(order: OrderRequest) -> None:
    """The lock is held for as little as can be; what others have written is read under it."""
    asked = statements(order)
    locked = next(n for n, sql in enumerate(asked) if 'FROM "studio_team"' in sql)
    written = [sql for sql in asked[:locked] if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql.split('"')[1] for sql in written] == ["jobs_job", "jobs_jobinput"]
    assert len([sql for sql in asked[locked:] if "SAVEPOINT" not in sql]) <= UNDER_LOCK
    for needed in ('FROM "jobs_budget"', 'INTO "jobs_ledgerentry"', "COUNT(*)"):
        assert any(needed in sql for sql in asked[locked:]), needed
        assert not any(needed in sql for sql in asked[:locked]), needed
    if connection.vendor == "postgresql":
        assert "FOR NO KEY UPDATE" in asked[locked]


def test_an_order_that_others_can_change_writes_nothing_before_the_lock(
    order: OrderRequest, team: Team
) -> None:
    Lane.objects.all().delete()
    with CaptureQueriesContext(connection) as seen:
        create.create(order)
    asked = [query["sql"] for query in seen.captured_queries]
    locked = next(n for n, sql in enumerate(asked) if 'FROM "studio_team"' in sql)
    assert not [sql for sql in asked[:locked] if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_a_set_locks_the_team_once(order: OrderRequest) -> None:
    with CaptureQueriesContext(connection) as seen:
        create_batch.create_batch([order, order, order])
    locks = [query for query in seen.captured_queries if 'FROM "studio_team"' in query["sql"]]
    assert len(locks) == 1


# ── the forecast ──────────────────────────────────────────────────────────────────────────────────

JOBS = st.lists(
    st.tuples(
        st.sampled_from(["owner", "creator"]),
        st.sampled_from([*Rank]),
        st.sampled_from([1000, 4000, 20_000]),
        st.sampled_from(["1:1", "3:4"]),
        st.sampled_from(["queued", "needs", "pending", "running", "uncertain"]),
    ),
    max_size=6,
)


@given(jobs=JOBS, asked=st.sampled_from([4000, 20_000]), turns=st.integers(1, 3))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_told_before_the_click_is_what_is_told_after_it(
    order: OrderRequest,
    owner: User,
    noon: datetime,
    jobs: list[tuple[str, Rank, int, str, str]],
    asked: int,
    turns: int,
) -> None:
    team, creator, account = order.team, order.owner, makers.account(order.team)
    WorkTime.objects.get_or_create(
        service=speed.service_of(account),
        model="emo-v1",
        variant="3:4",
        defaults={"recent": [2.0, 3.0], "median": 2.5, "p90": 3.0},
    )
    speed.forget()
    team.memberships.filter(user=owner).update(turns=turns)
    for who, rank, milliseconds, variant, state in jobs:
        out = state in ("pending", "running")
        made = makers.job(
            team,
            {"owner": owner, "creator": creator}[who],
            account=account,
            milliseconds=milliseconds,
            state=State.RUNNING if out else State.UNCERTAIN if state == "uncertain" else "queued",
            code=Code.NEEDS_TEMPLATE if state == "needs" else "",
            provider_status=state.upper() if out else "",
            submitted_at=noon if out else None,
            provider_started_at=noon if state == "running" else None,
        )
        Job.objects.filter(pk=made.pk).update(rank=rank, variant=variant)
    before = eta.next_place(account, "emo-v1", "1:1", asked, creator)
    mine = makers.job(team, creator, milliseconds=asked, account=account)
    Job.objects.filter(pk=mine.pk).update(
        rank=Rank.SHORT if asked <= 5000 else Rank.NORMAL, variant="1:1"
    )
    assert eta.place(Job.objects.get(pk=mine.pk)) == before
    waiting, starts_at = eta.line(account, "emo-v1")
    assert waiting == 1 + sum(state != "needs" for *_rest, state in jobs)
    assert starts_at is not None
