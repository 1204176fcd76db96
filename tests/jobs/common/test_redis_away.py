"""Pages while Redis is not there: nothing is an error, and nothing waits for it more than once.

What a page waits for is counted in connections to a Redis that never answers, each of which costs
at most wakeup.ANSWER seconds, so these tests do not depend on the speed of the machine.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import tasks
from jobs.common import wakeup
from jobs.engine import transitions
from jobs.models import Account, Check, Job
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]


class Hole:
    """A port that takes every connection and never answers."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.lines: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        try:
            while True:
                self.lines.append(self.server.accept()[0])
        except OSError:
            return

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server.getsockname()[1]}/0"

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for line in self.lines:
            line.close()


@pytest.fixture
def hole(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hole]:
    made = Hole()
    settings.REDIS_URL = made.url
    monkeypatch.setattr(wakeup, "REST", 600.0)  # however slow the machine is
    monkeypatch.setattr(wakeup, "ANSWER", 1.5 * wakeup.SLOW)  # connections are counted, not seconds
    # The bell's own queues; those of a worker wait longer, and are no page's business.
    for name in settings.RQ_QUEUES:
        monkeypatch.setitem(settings.RQ_QUEUES[name], "URL", made.url)
    wakeup._away.clear()
    yield made
    made.close()
    wakeup._away.clear()


def test_the_bell_is_not_waited_for_twice(hole: Hole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "ANSWER", 1.0)  # far more than a busy machine needs for the rest
    began = time.monotonic()
    wakeup.wake_dispatcher()
    wakeup.publish("north", {"id": 1})
    assert wakeup.once("x", 5) is True
    assert wakeup.worker_alive() is False
    assert wakeup.worker_heard() is None
    assert time.monotonic() - began < 2 * wakeup.ANSWER + wakeup.CONNECT
    assert len(hole.lines) == 1


def test_it_is_tried_again_after_a_rest(
    hole: Hole, redis_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup, "REST", 0.1)
    wakeup.wake_dispatcher()
    time.sleep(0.15)
    wakeup.wake_dispatcher()
    assert len(hole.lines) == 2
    settings.REDIS_URL = redis_url  # another address is another Redis
    assert wakeup.unless_away(lambda: wakeup.redis().ping(), otherwise=False) is True


def test_a_refused_connection_costs_nothing_and_needs_no_rest(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wakeup.wake_dispatcher()
    assert settings.REDIS_URL not in wakeup._away


def test_waiting_for_the_bell_falls_back_to_the_clock(hole: Hole) -> None:
    wakeup.wake_dispatcher()  # now it is known to be away
    began = time.monotonic()
    assert wakeup.wait(0.3) is False
    assert 0.25 <= time.monotonic() - began < 1.5


@pytest.fixture
def made(team: Team, creator: User, account: Account) -> dict[str, Any]:
    picture = makers.asset(team)
    makers.check(picture, account, answered_at=timezone.now())
    ready = {
        "page": "portrait",
        "model": "emo-v1",
        "image_url": picture.public_id,
        "audio_url": makers.asset(team, "audio").public_id,
    }
    return {
        "ready": ready,
        "job": makers.job(team, creator, account=account),
        "fresh": makers.asset(team),
    }


def _pages(team: Team, made: dict[str, Any]) -> list[str]:
    names = ("board", "portrait", "dance", "template", "spend", "keys")
    found = [reverse(f"jobs:{name}", args=[team.slug]) for name in names]
    found += [
        reverse(f"jobs:{name}", args=[team.slug, made["job"].public_id])
        for name in ("job", "row", "job_live")
    ]
    return [*found, reverse("library", args=[team.slug]), reverse("home"), "/healthz", "/admin/"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("away", ["refused", "silent"])
def test_every_page_opens(
    hole: Hole,
    away: str,
    settings: Any,
    team: Team,
    admin: User,
    made: dict[str, Any],
    client_of: ClientOf,
) -> None:
    if away == "refused":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client = client_of(admin)
    for page in _pages(team, made):
        wakeup._away.clear()
        before = len(hole.lines)
        assert client.get(page).status_code in (200, 302), page
        assert len(hole.lines) - before <= 1, f"{page} waits for Redis more than once"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("away", ["refused", "silent"])
def test_every_click_works(
    hole: Hole,
    away: str,
    settings: Any,
    team: Team,
    creator: User,
    made: dict[str, Any],
    client_of: ClientOf,
) -> None:
    if away == "refused":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client = client_of(creator)

    def click(name: str, data: dict[str, str], *more: str) -> None:
        wakeup._away.clear()
        before = len(hole.lines)
        answer = client.post(reverse(f"jobs:{name}", args=[team.slug, *more]), data)
        assert answer.status_code in (200, 302), f"{name}: {answer.status_code}"
        assert len(hole.lines) - before <= 1, f"{name} waits for Redis more than once"

    click("portrait", made["ready"] | {"do": "make", "key": "click-1"})
    assert Job.objects.exclude(pk=made["job"].pk).count() == 1
    click("check", made["ready"] | {"image_url": made["fresh"].public_id})
    assert Check.objects.filter(asset=made["fresh"], state=Check.State.WAITING).exists()
    click("cancel", {}, made["job"].public_id)
    made["job"].refresh_from_db()
    assert made["job"].state == "canceled"


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_comes_round(hole: Hole, made: dict[str, Any]) -> None:
    """With everything it does, however often it needs Redis."""
    transitions.wake_lane(made["job"].lane_id)
    done = threading.Event()

    def beat() -> None:
        from django.db import connection

        try:
            tasks.heartbeat()
            done.set()
        finally:
            connection.close()

    threading.Thread(target=beat, daemon=True).start()
    assert done.wait(30), "the heartbeat hangs at a Redis that never answers"
