"""The machine, step by step, against a scripted service."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.common.states import State
from jobs.engine import lane_lease, lane_visit
from jobs.models import Job, Lane
from jobs.modelstudio import NoAnswer
from studio.common import clock
from tests.service import Service

LONG_AGO = timedelta(minutes=3)  # the window of doubt is over


def fresh(job: Job) -> Job:
    return Job.objects.select_related("lane", "account", "team", "template", "check_used").get(
        pk=job.pk
    )


def visit(job: Job) -> Job:
    """One visit of the job's lane, with everything due now."""
    now = clock.now()
    Job.objects.filter(lane=job.lane, state=State.RUNNING).update(next_look_at=now)
    Job.objects.filter(lane=job.lane).exclude(not_before=None).update(not_before=now)
    Lane.objects.filter(pk=job.lane_id).update(next_visit_at=now, lease_until=None)
    (claimed,) = [one for one in lane_lease.claim() if one.lane.pk == job.lane_id]
    lane_visit.visit(claimed)
    return fresh(job)


def sent_without_answer(job: Job, service: Service) -> Job:
    service.submits = [NoAnswer(message="cut")]
    job = visit(job)
    assert job.state == "uncertain"
    return job


def in_doubt(job: Job, service: Service, ago: timedelta = LONG_AGO, tries: int = 1) -> Job:
    """Sent without an answer `ago`, and looked for `tries` times in vain."""
    job = sent_without_answer(job, service)
    Job.objects.filter(pk=job.pk).update(submitting_at=timezone.now() - ago, tries=tries)
    return fresh(job)
