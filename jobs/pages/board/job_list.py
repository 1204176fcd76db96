"""Jobs with all that their rows show, in one statement; and who may press which of the buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from jobs.engine import eta
from jobs.models import Account, Job, JobInput, Lane
from jobs.pages.board.job_row import JobRow, job_row
from studio.models import Asset
from studio.models.people import Team, User
from studio.teams.permissions import Permissions

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Face(TypedDict):
        """The public id of the picture or video that stands for the job."""

        face: str | None

    ListedJob = WithAnnotations[Job, _Face]


def rows_of(jobs: QuerySet[Job]) -> QuerySet[ListedJob]:
    """Jobs with all that a row shows: one statement however many."""
    related = ("account", "account__pause_set_by", "lane", "lane__pause_set_by", "lane__account")
    return with_faces(jobs.select_related("owner", *related, "result"))


def with_faces(jobs: QuerySet[Job]) -> QuerySet[ListedJob]:
    """Jobs with the picture that stands for each; `share_out` gives them the rest of a row."""
    picture = (
        JobInput.objects.filter(job=OuterRef("pk"))
        .exclude(asset__thumb="")
        .order_by("asset__kind", "pk")
    )
    return jobs.annotate(
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


def share_out(jobs: Sequence[Job], lanes: Iterable[Lane], people: Iterable[User]) -> None:
    """Give each of `jobs` its lane, account, owner and result: of those that are known, or, of what
    is rare among open jobs (a person who has left, a connection that shares another one’s lanes, a
    video that is there already), read once."""
    known_lanes = {lane.pk: lane for lane in lanes}
    accounts = {lane.account_id: lane.account for lane in known_lanes.values()}
    more = {job.lane_id for job in jobs} - known_lanes.keys()
    if more:
        related = ("pause_set_by", "account", "account__pause_set_by")
        known_lanes |= Lane.objects.select_related(*related).in_bulk(more)
    more = {job.account_id for job in jobs} - accounts.keys()
    if more:
        accounts |= Account.objects.select_related("pause_set_by").in_bulk(more)
    give_owners(jobs, people)
    results = Asset.objects.in_bulk([job.result_id for job in jobs if job.result_id])
    for job in jobs:
        job.result = results.get(job.result_id or 0)
        job.lane, job.account = known_lanes[job.lane_id], accounts[job.account_id]


def give_owners(jobs: Sequence[Job], people: Iterable[User]) -> None:
    """Give each of `jobs` its owner, of `people` or, who has left the team, read once."""
    known = {person.pk: person for person in people}
    more = {job.owner_id for job in jobs} - known.keys()
    if more:
        known |= User.objects.in_bulk(more)
    for job in jobs:
        job.owner = known[job.owner_id]


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
