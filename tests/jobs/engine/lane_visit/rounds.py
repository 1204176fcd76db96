"""Visits and rounds of lanes."""

from __future__ import annotations

from django.utils import timezone

from jobs.common.states import State
from jobs.engine import lane_lease, lane_visit
from jobs.models import Job, Lane


def fresh(job: Job) -> Job:
    return Job.objects.select_related(
        "lane", "lane__account", "account", "team", "template", "check_used"
    ).get(pk=job.pk)


def due(*jobs: Job) -> None:
    now = timezone.now()
    Job.objects.filter(pk__in=[job.pk for job in jobs], state=State.RUNNING).update(
        next_look_at=now
    )
    Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(not_before=None).update(
        not_before=now
    )
    Lane.objects.filter(pk__in=[job.lane_id for job in jobs]).update(
        next_visit_at=now, lease_until=None
    )


def visit(job: Job) -> Job:
    due(*Job.objects.filter(lane=job.lane_id))
    (claimed,) = [one for one in lane_lease.claim() if one.lane.pk == job.lane_id]
    lane_visit.visit(claimed)
    return fresh(job)
