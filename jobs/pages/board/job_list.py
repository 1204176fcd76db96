"""Jobs as a list of rows: on the board in groups, on the page of a set in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from jobs.common.states import Group
from jobs.engine import eta
from jobs.models import Job, JobInput
from jobs.pages.board.board_filter import ACTIVE, ENDED, Filter
from jobs.pages.board.job_row import JobRow, job_row
from studio.models.people import Team, User
from studio.teams.permissions import Permissions

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Face(TypedDict):
        """The public id of the picture or video that stands for the job."""

        face: str | None

    ListedJob = WithAnnotations[Job, _Face]

PAGE = 30


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


def ended_page(jobs: QuerySet[Job], wanted: Filter) -> tuple[list[ListedJob], bool]:
    """One page of the finished ones of `jobs`, the newest first, and whether older ones follow."""
    if not set(wanted.groups) & set(ENDED):
        return [], False
    found = jobs.filter(group__in=ENDED)
    if wanted.before is not None:
        found = found.filter(id__lt=wanted.before)
    ended = list(rows_of(found).order_by("-id")[: PAGE + 1])
    return ended[:PAGE], len(ended) > PAGE


def list_class(may: Permissions) -> str:
    """The class of a list of rows: which of their buttons the reader may use."""
    if not may.make:
        return "reads"
    return "manages" if may.manage_jobs else ""


@dataclass(frozen=True, slots=True)
class Section:
    """One group of the board."""

    id: str
    label: str
    note: str
    rows: list[JobRow]


def sections_of(
    team: Team,
    user: User,
    wanted: Filter,
    open_jobs: list[ListedJob],
    ended: list[ListedJob],
    places: dict[int, eta.Place],
) -> list[Section]:
    """The rows in their groups, those that need somebody first."""
    seen = [job for job in open_jobs if job.group in wanted.groups and wanted.passes(job, user)]
    by_group = {group: [job for job in seen if job.group == group] for group in ACTIVE}
    by_group[Group.WAITING].sort(
        key=lambda job: (places[job.pk].position if job.pk in places else eta.MOST, job.pk)
    )
    parts = [
        ("needs", _("Needs attention"), _("These wait for a person."), by_group[Group.ATTENTION]),
        (
            "stage",
            _("In progress"),
            _("At the service, or being saved here."),
            by_group[Group.WORKING],
        ),
        (
            "waiting",
            _("Waiting"),
            _("Cancel is free until they are sent."),
            by_group[Group.WAITING],
        ),
        ("ended", _("Finished"), "", ended),
    ]
    return [
        Section(name, label, note, [row_of(job, team, places.get(job.pk)) for job in jobs])
        for name, label, note, jobs in parts
        if jobs
    ]
