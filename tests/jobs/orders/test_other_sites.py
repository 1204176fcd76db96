"""Two sites on one Alibaba account: after a restore of one, the tasks of the other stay its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.engine import restored
from jobs.models import Account, Job
from jobs.orders import reconcile
from jobs.orders.adopt import adopt
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import visit
from tests.service import Service, task

pytestmark = pytest.mark.django_db
AGO = timedelta(minutes=5)


@pytest.fixture
def job(team: Team, creator: User, account: Account) -> Job:
    picture = makers.asset(team)
    files = {"image_url": picture, "audio_url": makers.asset(team, "audio")}
    check = makers.check(picture, account)
    return makers.job(team, creator, account=account, files=files, check_used=check)


@pytest.fixture
def waits(account: Account, owner: User) -> Account:
    restored.begin(timezone.now() - AGO)
    account.refresh_from_db()
    return account


def test_a_task_of_another_sites_key_is_left_alone(
    job: Job, waits: Account, service: Service, owner: User
) -> None:
    """Two sites on one Alibaba account, each with a key of its own."""
    waits.keys.update(service_id="15-ours")
    line = replace(service.made(at=timezone.now() - AGO / 2), api_key_id="16-theirs")
    mine = replace(service.made("wan2.2-s2v", at=timezone.now() - AGO / 2), api_key_id="15-ours")
    service.tasks_made = [line, mine]
    service.gets = [task(mine.task_id, "RUNNING")]
    found = reconcile.reconcile(waits)
    assert [one.task_id for one in found.adopted] == [mine.task_id]
    assert (found.undecided, found.left) == ([], []), "nothing of another site is of interest"
    assert visit(job).state == "running"


def test_the_name_of_a_key_is_learned_at_the_comparison(
    job: Job, waits: Account, service: Service
) -> None:
    """The key's own task says what the list calls it, so another's is told apart."""
    Account.objects.update(reconcile_from=None)
    service.key_id = waits.keys.get().pk
    job = visit(job)
    restored.begin(timezone.now() - AGO)
    theirs = service.made(at=timezone.now())
    service.tasks_made = [
        replace(service.tasks_made[0], api_key_id="15-ours"),
        replace(theirs, api_key_id="16-theirs"),
    ]
    assert reconcile.reconcile(Account.objects.get()).adopted == []


def test_where_others_use_the_key_nothing_is_adopted_by_itself(
    job: Job, account: Account, service: Service, owner: User
) -> None:
    """A task of long before the restore that is in no row is of somebody else with the same
    key."""
    visit(job)
    restored.begin()
    waits = Account.objects.get()
    service.made(at=timezone.now() - timedelta(hours=3))
    line = service.made(at=timezone.now() - AGO / 2)
    found = reconcile.reconcile(waits)
    assert found.adopted == []
    (left,) = found.left
    assert line.task_id in str(left)
    assert "somebody else uses this key" in str(left)
    assert not Account.objects.exclude(reconcile_from=None).exists(), "it sends again"
    service.gets = [task(line.task_id, "RUNNING")]
    assert adopt(waits, line.task_id, owner).task_id == line.task_id, "a person may"
