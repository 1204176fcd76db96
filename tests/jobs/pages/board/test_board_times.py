"""Place, start and end that a row of the board tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, Rank, State
from jobs.engine import speed
from jobs.models import Account, Job, Lane, PauseState, WorkTime
from studio.models import Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:board", args=[team.slug])


def titles(html: str) -> list[str]:
    return parse(html).texts("li.job h3 > a")


def learned(job: Job, median: float = 8.5, p90: float = 11) -> None:
    WorkTime.objects.create(
        service=speed.service_of(job.account),
        model=job.model,
        variant=job.variant,
        recent=[median],
        median=median,
        p90=p90,
    )
    speed.forget()


def row_of(client: Client, job: Job) -> str:
    return text(client.get(reverse("jobs:row", args=[job.team.slug, job.public_id])))


def test_usual_is_said_only_of_what_was_learned(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    job = makers.job(
        team, owner, state=State.RUNNING, provider_status="RUNNING", submitted_at=timezone.now()
    )
    client = client_of(owner)
    assert "s · ≈ 34 s – 47 s" in row_of(client, job)
    learned(job)
    assert "of usually 34 s – 44 s" in row_of(client, job)
    assert "ready " in row_of(client, job)


def test_times_that_hardly_differ_are_one(client_of: ClientOf, owner: User, team: Team) -> None:
    job = makers.job(
        team, owner, state=State.RUNNING, provider_status="RUNNING", submitted_at=timezone.now()
    )
    learned(job, p90=8.6)
    said = row_of(client_of(owner), job)
    assert re.search(r"of usually 34 s(?! –)", said)  # its end may stand at the edge of a minute


def test_slower_than_nine_of_ten_is_said_calmly_and_without_a_time(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    now = timezone.now()
    job = makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=now - timedelta(seconds=50),
        looked_at=now - timedelta(seconds=8),
    )
    learned(job)
    said = row_of(client_of(owner), job)
    assert re.search(
        r"5\d s of usually 34 s – 44 s · slower than nine of ten; still looking, last answer [89] "
        r"s ago",
        said,
    )
    assert "ready" not in said


def test_a_waiting_row_tells_place_start_and_ready_with_a_range(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        milliseconds=60_000,
    )
    job = makers.job(team, owner, code=Code.WAITING_TURN, milliseconds=60_000)
    assert re.search(
        rf"2nd in line · starts ≈ {makers.CLOCK} · ready {makers.CLOCK} – {makers.CLOCK}",
        row_of(client_of(owner), job),
    )


def test_behind_a_closed_door_there_is_a_reason_and_no_time(
    client_of: ClientOf, owner: User, admin: User, team: Team
) -> None:
    job = makers.job(team, owner, code=Code.WAITING_TURN)
    client, now = client_of(owner), timezone.now()
    Lane.objects.update(pause_state=PauseState.PAUSED, pause_set_by=admin, pause_set_at=now)
    said = row_of(client, job)
    assert "Next in line · Ben paused emo-v1 on " in said
    assert "starts" not in said
    assert "ready" not in said
    Lane.objects.update(pause_state=PauseState.OPEN)
    Account.objects.update(
        paused_until=now + timedelta(minutes=9), health_text="The service refuses the API key."
    )
    said = row_of(client, job)
    assert "The service refuses the API key. Tried again at " in said
    assert "ready" not in said


def test_a_task_that_waits_at_the_service_has_no_gauge(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    now = timezone.now()
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=now - timedelta(seconds=5),
    )
    job = makers.job(team, owner, state=State.RUNNING, provider_status="PENDING", submitted_at=now)
    html = (
        client_of(owner).get(reverse("jobs:row", args=[team.slug, job.public_id])).content.decode()
    )
    assert "data-gauge" not in html
    assert "Waiting at the service · starts ≈ " in text(html)
    assert 'aria-label="1 before it"' in html


def test_waiting_rows_stand_in_the_order_of_turns(
    client_of: ClientOf, owner: User, creator: User, team: Team, page: str
) -> None:
    for name in ("Heap 1", "Heap 2", "Heap 3"):
        makers.job(team, owner, code=Code.WAITING_TURN, title=name, rank=Rank.NORMAL)
    makers.job(team, creator, code=Code.WAITING_TURN, title="Small wish", rank=Rank.NORMAL)
    makers.job(team, owner, code=Code.WAITING_TURN, title="Urgent", rank=Rank.FRONT)
    order = titles(client_of(owner).get(page).content.decode())
    assert order[0] == "Urgent"
    assert order.index("Small wish") < order.index("Heap 2")
    assert order[-1] == "Heap 3"


def test_places_count_jobs_of_another_team_on_the_same_alibaba_account(
    client_of: ClientOf,
    owner: User,
    stranger: User,
    team: Team,
    account: Account,
    page: str,
    django_assert_max_num_queries: Any,
) -> None:
    twin = makers.account(stranger.teams.get())
    Account.objects.filter(pk=twin.pk).update(same_as=account)
    mine = makers.job(team, owner, code=Code.WAITING_TURN, title="Mine")
    theirs = makers.job(
        twin.team,
        stranger,
        account=twin,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        title="Secret",
    )
    Job.objects.filter(pk=theirs.pk).update(lane=mine.lane)
    client = client_of(owner)
    with django_assert_max_num_queries(14):
        html = client.get(page).content.decode()
    assert "2nd in line" in text(html)
    assert "Busy with a video of another team on the same Model Studio connection" in text(html)
    assert "Secret" not in html
