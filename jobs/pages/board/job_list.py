"""Jobs with all that their rows show, in one statement; and who may press which of the buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from jobs.engine import eta
from jobs.models import Job, JobInput
from jobs.pages.board.job_row import JobRow, job_row
from studio.models.people import Team
from studio.teams.permissions import Permissions

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Face(TypedDict):
        """The public id of the picture or video that stands for the job."""

        face: str | None

    ListedJob = WithAnnotations[Job, _Face]


def rows_of(jobs: QuerySet[Job]) -> QuerySet[ListedJob]:
    """Jobs with all that a row shows: one statement however many."""
    picture = (
        JobInput.objects.filter(job=OuterRef("pk"))
        .exclude(asset__thumb="")
        .order_by("asset__kind", "pk")
    )
    related = ("account", "account__pause_set_by", "lane", "lane__pause_set_by", "lane__account")
    return jobs.select_related("owner", *related, "result").annotate(
        face=Coalesce(
            Subquery(
                picture.filter(asset__kind__in=("image", "video")).values("asset__public_id")[:1]
            ),
            Case(
                When(template__asset__deletion=None, then="template__asset__public_id"),
                output_field=CharField(),
            ),
        ),
    )


def row_of(job: ListedJob, team: Team, place: eta.Place | None = None) -> JobRow:
    video = job.result
    return job_row(
        job, team, place, video.public_id if video is not None and video.thumb else job.face or ""
    )


def list_class(may: Permissions) -> str:
    """The class of a list of rows: which of their buttons the reader may use."""
    if not may.make:
        return "reads"
    return "manages" if may.manage_jobs else ""
