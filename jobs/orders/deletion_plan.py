"""What goes into the trash together, and what is in the way: of a job with its video, of a file, of
a file with everything made of it. Nothing is changed here.

What goes is worked out under the team's lock again, since an order may have come in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from jobs.common.states import TERMINAL, Group
from jobs.models import Check, Job, JobInput, Template
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.models import Asset, Deletion, Team, User

AT_ONCE = 500  # ids of one statement
ASKED = (Check.State.WAITING, Check.State.ASKING)


@dataclass(frozen=True, slots=True)
class Target:
    """What somebody wants to delete: a job (`files`: with the files that nothing else uses), or a
    file (`whole`: with everything made of it)."""

    team: Team
    job: Job | None = None
    files: bool = False
    asset: Asset | None = None
    whole: bool = False

    @property
    def name(self) -> str:
        thing = self.job.title if self.job is not None else self.asset.name if self.asset else ""
        return str(thing)[:200]


@dataclass(slots=True)
class DeletionPlan:
    """Rows by id: files, jobs (with the videos among the files) and templates that go."""

    target: Target
    kind: str
    assets: set[int] = field(default_factory=set)
    jobs: set[int] = field(default_factory=set)
    templates: set[int] = field(default_factory=set)

    @property
    def team(self) -> Team:
        return self.target.team


def plan_of(target: Target) -> DeletionPlan:
    """What goes with `target` now."""
    if target.job is not None:
        return _of_job(target, target.job)
    if target.asset is None:
        raise ValueError("Neither a job nor a file.")
    return _of_likeness(target, target.asset) if target.whole else _of_file(target, target.asset)


def _of_job(target: Target, job: Job) -> DeletionPlan:
    plan = DeletionPlan(target, Deletion.Kind.JOB)
    now = present_jobs(target.team).filter(pk=job.pk).first()
    if now is None:
        return plan
    job = now
    plan.jobs.add(job.pk)
    if job.result_id is not None:
        plan.kind = Deletion.Kind.VIDEO
        others = present_jobs(target.team).filter(result=job.result_id).exclude(pk=job.pk)
        used = JobInput.objects.filter(asset=job.result_id, job__in=present_jobs(target.team))
        danced = Template.objects.filter(asset=job.result_id)
        if not others.exists() and not used.exists() and not danced.exists():
            plan.assets |= _here([job.result_id])
    if target.files:
        plan.assets |= _used_by_it_alone(target.team, job)
    return plan


def _used_by_it_alone(team: Team, job: Job) -> set[int]:
    """Its files of which no other job, template or file is made."""
    mine = set(job.inputs.values_list("asset_id", flat=True))
    kept = present_jobs(team).exclude(pk=job.pk)
    used = JobInput.objects.filter(asset__in=mine, job__in=kept).values_list("asset_id", flat=True)
    made = kept.filter(result__in=mine).values_list("result_id", flat=True)
    danced = Template.objects.filter(asset__in=mine).values_list("asset_id", flat=True)
    cut = Asset.objects.filter(parent__in=mine).exclude(pk__in=mine)
    return mine - {*used, *made, *danced, *cut.values_list("parent_id", flat=True)}


def _of_file(target: Target, asset: Asset) -> DeletionPlan:
    plan = DeletionPlan(target, Deletion.Kind.FILE, assets=_here([asset.pk]))
    plan.templates |= set(asset.templates.values_list("pk", flat=True))
    plan.jobs |= set(present_jobs(target.team).filter(result=asset).values_list("pk", flat=True))
    if plan.jobs:
        plan.kind = Deletion.Kind.VIDEO
    return plan


def _of_likeness(target: Target, asset: Asset) -> DeletionPlan:
    """The file, what was cut, cropped and made over of it, templates of these, and the jobs with
    any of them, with their videos; and so on, until nothing follows."""
    plan = DeletionPlan(target, Deletion.Kind.LIKENESS)
    new = _here([asset.pk])
    while new:
        plan.assets |= new
        found: set[int] = set()
        for some in portions(new):
            templates = Template.objects.filter(asset__in=some).values_list("pk", flat=True)
            plan.templates |= set(templates)
            given = JobInput.objects.filter(asset__in=some).values("job")
            jobs = present_jobs(target.team).filter(
                Q(pk__in=given) | Q(result__in=some) | Q(template__asset__in=some)
            )
            for job, result in jobs.values_list("pk", "result_id"):
                plan.jobs.add(job)
                found |= {result} if result is not None else set()
            found |= set(Asset.objects.filter(parent__in=some).values_list("pk", flat=True))
        new = {pk for some in portions(found - plan.assets) for pk in _here(some)}
    return plan


def present_jobs(team: Team) -> QuerySet[Job]:
    """Jobs of `team` that are not deleted."""
    return Job.objects.filter(team=team).exclude(group=Group.DELETED)


def _here(assets: Iterable[int]) -> set[int]:
    return set(Asset.objects.filter(pk__in=list(assets)).values_list("pk", flat=True))


def portions(ids: Iterable[int]) -> list[list[int]]:
    """Databases take only so many values in one statement."""
    ordered = sorted(ids)
    return [ordered[at : at + AT_ONCE] for at in range(0, len(ordered), AT_ONCE)]


# ── what is in the way ──


def refusals(plan: DeletionPlan, by: User | None, *, others: bool) -> list[Sentence]:
    """Why the things of `plan` must stay now, and what to do; [] when they may go. `others`: `by`
    may delete what is not theirs; None may delete everything."""
    found = []
    if by is not None and not others and (theirs := _of_others(plan, by)):
        found.append(
            plural_phrase(
                "“%(name)s” stays: %(n)s thing that would go with it is not yours. An owner or "
                "admin of the team can delete it.",
                "“%(name)s” stays: %(n)s things that would go with it are not yours. An owner or "
                "admin of the team can delete them.",
                theirs,
                name=plan.target.name,
            )
        )
    found += _under_way(plan)
    return found


def _of_others(plan: DeletionPlan, by: User) -> int:
    """How many files and jobs are in somebody else's name, or nobody's."""
    number = 0
    for some in portions(plan.jobs):
        jobs = Job.objects.filter(pk__in=some)
        number += jobs.exclude(owner=by).exclude(handed_to=by).count()
    for some in portions(plan.assets):
        results = Job.objects.filter(pk__in=plan.jobs, result__in=some).values("result")
        theirs = Asset.objects.filter(pk__in=some).filter(~Q(owner=by) | Q(owner=None))
        number += theirs.exclude(pk__in=results).count()
    return number


def open_jobs(plan: DeletionPlan) -> set[int]:
    """The jobs that are not over and that the plan would delete, or take something from."""
    found: set[int] = set()
    rows = Job.objects.exclude(state__in=TERMINAL)
    for some in portions(plan.jobs):
        found |= set(rows.filter(pk__in=some).values_list("pk", flat=True))
    for some in portions(plan.assets):
        given = JobInput.objects.filter(asset__in=some).values("job")
        uses = Q(pk__in=given) | Q(template__asset__in=some)
        found |= set(rows.filter(uses).values_list("pk", flat=True))
    return found


def _under_way(plan: DeletionPlan) -> list[Sentence]:
    checks = 0
    for some in portions(plan.assets):
        checks += Check.objects.filter(asset__in=some, state__in=ASKED).count()
    name, found = plan.target.name, []
    if jobs := open_jobs(plan):
        found.append(
            plural_phrase(
                "“%(name)s” stays: the job “%(first)s” waits or runs and needs it. Cancel that, or "
                "wait until it has ended.",
                "“%(name)s” stays: %(n)s jobs wait or run and need it, “%(first)s” among them. "
                "Cancel them, or wait until they have ended.",
                len(jobs),
                name=name,
                first=Job.objects.filter(pk=min(jobs)).values_list("title", flat=True).get(),
            )
        )
    if checks:
        said = phrase(
            "“%(name)s” stays: the service is checking it. Try again in a minute.", name=name
        )
        found.append(said)
    return found
