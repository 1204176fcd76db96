"""Deleting beside what needs the same file at the same moment. On PostgreSQL only, where threads
share a database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from jobs.common.errors import Refused
from jobs.models import Account, JobInput
from jobs.orders import create, trash, trash_sweep
from jobs.orders.order_request import OrderRequest
from studio.files import file_store
from studio.models import Asset, Deletion, FileRemoval, Team, User
from tests import files, makers

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection",
    ),
]


def at_once(*what: Callable[[], Any]) -> list[Any]:
    """What each of `what` returns, begun at the same moment; a Refused instead of raising it."""
    start = threading.Barrier(len(what))

    def run(one: Callable[[], Any]) -> Any:
        try:
            start.wait(20)
            return one()
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(what)) as pool:
        return list(pool.map(run, what))


@pytest.mark.parametrize("round_", range(5))
def test_an_order_and_a_deletion_of_its_file(
    team: Team, creator: User, account: Account, round_: int
) -> None:
    portrait, speech = makers.asset(team, owner=creator), makers.asset(team, "audio")
    makers.check(portrait, account)
    chosen = {"image_url": portrait, "audio_url": speech}
    order = OrderRequest(team, creator, "emo-v1", chosen, {"ratio": "1:1"}, account=account)
    ordered, deleted = at_once(
        lambda: create.create(order),
        lambda: trash.delete_files(team, [portrait], creator, others=True),
    )
    if isinstance(ordered, Refused):
        assert len(deleted.deletions) == 1
        assert not team.jobs.exists()
    else:
        assert deleted.deletions == []
        given = JobInput.everything.filter(job=ordered)
        assert not given.exclude(asset__deletion=None).exists()


def test_two_deletions_of_the_same(team: Team, creator: User) -> None:
    asset = makers.asset(team, owner=creator)
    done = at_once(*[lambda: trash.delete_files(team, [asset], creator, others=True)] * 4)
    assert sum(len(one.deletions) for one in done) == 1
    assert Deletion.objects.count() == 1


@pytest.mark.parametrize("round_", range(5))
def test_a_restore_and_a_sweep(team: Team, creator: User, round_: int) -> None:
    asset = makers.asset(team, owner=creator)
    (lies,) = trash.delete_files(team, [asset], creator, others=True).deletions
    Deletion.objects.update(remove_at=timezone.now())
    back, _swept = at_once(
        lambda: trash.restore([lies], creator, others=True), lambda: trash_sweep.work()
    )
    assert Asset.objects.filter(pk=asset.pk).exists() == bool(back)
    assert default_storage.exists(asset.file.name) == bool(back)
    assert not Deletion.objects.exists()
    assert not FileRemoval.objects.exists()


@pytest.mark.parametrize("round_", range(5))
def test_an_upload_and_the_erasure_of_the_same_content(
    team: Team, creator: User, round_: int
) -> None:
    content = files.png(40 + round_, 40)

    def upload() -> Asset:
        sent = SimpleUploadedFile("a.png", content)
        return file_store.keep(sent, team=team, owner=creator, name="a.png")[0]

    asset = upload()
    trash.delete_files(team, [asset], creator, others=True)
    Deletion.objects.update(remove_at=timezone.now())
    kept, _swept, _again = at_once(upload, trash_sweep.work, trash_sweep.work)
    trash_sweep.work()
    kept.refresh_from_db()
    assert default_storage.exists(kept.file.name)
    assert not Deletion.objects.exists()
    assert Asset.everything.count() == 1
