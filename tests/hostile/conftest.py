"""One row of everything, and a browser of everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from jobs.common import queue_entries, wakeup
from jobs.models import Account, JobSet, Preset
from studio.models import Team, User
from tests import makers

ENTRY = "an-entry"  # of the queue
SECRET = "sk-canary-0042-abcdef"


@pytest.fixture
def values(team: Team, creator: User) -> dict[str, Any]:
    """What the names in addresses stand for; each of a thing that is there."""
    account: Account = makers.account(team, key=SECRET)
    asset = makers.asset(team)
    return {
        "team": team.slug,
        "asset": asset.public_id,
        "what": "original",
        "job": makers.job(team, creator, account=account).public_id,
        "account": account.public_id,
        "key": account.keys.get().pk,
        "template": makers.template(team, account).public_id,
        "check": makers.check(asset, account).public_id,
        "jobset": JobSet.objects.create(
            team=team, owner=creator, kind=JobSet.Kind.BATCH, title="Many"
        ).public_id,
        "preset": Preset.objects.create(
            team=team, owner=creator, model="emo-v1", name="Front desk"
        ).public_id,
        "whose": team.memberships.get(user=creator).pk,
        "object_id": [1, 2, team.pk],
        "content_type_id": [kind.pk for kind in ContentType.objects.all()],
        "app_label": "jobs",
        "queue_index": 0,
        "connection_index": 0,
        "scheduler_index": 0,
        "id": 1,
        "job_id": ["unknown", ENTRY],
    }


@pytest.fixture
def everybody(
    owner: User,
    admin: User,
    creator: User,
    viewer: User,
    stranger: User,
    client_of: Callable[[User], Client],
) -> dict[str, Client]:
    root = User.objects.create_superuser("root@example.com", "correct horse", first_name="Root")
    staff = User.objects.create_user("staff@example.com", "correct horse", is_staff=True)
    people = {
        "owner": owner,
        "admin": admin,
        "creator": creator,
        "viewer": viewer,
        "stranger": stranger,
        "operator": root,
        "staff without permissions": staff,
    }
    return {"nobody": Client(), **{word: client_of(user) for word, user in people.items()}}


@pytest.fixture
def queued(redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something stands in the queue, and the pages of the queues see it."""
    for name, of_queue in settings.RQ_QUEUES.items():
        monkeypatch.setitem(settings.RQ_QUEUES, name, of_queue | {"URL": redis})
    queue = wakeup.queue_of("steps")
    queue.enqueue_job(
        queue_entries.StepEntry.create(
            "jobs.tasks.check_step", (1,), id=ENTRY, connection=queue.connection, origin=queue.name
        )
    )
