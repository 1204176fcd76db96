"""Which jobs the board's address asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from jobs.catalogue import entries
from jobs.common.states import Group
from jobs.models import Job
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


@dataclass
class Filter:
    """What the address asks for. Unknown words are the same as none."""

    tab: str
    model: str
    person: str
    q: str
    length: str
    before: int | None

    @classmethod
    def of(cls, request: TeamRequest) -> Filter:
        given = request.GET
        before = given.get("before", "")
        return cls(
            tab=given.get("tab", "") if given.get("tab") in TABS else "all",
            model=given.get("model", "") if given.get("model") in entries.MODELS else "",
            person=given.get("person", "")
            if given.get("person", "").isdecimal() and len(given["person"]) < 19
            else "",
            q=" ".join(given.get("q", "").replace("\x00", " ").split())[:100],
            length="differs" if given.get("length") == "differs" else "",
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
        )

    def apply(self, jobs: QuerySet[Job], user: User) -> QuerySet[Job]:
        if self.tab == "mine":
            jobs = jobs.filter(owner=user)
        if self.model:
            jobs = jobs.filter(model=self.model)
        if self.person:
            jobs = jobs.filter(owner_id=int(self.person))
        if self.length:
            jobs = jobs.filter(length_differs=True)
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
            and (
                holds_words(job.title, self.q)
                or self.q in (job.task_id, job.request_id, job.public_id)
            )
        )

    @property
    def narrowed(self) -> bool:
        """Whether the address asks for less than everything."""
        words = (self.q, self.model, self.person, self.length, self.before)
        return any(words) or self.tab != "all"

    @property
    def groups(self) -> tuple[Group, ...]:
        return {
            "needs": (Group.ATTENTION,),
            "working": (Group.WAITING, Group.WORKING),
            "done": ENDED,
        }.get(self.tab, ACTIVE + ENDED)

    def query(self, **changed: Any) -> str:
        """The address of the same list with `changed`; paging begins anew unless it is what
        changes."""
        given = {
            "tab": self.tab if self.tab != "all" else "",
            "model": self.model,
            "person": self.person,
            "q": self.q,
            "length": self.length,
        } | changed
        return "?" + urlencode({name: value for name, value in given.items() if value})
