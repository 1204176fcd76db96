"""The groups of the board, those that need somebody first; in each, jobs of one set as one row that
opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.common.states import Group, State
from jobs.engine import eta
from jobs.models import Job
from jobs.pages.board.board_filter import ACTIVE, Filter
from jobs.pages.board.drawn_rows import drawn_open
from jobs.pages.board.ended_jobs import drawn
from jobs.pages.board.job_list import row_of
from studio.models.people import Team, User

if TYPE_CHECKING:
    from jobs.pages.board.job_list import ListedJob


@dataclass(frozen=True, slots=True)
class Entry:
    """One job, or the jobs of a set that stand in the same section: then `title` is the set's, and
    `words` say how many of which state."""

    rows: list[SafeString]
    id: str = ""
    url: str = ""
    title: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    label: str
    note: str
    entries: list[Entry]


def sections_of(
    team: Team,
    user: User,
    wanted: Filter,
    open_jobs: Sequence[ListedJob],
    ended: Sequence[Job],
    places: Mapping[int, eta.Place],
) -> list[Section]:
    seen = [job for job in open_jobs if job.group in wanted.groups and wanted.passes(job, user)]
    by_group = {group: [job for job in seen if job.group == group] for group in ACTIVE}
    by_group[Group.WAITING].sort(
        key=lambda job: (places[job.pk].position if job.pk in places else eta.MOST, job.pk)
    )
    html = drawn_open([row_of(job, team, places.get(job.pk)) for job in seen], user)
    html |= drawn([*ended], team, wanted.view)
    parts = _parts(by_group, ended)
    names = _sets(team, [jobs for _id, _label, _note, jobs in parts])
    whole = wanted.view == "list" and not wanted.by_cost  # a set would stand where its first does
    return [
        Section(
            name, label, note, _entries(name, jobs, html, names if whole or name != "ended" else {})
        )
        for name, label, note, jobs in parts
        if jobs
    ]


def _parts(
    by_group: Mapping[Group, Sequence[Job]], ended: Sequence[Job]
) -> list[tuple[str, str, str, Sequence[Job]]]:
    """Id, heading, note and jobs of each section, in their order."""
    return [
        (
            "needs",
            _("Needs attention"),
            _("These wait for a person."),
            by_group[Group.ATTENTION],
        ),
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


def _sets(team: Team, lists: Iterable[Sequence[Job]]) -> dict[int, tuple[str, str, str]]:
    """Set id → (public id, address, title) of sets with several jobs in one list; without a
    statement when there are none."""
    several = {
        pk
        for jobs in lists
        for pk, number in Counter(job.set_id for job in jobs).items()
        if pk is not None and number > 1
    }
    if not several:
        return {}
    found = team.sets.filter(pk__in=several).select_related("team")
    return {one.pk: (one.public_id, one.get_absolute_url(), one.title) for one in found}


def _entries(
    section: str,
    jobs: Sequence[Job],
    html: Mapping[int, SafeString],
    sets: Mapping[int, tuple[str, str, str]],
) -> list[Entry]:
    """In the order of `jobs`; a set stands where its first job does."""
    together: dict[int, list[Job]] = {}
    for job in jobs:
        if job.set_id is not None and job.set_id in sets:
            together.setdefault(job.set_id, []).append(job)
    found = []
    for job in jobs:
        of_set = together.get(job.set_id, []) if job.set_id else []
        if len(of_set) < 2:
            found.append(Entry([html[job.pk]]))
        elif of_set[0] is job and job.set_id is not None:
            public_id, url, title = sets[job.set_id]
            rows = [html[one.pk] for one in of_set]
            found.append(Entry(rows, f"set-{section}-{public_id}", url, title, _words(of_set)))
    return found


def _words(jobs: Sequence[Job]) -> str:
    """“12 videos: 10 ready, 2 failed”, of those in this section."""
    states = Counter(State(job.state) for job in jobs)
    words = {
        State.SUCCEEDED: _("%(n)s ready"),
        State.FAILED: _("%(n)s failed"),
        State.CANCELED: _("%(n)s canceled"),
        State.QUEUED: _("%(n)s waiting"),
    }
    parts = [text % {"n": states.pop(state)} for state, text in words.items() if state in states]
    if states:
        parts.insert(0, _("%(n)s in progress") % {"n": states.total()})
    return _("%(n)s videos: %(states)s") % {"n": len(jobs), "states": ", ".join(parts)}
