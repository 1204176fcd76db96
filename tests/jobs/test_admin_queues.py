"""The pages of the RQ queues in the admin: whose they are, and what is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django_rq.models import Dashboard

from jobs.common import wakeup
from studio.models import Team, User
from tests.hostile.addresses import every_address

HERE = "/admin/django_rq/dashboard/"
ClientOf = Callable[[User], Client]


@pytest.fixture
def queues(redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, queue in settings.RQ_QUEUES.items():
        monkeypatch.setitem(settings.RQ_QUEUES, name, queue | {"URL": redis})


@pytest.fixture
def operator(db: object, client_of: ClientOf) -> Client:
    return client_of(User.objects.create_superuser("root@example.com", "correct horse"))


def _addresses() -> list[str]:
    found = [one for one in every_address() if "/" + one.path > HERE and HERE[1:] in one.path]
    assert len(found) > 20
    return [one.at(**dict.fromkeys(one.names, 0)) for one in found]


@pytest.mark.usefixtures("queues")
def test_staff_without_the_permission_neither_look_nor_empty(
    db: object, client_of: ClientOf
) -> None:
    staff = User.objects.create_user("staff@example.com", "correct horse", is_staff=True)
    client = client_of(staff)
    index = sorted(settings.RQ_QUEUES).index(wakeup.queue_name("steps"))
    wakeup.redis().rpush(wakeup.queue_of("steps").key, "x")
    for address in _addresses():
        assert client.get(address).status_code == 403, address
        assert client.post(address).status_code == 403, address
    assert client.post(f"{HERE}queues/{index}/empty/").status_code == 403
    assert len(wakeup.queue_of("steps")) == 1
    assert "Django-RQ" not in client.get("/admin/").content.decode()
    kind = ContentType.objects.get_for_model(Dashboard)
    staff.user_permissions.add(Permission.objects.get(content_type=kind, codename="admin"))
    client = client_of(User.objects.get(pk=staff.pk))
    assert client.get(HERE).status_code == 200
    assert client.post(f"{HERE}queues/{index}/empty/").status_code == 302
    assert len(wakeup.queue_of("steps")) == 0


@pytest.mark.usefixtures("queues")
def test_what_is_not_there_is_not_found(operator: Client) -> None:
    for path in (
        "queues/0/unknown/",
        "queues/99/unknown/",
        "queues/0/unknown/results/1/",
        "queues/0/unknown/requeue/",
        "queues/0/unknown/enqueue/",
        "queues/0/unknown/stop/",
        "queues/0/unknown/delete/",
        "queues/99/",
        "workers/0/unknown/",
        "workers/99/",
        "schedulers/0/",
        "schedulers/99/",
        "cron-schedulers/0/unknown/",
    ):
        assert operator.get(HERE + path).status_code in (404, 405), path
        assert operator.post(HERE + path).status_code in (302, 404), path


def test_without_redis_the_pages_say_so(operator: Client) -> None:
    for name in ("", "queues/0/", "workers/0/"):
        page = operator.get(HERE + name, follow=True)
        assert page.status_code == 200
        assert "Redis does not answer" in page.content.decode()


def test_the_admin_shows_a_row_only_to_who_may_look_at_it(
    operator: Client, team: Team, client_of: ClientOf
) -> None:
    """Not which rows there are either; nor is a table asked that is none."""
    staff = client_of(User.objects.create_user("s@example.com", "correct horse", is_staff=True))
    kind: Any = ContentType.objects.get_for_model(Team)
    there, not_there = f"/admin/r/{kind.pk}/{team.pk}/", f"/admin/r/{kind.pk}/{team.pk + 1}/"
    assert operator.get(there).status_code == 302
    assert staff.get(there).status_code == staff.get(not_there).status_code == 404
    for one in ContentType.objects.all():
        for pk in ("1", "x", "9" * 30):
            assert operator.get(f"/admin/r/{one.pk}/{pk}/").status_code in (302, 404), one
    assert operator.get("/admin/r/x/1/").status_code == 404
