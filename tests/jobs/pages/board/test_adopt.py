"""The page that adopts a task made elsewhere, and how an adopted job is shown wherever a job is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State
from jobs.engine import transitions
from jobs.models import Account, Job
from studio.models import Team, User
from tests import makers
from tests.html import parse, text
from tests.service import Service, done, task

ClientOf = Callable[[User], Client]
TASK = "a8532587-fa8c-4ef8-82be-0c46e17950bd"


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:adopt", args=[team.slug])


def form(account: Account, **more: str) -> dict[str, str]:
    return {"account": account.public_id, "task_id": TASK, "model": "emo-v1"} | more


def adopted(
    client: Client, page: str, account: Account, service: Service, task_id: str = TASK
) -> Job:
    service.gets.append(task(task_id, "RUNNING"))
    answer = client.post(page, form(account, task_id=task_id))
    job = Job.objects.get(task_id=task_id)
    assert answer["Location"] == job.get_absolute_url()
    return job


def test_creators_and_up_find_it_in_the_menu(
    client_of: ClientOf, creator: User, viewer: User, team: Team, account: Account, page: str
) -> None:
    assert client_of(viewer).get(page).status_code == 403
    assert client_of(viewer).post(page, form(account)).status_code == 403
    client = client_of(creator)
    assert client.get(page).status_code == 200
    board = reverse("jobs:board", args=[team.slug])
    assert f'href="{page}"' in client.get(board).content.decode()
    assert f'href="{page}"' not in client_of(viewer).get(board).content.decode()


def test_without_an_account_the_next_step_is_named(
    client_of: ClientOf, admin: User, creator: User, team: Team, page: str
) -> None:
    keys = reverse("jobs:keys", args=[team.slug])
    assert keys in parse(client_of(admin).get(page)).one(".empty").values("a", "href")
    assert keys not in parse(client_of(creator).get(page)).one(".empty").values("a", "href")


def test_a_task_leads_to_its_job(
    client_of: ClientOf, creator: User, account: Account, page: str, service: Service
) -> None:
    client = client_of(creator)
    job = adopted(client, page, account, service)
    assert (job.adopted, job.owner, job.account, job.state) == (
        True,
        creator,
        account,
        State.RUNNING,
    )
    assert "is followed from now on" in client.get(job.get_absolute_url()).content.decode()


def test_a_refusal_keeps_what_was_typed(
    client_of: ClientOf, creator: User, account: Account, page: str, service: Service
) -> None:
    client = client_of(creator)
    other = makers.account(account.team, label="Second")
    service.gets.append(task(TASK, "UNKNOWN"))
    answer = client.post(page, form(other))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "The service does not know this task on Second." in html
    assert f'value="{TASK}"' in html
    assert f'<option value="{other.public_id}" selected>' in html
    assert '<option value="emo-v1" selected>' in html
    assert Job.objects.count() == 0


def test_an_account_of_another_team_is_no_choice(
    client_of: ClientOf, creator: User, stranger: User, account: Account, page: str
) -> None:
    foreign = makers.account(stranger.teams.get(), label="Theirs")
    client = client_of(creator)
    assert "Theirs" not in client.get(page).content.decode()
    assert client.post(page, form(foreign)).status_code == 422
    assert client.post(page, form(account, model="no-such-model")).status_code == 422


def test_a_second_click_shows_the_way_to_the_job(
    client_of: ClientOf, creator: User, account: Account, page: str, service: Service
) -> None:
    client = client_of(creator)
    job = adopted(client, page, account, service)
    answer = client.post(page, form(account))
    assert answer.status_code == 422
    assert f'<a href="{job.get_absolute_url()}">Open “{job.title}”' in answer.content.decode()
    assert Job.objects.count() == 1


def test_an_adopted_job_says_so_everywhere_and_offers_nothing_that_cannot_work(
    client_of: ClientOf,
    creator: User,
    owner: User,
    team: Team,
    account: Account,
    page: str,
    service: Service,
) -> None:
    client = client_of(creator)
    job = adopted(client, page, account, service)
    said = text(client.get(job.get_absolute_url()).content.decode())
    assert "imported, made elsewhere" in said
    assert "its files are not here" in said
    assert "nothing was reserved; the service’s bill is what counts" in said
    assert "Sent to the service 1 made elsewhere, imported here" in said
    assert "1:1 head" not in said
    assert "Length" not in said
    row = text(client.get(reverse("jobs:row", args=[team.slug, job.public_id])).content.decode())
    assert "EMO · imported, made elsewhere · Chidi" in row
    assert "— by the bill" in row
    # it ends, and the bill is all that counts
    now = timezone.now()
    job.refresh_from_db()
    film = makers.asset(team, "video", origin="result", milliseconds=3930)
    transitions.move(
        job,
        State.ARCHIVING,
        "Rendered",
        then=transitions.settlement(job, Decimal("3.93"), "1:1", ""),
        billed_units=Decimal("3.930"),
        provider_ended_at=now,
    )
    transitions.archived(job, film)
    html = client.get(job.get_absolute_url()).content.decode()
    assert "The service billed 3.930 s: $0.045073." in text(html)
    assert "than quoted" not in html
    assert reverse("jobs:again", args=[team.slug, job.public_id]) not in html
    assert "Change and make again" not in html
    answer = client.post(reverse("jobs:again", args=[team.slug, job.public_id]), follow=True)
    assert "its files are not here" in answer.content.decode()
    assert Job.objects.count() == 1


def test_spend_and_csv_name_adopted_jobs(
    client_of: ClientOf,
    creator: User,
    owner: User,
    team: Team,
    account: Account,
    page: str,
    service: Service,
) -> None:
    job = adopted(client_of(creator), page, account, service)
    spend = reverse("jobs:spend", args=[team.slug])
    client = client_of(owner)
    assert f"{job.title} imported, made elsewhere" in text(client.get(spend).content.decode())
    answer = client.get(spend, {"format": "csv"})
    (line,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))  # type: ignore[attr-defined]
    assert (line["about"], line["reserved"], line["charged"]) == (
        "imported job",
        "0.000000",
        "0.000000",
    )


def test_a_film_that_is_done_already_shows_what_was_billed_as_its_price(
    client_of: ClientOf, creator: User, account: Account, page: str, service: Service, team: Team
) -> None:
    service.gets.append(done(TASK, 4.0))
    client = client_of(creator)
    client.post(page, form(account))
    job = Job.objects.get()
    row = text(client.get(reverse("jobs:row", args=[team.slug, job.public_id])).content.decode())
    assert "$0.0459 by the bill" in row
