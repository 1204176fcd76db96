"""The jobs of a lane with everything that a step needs, and how one step's failure stays with its
job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import F, QuerySet

from jobs.accounts.clients import NoKey
from jobs.common.errors import Moved
from jobs.common.states import OUT, State
from jobs.engine import retry
from jobs.models import Job, Lane
from jobs.modelstudio import WireError
from studio.common import clock
from studio.config.logs import about

log = logging.getLogger("footlight.lane_jobs")


def jobs_of(lane: Lane) -> QuerySet[Job]:
    return Job.objects.filter(lane=lane).select_related(
        "lane", "account", "account__team", "team", "template", "check_used"
    )


def out_of(lane: Lane) -> list[Job]:
    """Jobs with a task, or with one that may exist, oldest first."""
    return list(jobs_of(lane).filter(state__in=OUT).order_by("submitted_at", "id"))


def isolated(lane: Lane, job: Job, step: Callable[[], None]) -> None:
    """Run one step; what may go wrong is logged, ends this step only, and puts its job aside for a
    while."""
    with about(job=job.public_id):
        try:
            step()
        except Moved as moved:
            log.info("%s", moved)
        except (WireError, NoKey) as error:
            log.warning("%s: %s", lane, error)
            _put_aside(job)
        except (OperationalError, InterfaceError):
            raise  # the database is away; what is wrong with one row stays with that row
        except Exception:
            # A bug or a broken row must not stop everybody behind it: this job rests, the others go
            # on.
            log.exception("%s, job %s", lane, job.public_id)
            _put_aside(job)


def _put_aside(job: Job) -> None:
    """Whatever was due on `job` is due again in a while, longer each time."""
    later = clock.now() + timedelta(seconds=max(5.0, retry.backoff(job.tries + 1)))
    Job.objects.filter(pk=job.pk, state=State.QUEUED).update(not_before=later, tries=F("tries") + 1)
    # The tries of an uncertain job are lists without its task: one that could not be read is none.
    Job.objects.filter(pk=job.pk, state=State.UNCERTAIN).update(not_before=later)
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(
        next_look_at=later, tries=F("tries") + 1
    )
