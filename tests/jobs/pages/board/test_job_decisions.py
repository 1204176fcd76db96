"""What an admin decides on the page of a job whose task is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, Outcome, Rank, State
from jobs.engine import listed_tasks
from jobs.models import ApiKey, Attempt, Job, JobEvent
from jobs.modelstudio import TaskLine
from studio.models import Team, User
from tests import makers
from tests.html import text

ClientOf = Callable[[User], Client]


def test_an_admin_decides_which_task_it_is(
    team: Team, creator: User, admin: User, client_of: Callable[[User], Client]
) -> None:
    job = makers.job(team, creator, state="uncertain", code="several-tasks")
    JobEvent.objects.create(
        team=team,
        job=job,
        new="uncertain",
        code="several-tasks",
        text="…",
        data={"candidates": ["task-one", "task-two"]},
    )
    address = reverse("jobs:decide", args=[team.slug, job.public_id])
    assert client_of(creator).post(address, {"task": "task-one"}).status_code == 403
    assert (
        "Which task is it?" not in client_of(creator).get(job.get_absolute_url()).content.decode()
    )
    desk = client_of(admin)
    assert "task-two" in desk.get(job.get_absolute_url()).content.decode()
    desk.post(address, {"task": "somebody-elses"})
    job.refresh_from_db()
    assert job.state == "uncertain"
    desk.post(address, {"task": "task-two"})
    job.refresh_from_db()
    assert (job.state, job.task_id) == ("running", "task-two")
    assert "nothing to decide" in desk.post(address, {"task": ""}, follow=True).content.decode()


def test_a_decision_names_what_each_choice_costs(
    team: Team, creator: User, admin: User, client_of: ClientOf
) -> None:
    job = makers.job(team, creator, state="uncertain", code="several-tasks")
    JobEvent.objects.create(
        team=team,
        job=job,
        new="uncertain",
        code="several-tasks",
        text="…",
        data={"candidates": ["task-one"]},
    )
    said = text(client_of(admin).get(job.get_absolute_url()).content.decode())
    assert "It is task task-one charged by its bill, about $0.0459" in said
    assert "None of them is ours: send again $0.0459 more if one of them was" in said


def test_a_decision_tells_what_the_list_told_and_whose_each_task_could_be(
    team: Team, creator: User, admin: User, stranger: User, client_of: ClientOf
) -> None:
    now = timezone.now()
    job, rival = (
        makers.job(
            team, creator, state="uncertain", code="several-tasks", submitting_at=now, title=title
        )
        for title in ("Mine", "The other film")
    )
    elsewhere = Team.start("Elsewhere", stranger)
    theirs = makers.job(
        elsewhere, stranger, account=makers.account(elsewhere), state="uncertain", title="Secret"
    )
    Job.objects.filter(pk=theirs.pk).update(lane=job.lane, submitting_at=now)
    ApiKey.objects.filter(account=job.account).update(service_id="1250")
    line = TaskLine(
        "task-one", "SUCCEEDED", "emo-v1", "r", now, now + timedelta(seconds=98), "1250"
    )
    for one in (job, rival):
        JobEvent.objects.create(
            team=team,
            job=one,
            new="uncertain",
            code="several-tasks",
            text="…",
            data=listed_tasks.noted([line], {"task-one": Decimal("13.93")}),
        )
    page = client_of(admin).get(job.get_absolute_url()).content.decode()
    said = text(page)
    at = f"{now:%H:%M:%S}"
    assert re.search(rf"This job was sent on \d+ \w+ {at} for 4.0 s\.", said)
    assert re.search(
        rf"made on \d+ \w+ {at} · emo-v1 · SUCCEEDED when the list was read · ended after 98 s · "
        r"13\.93 s are billed · made with the key …0001 of this team",
        said,
    )
    assert "It could as well be the task of: The other film, a job of another team" in said
    assert rival.get_absolute_url() in page
    assert "Secret" not in page


def test_a_decision_is_offered_when_the_list_no_longer_tells(
    team: Team, creator: User, admin: User, client_of: ClientOf
) -> None:
    now = timezone.now()
    job = makers.job(
        team,
        creator,
        state="uncertain",
        code="several-tasks",
        attempt=1,
        submitting_at=now - timedelta(hours=25),
    )
    Attempt.objects.create(
        job=job, number=1, began_at=now - timedelta(hours=25), outcome=Outcome.UNCERTAIN
    )
    JobEvent.objects.create(
        team=team, job=job, new="uncertain", code="several-tasks", text="…", data={"candidates": []}
    )
    desk = client_of(admin)
    said = text(desk.get(job.get_absolute_url()).content.decode())
    assert "No task was made: send again $0.0459 more if one was" in said
    desk.post(reverse("jobs:decide", args=[team.slug, job.public_id]), {"task": ""})
    job.refresh_from_db()
    assert job.state == "queued"
    assert job.attempts.get().outcome == Outcome.NO_TASK


def test_every_attempt_is_told_and_a_free_retry_in_plain_words(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    now = timezone.now()
    job = makers.job(
        team,
        creator,
        state=State.RUNNING,
        provider_status="RUNNING",
        attempt=2,
        retries=1,
        submitted_at=now,
    )
    Attempt.objects.create(
        job=job,
        number=1,
        began_at=now,
        task_id="task-broken-1",
        outcome=Outcome.BROKEN,
        ended_at=now,
    )
    Attempt.objects.create(
        job=job, number=2, began_at=now, task_id="task-second-2", outcome=Outcome.ACCEPTED
    )
    said = text(client_of(creator).get(job.get_absolute_url()).content.decode())
    assert (
        "The first task failed at the service; it cost nothing. A second one was made by itself."
        in said
    )
    assert "1 the service broke it, cost nothing task-broken-1" in said
    assert "2 accepted by the service task-second-2" in said
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, code=Code.BACKING_OFF)
    assert (
        "A second one is made by itself."
        in client_of(creator).get(job.get_absolute_url()).content.decode()
    )


def test_the_page_tells_place_and_times_and_admins_may_move_it(
    team: Team, creator: User, admin: User, client_of: ClientOf
) -> None:
    makers.job(
        team,
        creator,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        milliseconds=60_000,
    )
    job = makers.job(
        team,
        creator,
        code=Code.WAITING_TURN,
        milliseconds=60_000,
        forecast_ready_at=timezone.now(),
        forecast_late_at=timezone.now(),
    )
    url = reverse("jobs:front", args=[team.slug, job.public_id])
    html = client_of(creator).get(job.get_absolute_url()).content.decode()
    assert re.search(
        rf"2nd in line · starts ≈ {makers.CLOCK} · ready {makers.CLOCK} – {makers.CLOCK}",
        text(html),
    )
    assert "Estimate when ordered ready ≈ " in text(html)
    assert url not in html
    desk = client_of(admin)
    assert url in desk.get(job.get_absolute_url()).content.decode()
    html = desk.post(url, follow=True).content.decode()
    assert "moved to the front" in html
    assert "Back to its turn" in html
    assert "Ben moved it to the front" in html
    job.refresh_from_db()
    assert job.rank == Rank.FRONT


def test_a_rendering_page_names_the_range_until_it_is_late(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    now = timezone.now()
    job = makers.job(
        team,
        creator,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=now,
        milliseconds=60_000,
    )
    client = client_of(creator)
    assert re.search(
        rf"ready {makers.CLOCK} – {makers.CLOCK}",
        text(client.get(job.get_absolute_url()).content.decode()),
    )
    Job.objects.filter(pk=job.pk).update(submitted_at=now - timedelta(hours=1), looked_at=now)
    said = text(client.get(job.get_absolute_url()).content.decode())
    assert re.search(r"longer than expected; still looking, last answer \d+ s ago", said)
    assert "ready " not in said
