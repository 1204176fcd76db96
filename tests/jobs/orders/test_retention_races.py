"""What goes for its age beside who keeps it or orders with it, and a connection that is removed
beside an order, at the same moment. On PostgreSQL only, where threads share a database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from jobs.common.errors import Refused
from jobs.common.states import Group, State
from jobs.models import Account, ApiKey, Job
from jobs.orders import connection_removal, create, retention
from jobs.orders.order_request import OrderRequest
from studio.models import Deletion, Team, User
from tests import makers
from tests.jobs.orders.test_retention import file, later, video
from tests.jobs.orders.test_trash_races import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection",
    ),
]


@pytest.fixture
def keeping(team: Team) -> Team:
    Team.objects.filter(pk=team.pk).update(keep_days=30)
    team.refresh_from_db()
    return team


def test_two_workers_announce_and_move_once(keeping: Team, creator: User, account: Account) -> None:
    for _ in range(4):
        video(keeping, creator, account, 100)
    at_once(*[retention.work] * 4)
    assert len(mail.outbox) == 1
    later(8)
    moved = at_once(*[retention.work] * 4)
    assert sum(moved) == 4
    assert Deletion.objects.count() == 4


@pytest.mark.parametrize("round_", range(5))
def test_who_keeps_it_and_the_sweep(
    keeping: Team, creator: User, account: Account, round_: int
) -> None:
    job = video(keeping, creator, account, 100)
    retention.work()
    later(8)
    kept, moved = at_once(lambda: retention.pin(keeping, [job], [], creator), retention.work)
    job.refresh_from_db()
    assert (kept, moved) in {(1, 0), (0, 1)}, "one of the two, and both say which"
    assert (job.group == Group.DELETED) == bool(moved)
    assert job.pinned == bool(kept)


@pytest.mark.parametrize("round_", range(5))
def test_an_order_with_an_old_file_and_the_sweep(
    keeping: Team, creator: User, account: Account, round_: int
) -> None:
    portrait, speech = file(keeping, creator, 100), makers.asset(keeping, "audio", owner=creator)
    makers.check(portrait, account)
    retention.work()
    later(8)
    files = {"image_url": portrait, "audio_url": speech}
    order = OrderRequest(keeping, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)
    ordered, moved = at_once(lambda: create.create(order), retention.work)
    portrait.refresh_from_db(from_queryset=type(portrait).everything.all())
    assert isinstance(ordered, Refused) == bool(moved) == (portrait.deletion_id is not None)


@pytest.mark.parametrize("round_", range(5))
def test_an_order_and_the_removal_of_its_connection(
    team: Team, creator: User, owner: User, account: Account, round_: int
) -> None:
    files = {
        "image_url": makers.asset(team, owner=creator),
        "audio_url": makers.asset(team, "audio", owner=creator),
    }
    makers.check(files["image_url"], account)
    order = OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)
    ordered, removed = at_once(
        lambda: create.create(order), lambda: connection_removal.remove(account, owner)
    )
    account.refresh_from_db()
    assert isinstance(ordered, Refused) != isinstance(removed, Refused)
    assert Job.objects.exists() == (account.removed_at is None)
    assert ApiKey.objects.filter(account=account).exists() == (account.removed_at is None)
    assert timezone.now() - account.created_at < timedelta(minutes=5)
    assert not Job.objects.exclude(state=State.QUEUED).exists()
