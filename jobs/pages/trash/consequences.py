"""What goes and what stays when something is deleted, in sentences, before the click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.models import Check, Job, JobInput
from jobs.orders import deletion_plan
from jobs.orders.deletion_plan import Target, portions
from studio.common.formats import filesize_mb
from studio.common.translatable import translated
from studio.models import Asset, User

LINKED = 10  # jobs in the way


@dataclass(slots=True)
class Consequences:
    """Of several targets together. `refused`: why some stay, one sentence each; `going`: how many
    targets go."""

    goes: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    going: int = 0
    under_way: list[Job] = field(default_factory=list)  # what is in the way, the first few


def of(targets: Sequence[Target], by: User, *, others: bool) -> Consequences:
    found = Consequences()
    assets: set[int] = set()
    jobs: set[int] = set()
    templates: set[int] = set()
    in_the_way: set[int] = set()
    for target in targets:
        plan = deletion_plan.plan_of(target)
        sentences = deletion_plan.refusals(plan, by, others=others)
        if sentences:
            found.refused += [translated(sentence) for sentence in sentences]
            in_the_way |= deletion_plan.open_jobs(plan)
            continue
        found.going += bool(plan.assets or plan.jobs)
        assets |= plan.assets
        jobs |= plan.jobs
        templates |= plan.templates
    if in_the_way:
        rows = Job.objects.filter(pk__in=sorted(in_the_way)[:LINKED]).select_related("team")
        found.under_way = list(rows.order_by("pk"))
    if found.going:
        found.goes = _goes(assets, jobs, templates)
        found.stays = _shared_videos(assets, jobs) + _stays(assets, jobs)
    return found


def _goes(assets: set[int], jobs: set[int], templates: set[int]) -> list[str]:
    size = videos = checks = 0
    for some in portions(assets):
        rows = Asset.objects.filter(pk__in=some)
        size += rows.aggregate(sum=Sum("size"))["sum"] or 0
        videos += rows.filter(made_by__in=jobs).distinct().count()
        checks += Check.objects.filter(asset__in=some).count()
    files = len(assets) - videos
    found = []
    if videos:
        said = ngettext("%(n)s video", "%(n)s videos", videos)
        found.append(said % {"n": videos})
    if jobs:
        said = ngettext(
            "The name and the choices of %(n)s job; its row stays, empty, for the bill",
            "The names and the choices of %(n)s jobs; their rows stay, empty, for the bill",
            len(jobs),
        )
        found.append(said % {"n": len(jobs)})
    if files:
        said = ngettext(
            "%(n)s file, with its small picture", "%(n)s files, with their small pictures", files
        )
        found.append(said % {"n": files})
    if templates:
        said = ngettext("%(n)s dance template", "%(n)s dance templates", len(templates))
        found.append(said % {"n": len(templates)})
    if checks:
        said = ngettext(
            "What the service found in %(n)s check; the same picture is then checked for money "
            "again",
            "What the service found in %(n)s checks; the same pictures are then checked for money "
            "again",
            checks,
        )
        found.append(said % {"n": checks})
    if size:
        found.append(_("%(size)s of storage, once it is erased") % {"size": filesize_mb(size)})
    return found


def _shared_videos(assets: set[int], jobs: set[int]) -> list[str]:
    """Videos of jobs that go, which stay themselves."""
    number = 0
    for some in portions(jobs):
        results = Asset.objects.filter(made_by__in=some).exclude(pk__in=assets)
        number += results.distinct().count()
    if not number:
        return []
    said = ngettext(
        "%(n)s video, because another job made the same one, or something is made of it",
        "%(n)s videos, because other jobs made the same ones, or something is made of them",
        number,
    )
    return [said % {"n": number}]


def _stays(assets: set[int], jobs: set[int]) -> list[str]:
    made = others = 0
    for some in portions(assets):
        given = JobInput.objects.filter(asset__in=some).values("job")
        made += Job.objects.filter(pk__in=given, result__isnull=False).exclude(pk__in=jobs).count()
        others += Asset.objects.filter(parent__in=some).exclude(pk__in=assets).count()
    found = []
    if made:
        said = ngettext(
            "%(n)s video that was made of it", "%(n)s videos that were made of it", made
        )
        found.append(said % {"n": made})
    if others:
        said = ngettext(
            "%(n)s file that was made of it", "%(n)s files that were made of it", others
        )
        found.append(said % {"n": others})
    if jobs:
        found.append(_("What was paid: the ledger is never changed"))
    found.append(_("The trail: that it was deleted, by whom and when"))
    return found
