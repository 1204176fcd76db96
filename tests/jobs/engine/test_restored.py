"""A database of before is noticed by what Redis remembers, whichever way it came back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from jobs.common import wakeup
from jobs.engine import restored
from jobs.models import Account, Attempt, Job
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import visit
from tests.service import Service

pytestmark = pytest.mark.django_db


def new_job(team: Team, owner: User, account: Account) -> Job:
    picture = makers.asset(team)
    files = {"image_url": picture, "audio_url": makers.asset(team, "audio")}
    check = makers.check(picture, account)
    return makers.job(team, owner, account=account, files=files, check_used=check)


@pytest.fixture
def job(team: Team, creator: User, account: Account) -> Job:
    return new_job(team, creator, account)


def test_a_database_of_before_is_noticed_before_anything_is_sent(
    job: Job,
    service: Service,
    redis: str,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        visit(job)
    attempt = Attempt.objects.get()
    assert int(wakeup.redis().get(restored.LATEST_ATTEMPT)) == attempt.pk  # type: ignore[arg-type]
    second = new_job(job.team, job.owner, job.account)
    assert not restored.noticed(), "all is well"
    wakeup.redis().set(restored.LATEST_ATTEMPT, attempt.pk + 1)
    second = visit(second)
    assert (second.state, service.count("submit")) == ("queued", 1)
    assert Account.objects.get().reconcile_from == attempt.began_at - restored.BEFORE
    assert not restored.noticed(), "once is enough"
    assert visit(second).state == "queued"


def test_a_process_that_lives_through_a_fail_over_notices_it(
    job: Job, service: Service, redis: str
) -> None:
    """It has sent the job itself; the standby that took over does not know of it."""
    job = visit(job)
    latest = Attempt.objects.get()
    restored.remember(latest.pk)
    assert not restored.noticed()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval('jobs_attempt_id_seq', %s, false)", [latest.pk])
            restored.remember(latest.pk + 1)
        else:
            before = "UPDATE sqlite_sequence SET seq = %s WHERE name = 'jobs_attempt'"
            cursor.execute(before, [latest.pk - 1])
    assert restored.noticed()
    assert Account.objects.get().reconcile_from is not None


def test_a_higher_number_in_redis_never_falls(redis: str) -> None:
    restored.remember(7)
    restored.remember(5)
    assert wakeup.redis().get(restored.LATEST_ATTEMPT) == b"7"


def test_a_redis_that_began_anew_learns_what_the_database_knows(
    job: Job, service: Service, redis: str
) -> None:
    """Else a restore right after it would not be noticed until something more was sent."""
    visit(job)
    latest = Attempt.objects.get().pk
    wakeup.redis().delete(restored.LATEST_ATTEMPT)
    assert not restored.noticed()
    assert int(wakeup.redis().get(restored.LATEST_ATTEMPT)) == latest  # type: ignore[arg-type]


def test_without_redis_it_goes_on(job: Job, service: Service) -> None:
    assert visit(job).state == "running"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL numbers rows")
def test_a_standby_whose_sequence_ran_ahead_is_noticed(
    job: Job, service: Service, redis: str
) -> None:
    """What it lacks was given out there as well, as far as its sequence knows."""
    visit(job)
    latest = Attempt.objects.get().pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('jobs_attempt_id_seq', %s)", [latest + 32])
    restored.remember(latest + 1)
    assert restored.noticed()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL’s numbers run ahead")
def test_attempts_that_were_deleted_are_no_restore(job: Job, service: Service, redis: str) -> None:
    visit(job)
    latest = Attempt.objects.get()
    restored.remember(latest.pk)
    latest.delete()
    assert not restored.noticed()
