"""Nothing is sent while clocks are apart, and everybody who can mend it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.common import wakeup
from jobs.models import Job
from studio.common import clock
from studio.models import User
from tests.jobs.engine.tasks.visits import fresh, visit
from tests.service import Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Any:
    def by(seconds: float, whose: str) -> None:
        off = timedelta(seconds=seconds)
        if whose == "service":
            monkeypatch.setattr("studio.common.clock.ahead", lambda host: off)
        else:
            monkeypatch.setattr("studio.common.clock.offset", lambda: off)

    return by


@pytest.mark.parametrize("whose", ["service", "database"])
@pytest.mark.parametrize("seconds", [-11.0, 11.0, 300.0])
def test_nothing_is_sent_while_clocks_are_apart(
    job: Job, service: Service, apart: Any, whose: str, seconds: float
) -> None:
    apart(seconds, whose)
    job = visit(job)
    assert (job.state, job.code, service.count("submit")) == ("queued", "backing-off", 0)
    assert f"{abs(seconds):.0f} s" in job.sentence
    said = job.events.count()
    visit(job)
    assert job.events.count() == said, "it is said once"
    apart(9.0, whose)
    assert visit(job).state == "running"


def test_a_service_that_has_not_told_the_time_is_asked_first(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[timedelta | None] = [None, timedelta(seconds=60)]
    monkeypatch.setattr("studio.common.clock.ahead", lambda host: found.pop(0))
    job = visit(job)
    assert (job.state, service.count("probe"), service.count("submit")) == ("queued", 1, 0)


def test_a_clock_that_was_set_is_believed_at_the_next_try(
    job: Job, service: Service, apart: Any
) -> None:
    """Nothing else is asked of the service meanwhile, so what it said would stay for minutes."""
    apart(120.0, "service")
    job = visit(job)
    assert (job.state, service.count("probe")) == ("queued", 1)
    service.probes = [lambda: apart(0.2, "service")]
    assert visit(job).state == "running"


def test_the_site_says_that_clocks_are_apart(
    job: Job, service: Service, apart: Any, redis: str, client: Client
) -> None:
    assert client.get("/readyz").json()["clock"] == "ok"
    apart(60.0, "service")
    visit(fresh(job))
    found = client.get("/readyz")
    assert (found.status_code, found.json()["clock"]) == (200, "off")
    User.objects.create_superuser("root@example.com", "a long password")
    client.login(username="root@example.com", password="a long password")
    page = client.get(reverse("admin:index"))
    assert "60 s apart" in page.content.decode()
    wakeup.redis().delete(wakeup.CLOCK_PROBLEM)
    assert client.get("/readyz").json()["clock"] == "ok"


def test_a_web_machine_whose_clock_is_off_says_so(
    service: Service, apart: Any, redis: str, client: Client
) -> None:
    apart(60.0, "database")
    assert client.get("/readyz").json()["clock"] == "off"
    assert timedelta(seconds=10) == clock.TOLERATED
