"""What must be true of a site after a storm: `audit` says it of its own database, `Accounts` holds
what all sites say against what the provider made and billed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.chaos.provider import MadeTask

if TYPE_CHECKING:
    from jobs.models import Job
    from tests.chaos.site import Site


def _broken(job: Job, makers: set[str]) -> str:
    """What is wrong with the video of `job`; "" when it is whole, or none is due."""
    from jobs.common.states import State
    from studio.media import MediaError, verify_video

    if job.state != State.SUCCEEDED or job.model in makers:
        return ""
    try:
        assert job.result is not None, "no video"
        seconds = verify_video(job.result.file.path).seconds
        billed = float(job.billed_units or 0)
        assert abs(seconds - billed) < 0.1, f"{seconds} s, billed {job.billed_units}"
    except (AssertionError, MediaError, OSError) as error:
        return f"{job.public_id}: {error}"
    return ""


def audit() -> None:
    from django.db.models import Count, Sum

    from jobs.catalogue import entries
    from jobs.common.states import TERMINAL, State
    from jobs.models import Attempt, Job, JobEvent, LedgerEntry

    jobs = list(Job.objects.select_related("result").order_by("id"))
    makers = {spec.makes for spec in entries.MODELS.values()} - {""}
    ordered = [job for job in jobs if not job.adopted and job.model not in makers]
    attempts = Attempt.objects.exclude(task_id="").values_list("task_id", flat=True)
    broken = [line for job in jobs if (line := _broken(job, makers))]
    events = JobEvent.objects.order_by()
    # What the service itself breaks twice has had its one free retry (CONTRACT §11).
    twice = [
        job
        for job in jobs
        if job.state == State.FAILED
        and job.retries
        and job.provider_code.startswith("InternalError.")
    ]
    told: dict[str, Any] = {
        "jobs": len(jobs),
        "states": {
            row["state"]: row["n"]
            for row in Job.objects.order_by().values("state").annotate(n=Count("id"))
        },
        "open": [
            f"{job.public_id} {job.state} {job.code} {job.sentence}"
            for job in jobs
            if job.state not in TERMINAL
        ],
        "ended_badly": [
            f"{job.public_id} {job.state} {job.code} {job.provider_code} {job.sentence}"
            for job in jobs
            if job.terminal and job.state != State.SUCCEEDED and job not in twice
        ],
        "broken_twice": len(twice),
        "clicks": sorted({job.title for job in ordered}),
        "ordered": len(ordered),
        "templates": sum(job.model in makers and not job.adopted for job in jobs),
        "adopted": sum(job.adopted for job in jobs),
        "tasks": sorted(job.task_id for job in jobs if job.state == State.SUCCEEDED),
        "rows": sorted({*(job.task_id for job in jobs), *attempts} - {""}),
        "settled_of_jobs": sum(job.settled_micros or 0 for job in jobs),
        "broken_videos": broken,
        "most_attempts": max((job.attempt for job in jobs), default=0),
        "retries": sum(job.retries for job in jobs),
        "uncertain": events.filter(
            new=State.UNCERTAIN, old__in=(State.SUBMITTING, State.QUEUED)
        ).count(),
        "uncertain_found": events.filter(new=State.RUNNING, old=State.UNCERTAIN).count(),
        "uncertain_again": events.filter(new=State.QUEUED, old=State.UNCERTAIN).count(),
        **{
            name: value or 0
            for name, value in LedgerEntry.objects.aggregate(
                held=Sum("held"), settled=Sum("settled")
            ).items()
        },
    }
    print(json.dumps(told))


@dataclass
class Accounts:
    """`told` is what each site's `audit` said, `made` all tasks of the provider, `bill` its lines
    (account, task or request, model, units, variant, micros)."""

    sites: list[Site]
    told: list[dict[str, Any]]
    made: list[MadeTask]
    bill: list[list[Any]]

    def wrong(self) -> list[str]:
        """Everything that must not be; empty when nothing was lost or paid twice, nobody touched
        another site's task and every ledger is the bill."""
        found = [
            f"site {site.number}: {line}"
            for site, told in zip(self.sites, self.told, strict=True)
            for line in self._of_site(site, told)
        ]
        paid, booked = sum(int(line[5]) for line in self.bill), self.settled
        if paid != booked:
            found.append(f"the ledgers have {booked} settled, and the bill is {paid}")
        return found

    @property
    def settled(self) -> int:
        return sum(told["settled"] for told in self.told)

    @property
    def paid(self) -> int:
        return sum(int(line[5]) for line in self.bill)

    def paid_twice(self, site: Site) -> int:
        """Paid tasks beyond the one of each wish; dances from one video are one wish each."""
        paid = Counter(task.wish for task in self._made(site) if task.status == "SUCCEEDED")
        allowed = {
            wish: site.plan.dances if wish[0] == "animate-anyone-gen2" else 1 for wish in paid
        }
        return sum(max(0, count - allowed[wish]) for wish, count in paid.items())

    def in_no_row(self, site: Site, told: dict[str, Any]) -> list[str]:
        """Paid tasks that belong to no job."""
        paid = {task.task_id for task in self._made(site) if task.status == "SUCCEEDED"}
        return sorted(paid - set(told["tasks"]))

    def _made(self, site: Site) -> list[MadeTask]:
        return [task for task in self.made if task.port == site.port]

    def _of_site(self, site: Site, told: dict[str, Any]) -> list[str]:
        wanted, mine = site.wishes(), {task.task_id for task in self._made(site)}
        found = []
        if told["ordered"] != len(wanted) or told["clicks"] != wanted:
            found.append(
                f"{len(wanted)} clicks became {told['ordered']} jobs of {len(told['clicks'])} names"
            )
        found += [f"not ended: {line}" for line in told["open"]]
        found += [f"ended badly: {line}" for line in told["ended_badly"]]
        found += [f"incomplete video: {line}" for line in told["broken_videos"]]
        if site.plan.dances and told["templates"] != 1:
            found.append(f"{told['templates']} templates of one video")
        if again := self.paid_twice(site):
            found.append(f"{again} wishes were paid more than once")
        if lost := self.in_no_row(site, told):
            found.append(f"tasks that were paid and belong to no job: {lost}")
        if foreign := set(told["rows"]) - mine:
            found.append(f"tasks of another site: {sorted(foreign)}")
        if unknown := {t.task_id for t in self._made(site) if t.status == "CANCELED"} - set(
            told["rows"]
        ):
            found.append(f"canceled by another site: {sorted(unknown)}")
        billed = sum(int(line[5]) for line in self.bill if line[1] in mine)
        if (told["settled_of_jobs"], told["held"]) != (billed, 0):
            found.append(
                f"its jobs have {told['settled_of_jobs']} settled and {told['held']} held; their "
                f"bill is {billed}"
            )
        if site.person.unnoticed:
            found.append("a restore was not noticed")
        return found
