"""What looks at tasks do to the lane of their jobs."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs.engine import eta, lane_lease, lane_visit, transitions
from jobs.models import Job, Lane
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Asset, User
from tests.jobs.engine.tasks.visits import fresh, visit
from tests.service import Service

pytestmark = pytest.mark.django_db


def running(job: Job, service: Service) -> Job:
    job = visit(job)
    assert job.state == "running"
    return job


# ── lanes ──


def test_one_lane_has_one_visitor(job: Job) -> None:
    assert [one.lane.pk for one in lane_lease.claim()] == [job.lane_id]
    assert lane_lease.claim() == []


def test_the_lease_of_a_dead_process_is_freed(job: Job) -> None:
    (claimed,) = lane_lease.claim()
    lane = claimed.lane
    dead = lane.lease_token.replace(f"|{__import__('os').getpid()}|", "|999999999|")
    Lane.objects.filter(pk=lane.pk).update(lease_token=dead)
    assert lane_lease.free_the_dead() == 1
    assert [one.lane.pk for one in lane_lease.claim()] == [job.lane_id]
    assert lane_lease.free_the_dead() == 0, "ours is alive"


def test_a_wake_up_during_a_visit_is_not_lost(job: Job, service: Service) -> None:
    (claimed,) = lane_lease.claim()
    lane = claimed.lane
    transitions.wake_lane(lane.pk)
    lane_visit.visit(claimed)
    assert Lane.objects.get(pk=lane.pk).next_visit_at <= timezone.now()


def test_an_idle_lane_rests_until_it_is_woken(job: Job, service: Service, creator: User) -> None:
    transitions.cancel(job, creator)
    visit(job)
    assert Lane.objects.get(pk=job.lane_id).next_visit_at is None


def test_only_two_tasks_are_out_and_people_take_turns(
    wish: OrderRequest, owner: User, service: Service
) -> None:
    import dataclasses

    mine = [create.create(wish) for _ in range(3)]
    theirs = [create.create(dataclasses.replace(wish, owner=owner)) for _ in range(2)]
    visit(mine[0])
    out = Job.objects.filter(state="running").order_by("submitted_at")
    assert [job.pk for job in out] == [mine[0].pk, theirs[0].pk] or [job.pk for job in out] == [
        theirs[0].pk,
        mine[0].pk,
    ]
    assert service.count("submit") == 2


def test_place_in_line(wish: OrderRequest, service: Service) -> None:
    jobs = [fresh(create.create(wish)) for _ in range(3)]
    assert [eta.place(job).position for job in jobs] == [1, 2, 3]
    visit(jobs[0])
    assert eta.place(fresh(jobs[0])).position == 0
    assert eta.line(wish.account, "emo-v1")[0] == 3


def test_assets_of_jobs_stay(job: Job) -> None:
    from django.db.models import ProtectedError

    with pytest.raises(ProtectedError):
        Asset.objects.get(used_as__job=job, kind="image").delete()
