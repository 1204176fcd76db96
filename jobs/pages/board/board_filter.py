"""Which jobs the board's address asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy

from jobs.catalogue import entries
from jobs.common.states import Group
from jobs.models import Job
from jobs.models.job import differing
from studio.common.search import holds_words, words_in
from studio.models.people import User
from studio.teams.access import TeamRequest

ACTIVE = (Group.WAITING, Group.WORKING, Group.ATTENTION)
ENDED = (Group.DONE, Group.FAILED, Group.CANCELED)
TABS = {
    "all": gettext_lazy("All"),
    "mine": gettext_lazy("Mine"),
    "needs": gettext_lazy("Needs attention"),
    "working": gettext_lazy("Working"),
    "done": gettext_lazy("Done"),
}
OUTCOMES = {"ready": Group.DONE, "failed": Group.FAILED, "canceled": Group.CANCELED}
VIEWS = ("list", "gallery")
SORTS = {
    "newest": gettext_lazy("Newest first"),
    "oldest": gettext_lazy("Oldest first"),
    "cost": gettext_lazy("Most expensive first"),
}
COOKIE = "board_view"
# Jobs of one page are looked for among so many at most, so that a filter which hardly any job fits
# costs the same beside a million of them; the page offers to look further back.
WALK = 5000


@dataclass
class Filter:
    """What the address asks for. Unknown words are the same as none. `before` is where the page
    begins: behind the job that `place_of` gave this of; () for the first page."""

    tab: str
    model: str
    person: str
    q: str
    length: str
    before: tuple[int, ...]
    outcome: str = ""
    since: date | None = None
    until: date | None = None
    sort: str = "newest"
    view: str = "list"

    @classmethod
    def of(cls, request: TeamRequest) -> Filter:
        kept = request.COOKIES.get(COOKIE, "")
        return replace(cls.asked(request.GET), view=_view(request.GET.get("view", ""), kept))

    @classmethod
    def asked(cls, given: QueryDict) -> Filter:
        """What the words of an address ask for."""
        sort = given.get("sort", "") if given.get("sort") in SORTS else "newest"
        return cls(
            tab=given.get("tab", "") if given.get("tab") in TABS else "all",
            model=given.get("model", "") if given.get("model") in entries.MODELS else "",
            person=given.get("person", "") if _is_number(given.get("person", "")) else "",
            q=" ".join(given.get("q", "").replace("\x00", " ").split())[:100],
            length="differs" if given.get("length") == "differs" else "",
            before=_place(given.get("before", ""), 2 if sort == "cost" else 1),
            outcome=given.get("outcome", "") if given.get("outcome") in OUTCOMES else "",
            since=_day(given.get("since", "")),
            until=_day(given.get("until", "")),
            sort=sort,
        )

    @property
    def oldest(self) -> bool:
        return self.sort == "oldest"

    @property
    def by_cost(self) -> bool:
        return self.sort == "cost"

    def place_of(self, job: Job) -> tuple[int, ...]:
        """Where the page begins that goes on behind `job`: by cost with what it was charged."""
        charged = self.by_cost and job.settled_micros is not None
        return (job.settled_micros or 0, job.pk) if charged else (job.pk,)

    def stretches(self, jobs: QuerySet[Job], user: User) -> list[QuerySet[Job]]:
        """Of the finished `jobs` those that one index finds, in the order of the list, from where
        the page begins: in stretches one behind the other, each of which the index is entered at
        the beginning of."""
        if not self.by_cost:
            return [self.walked(jobs, user)]
        # Whoever wants fewer of them looks through the most expensive.
        charged = jobs.filter(settled_micros__isnull=False).order_by("-settled_micros", "-id")
        # By the column too, or PostgreSQL does not know the order of the index of these.
        free = jobs.filter(settled_micros__isnull=True).order_by("settled_micros", "-id")
        if not self.before:
            return [charged, free]
        *micros, last = self.before
        if not micros:
            return [free.filter(id__lt=last)]
        # A million may have one price: SQLite enters no index at a price and an id together when
        # it may as well go on to lower prices.
        return [
            charged.filter(settled_micros=micros[0], id__lt=last),
            charged.filter(settled_micros__lt=micros[0]),
            free,
        ]

    def walked(self, jobs: QuerySet[Job], user: User) -> QuerySet[Job]:
        """`stretches` of a list in the order of time, in one."""
        every = jobs
        if self.tab == "mine" or self.person:
            jobs = jobs.filter(owner_id=user.pk if self.tab == "mine" else int(self.person))
        elif self.model:
            jobs = jobs.filter(model=self.model)
        elif self.outcome:
            jobs = jobs.filter(group=OUTCOMES[self.outcome])
        if self.length:
            jobs = differing(jobs)
        jobs = self._within_days(jobs, every)
        if self.before:
            (last,) = self.before
            jobs = jobs.filter(id__gt=last) if self.oldest else jobs.filter(id__lt=last)
        return jobs.order_by("id" if self.oldest else "-id")

    def _within_days(self, jobs: QuerySet[Job], every: QuerySet[Job]) -> QuerySet[Job]:
        first, last = self._first_of(every, self.since), self._first_of(every, self._day_after)
        if self.since:
            jobs = jobs.filter(id__gte=first) if first is not None else jobs.none()
        return jobs.filter(id__lt=last) if last is not None else jobs

    def _first_of(self, jobs: QuerySet[Job], day: date | None) -> int | None:
        """The id of the first job made on `day` or after; ids are given in the order of time."""
        if day is None:
            return None
        made = jobs.filter(created_at__gte=_begins(day)).order_by("created_at")
        return made.values_list("id", flat=True).first()

    @cached_property
    def _day_after(self) -> date | None:
        return self.until + timedelta(days=1) if self.until else None

    @property
    def sparse(self) -> bool:
        """Whether what one index finds may hold many that do not fit."""
        served = bool(self.tab == "mine" or self.person), bool(self.model), bool(self.outcome)
        if self.by_cost:
            return any((*served, self.q, self.length, self.since, self.until))
        return bool(self.q) or sum(served) > 1

    def apply(self, jobs: QuerySet[Job], user: User) -> QuerySet[Job]:
        if self.by_cost:
            jobs = self._within_days(jobs, jobs)
        if self.tab == "mine":
            jobs = jobs.filter(owner=user)
        if self.model:
            jobs = jobs.filter(model=self.model)
        if self.person:
            jobs = jobs.filter(owner_id=int(self.person))
        if self.length:
            jobs = differing(jobs)
        if self.outcome:
            jobs = jobs.filter(group=OUTCOMES[self.outcome])
        if self.q:
            jobs = jobs.filter(
                words_in("title", self.q)
                | Q(task_id=self.q)
                | Q(request_id=self.q)
                | Q(public_id=self.q)
            )
        return jobs

    def passes(self, job: Job, user: User) -> bool:
        """`apply` again, for an open job that is loaded already."""
        return (
            (self.tab != "mine" or job.owner_id == user.pk)
            and (not self.model or job.model == self.model)
            and (not self.person or job.owner_id == int(self.person))
            and (not self.length or job.length_differs)
            and (not self.outcome or job.group == OUTCOMES[self.outcome])
            and (not self.since or job.created_at >= _begins(self.since))
            and (self._day_after is None or job.created_at < _begins(self._day_after))
            and (
                holds_words(job.title, self.q)
                or self.q in (job.task_id, job.request_id, job.public_id)
            )
        )

    @property
    def narrowed(self) -> bool:
        """Whether the address asks for less than everything."""
        words = (self.q, self.model, self.person, self.length, self.before, *self.more)
        return any(words) or self.tab != "all"

    @property
    def more(self) -> tuple[object, ...]:
        """What is chosen of the filters that are folded away."""
        return (self.outcome, self.since, self.until, self.sort != "newest")

    @property
    def groups(self) -> tuple[Group, ...]:
        if self.outcome:
            return ENDED
        return {
            "needs": (Group.ATTENTION,),
            "working": (Group.WAITING, Group.WORKING),
            "done": ENDED,
        }.get(self.tab, ACTIVE + ENDED)

    def query(self, **changed: Any) -> str:
        """The address of the same list with `changed`; paging begins anew unless it is what
        changes. Words in one order, so that two addresses of the same list are the same."""
        given = {
            "tab": self.tab if self.tab != "all" else "",
            "model": self.model,
            "person": self.person,
            "q": self.q,
            "length": self.length,
            "outcome": self.outcome,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "sort": self.sort if self.sort != "newest" else "",
        } | changed
        return "?" + urlencode({name: value for name, value in given.items() if value})


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _place(text: str, most: int) -> tuple[int, ...]:
    """As `written` writes it; () when it is none, of so many numbers at most."""
    parts = text.split("-")
    if len(parts) > most or not all(map(_is_number, parts)):
        return ()
    return tuple(map(int, parts))


def written(place: tuple[int, ...]) -> str:
    """A place as an address has it."""
    return "-".join(map(str, place))


def _view(asked: str, kept: str) -> str:
    return next((view for view in (asked, kept) if view in VIEWS), "list")


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:  # of the form of a day, and none
        return None


def _begins(day: date) -> datetime:
    """When `day` begins where the reader is; the last days there are have no end to compare."""
    return timezone.make_aware(datetime.combine(day, time.min))
