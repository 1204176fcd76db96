"""Several videos from one draft: every value of a choice side by side, or a long speech in parts.
What each would be, and the click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import Group, State
from jobs.engine import transitions
from jobs.models import Job, JobSet, LedgerEntry
from jobs.orders import create, create_batch, plan, rest, test_clips, undo
from jobs.orders.order_request import OrderRequest
from jobs.orders.trim import Trim
from studio.common.translatable import phrase, translated
from studio.models import User

CLICKS = ("make", "clip", "sweep", "sweep-clip", "split")


def swept(spec: entries.Model, chosen: dict[str, Any]) -> entries.Parameter | None:
    """The choice worth seeing side by side: of two to four values, each of which does something to
    the video and nothing to its price.

    Known from the declaration: values that do something say what (their help), and the price hangs
    on the variant alone.
    """
    for parameter in spec.parameters:
        heeded = (
            parameter.only_when is None
            or chosen.get(parameter.only_when[0]) == parameter.only_when[1]
        )
        priced = spec.variant is not None and spec.variant.chosen == parameter.name
        if (
            heeded
            and not priced
            and 2 <= len(parameter.words) <= 4
            and all(help_ for _value, _label, help_ in parameter.words)
        ):
            return parameter
    return None


def sweep(order: OrderRequest) -> list[OrderRequest]:
    """One order for each value of the swept choice, named after it. Refused for a model that has
    none."""
    parameter = swept(entries.get(order.model), order.chosen)
    if parameter is None:
        raise Refused(
            phrase("This model has no choice whose values could be compared at one price.")
        )
    return [
        replace(
            order,
            chosen={**order.chosen, parameter.name: value},
            title=f"{order.title[:150]} · {translated(label)}",
        )
        for value, label, _help in parameter.words
    ]


def split(order: OrderRequest, name: str, parts: Sequence[Trim]) -> list[OrderRequest]:
    """One order for each part of the speech `name`, numbered."""
    return [
        replace(
            order,
            trims={**order.trims, name: part},
            title=f"{order.title[:180]} · {number}/{len(parts)}",
        )
        for number, part in enumerate(parts, 1)
    ]


def price(estimate: plan.Estimate, videos: int) -> int:
    """Micros of `videos` videos like the estimated one: what is made first, a template, is made
    once for all of them."""
    *once, video = estimate.lines
    return sum(line.micros for line in once) + videos * video.micros


def total_again(jobs: Sequence[Job], by: User) -> int:
    """Micros of all `jobs` made once more by `by`; those that cannot differ in price are planned
    once. Raises Refused and NoPrice."""
    alike: dict[tuple[Any, ...], list[Job]] = {}
    for job in jobs:
        alike.setdefault(
            (
                job.model,
                job.account_id,
                job.variant,
                job.milliseconds,
                job.template_id,
                job.needs_id,
            ),
            [],
        ).append(job)
    plans = [
        (plan.plan(create.request_of(same[0], by), checked=False), len(same))
        for same in alike.values()
    ]
    templates = create_batch.templates_of(one for one, _videos in plans).values()
    return sum(one.quote.micros * videos for one, videos in plans) + sum(
        one.quote.micros for one in templates
    )


def sums(jobset: JobSet) -> tuple[int, int]:
    """(held, settled) micros of all its jobs and of the templates that its click made, from the
    ledger."""
    its = Q(job__set=jobset) | Q(job__in=[maker.pk for maker in undo.makers_of(jobset)])
    found = LedgerEntry.objects.filter(its, team_id=jobset.team_id).aggregate(
        held=Sum("held"), settled=Sum("settled")
    )
    return found["held"] or 0, found["settled"] or 0


def failed(jobset: JobSet) -> list[Job]:
    """The jobs of the set that failed and were not run again: in it, or from their own pages and
    not in vain."""
    again = Q(set=jobset) | ~Q(state__in=(State.FAILED, State.CANCELED))
    rerun = jobset.team.jobs.filter(again, again_of__set=jobset).values("again_of")
    related = ("team", "account", "template__asset", "needs")
    return list(
        jobset.jobs.filter(state=State.FAILED, adopted=False)
        .exclude(group=Group.DELETED)
        .exclude(pk__in=rerun)
        .select_related(*related)
        .order_by("id")
    )


def cancel(jobset: JobSet, by: User) -> str:
    """Cancel what of the set was not sent, and the templates that its click wanted and nobody needs
    now; a sentence of what happened."""
    waiting = list(jobset.jobs.filter(state=State.QUEUED).select_related("team"))
    for job in waiting:
        transitions.cancel(job, by)
    for maker in undo.makers_of(jobset):
        undo.drop(maker, by)
    jobs = jobset.jobs.filter(pk__in=[job.pk for job in waiting])
    held = rest.cancel(jobset, by)
    gone, sent = (
        jobs.filter(state=State.CANCELED).count() + held,
        jobset.jobs.exclude(state=State.CANCELED).count(),
    )
    if not gone:
        return _("Nothing of it waits here any more, so there is nothing to cancel.")
    said = ngettext(
        "%(n)s video is canceled and cost nothing.",
        "%(n)s videos are canceled and cost nothing.",
        gone,
    ) % {"n": gone}
    return said + (
        " "
        + ngettext("%(n)s was sent before and goes on.", "%(n)s were sent before and go on.", sent)
        % {"n": sent}
        if sent
        else ""
    )


def make(
    order: OrderRequest,
    do: str,
    parts: Sequence[Trim] = (),
    again_of: Job | None = None,
    planned: plan.Plan | None = None,
) -> Job | JobSet:
    """What the click `do` (one of CLICKS) makes of a order; the files are cut before anything is
    written. `parts` are those of a split, `planned` the plan of `order` where it is known (see
    `create.create`).

    Raises Refused, OverBudget, NoPrice, MediaError.
    """
    if do == "make":
        return create.create(order.trimmed(), again_of, planned=planned)
    if do == "split":
        if len(parts) < 2:
            raise Refused(phrase("This speech fits into one video, so there is nothing to split."))
        several = [one.trimmed() for one in split(order, entries.get(order.model).length_of, parts)]
        return create_batch.create_batch(
            several,
            kind=JobSet.Kind.SPLIT,
            title=order.title,
            key=order.key,
            again_of=[again_of] * len(several),
        )
    full: dict[str, Any] | None = None
    several = [order]
    if do in ("clip", "sweep-clip"):
        if not test_clips.worth(order):
            raise Refused(phrase("This video is too short for a test clip. Make it as it is."))
        clip, full = test_clips.first(order)
        several = [clip.trimmed()]
    if do == "clip":
        return create.create(several[0], again_of, full)
    several = [one.trimmed() for one in sweep(replace(several[0], title=order.title))]
    whole = [{**full, "title": one.title} for one in several] if full else []
    title = several[0].title.rsplit(" · ", 1)[0]
    return create_batch.create_batch(
        several,
        kind=JobSet.Kind.SWEEP,
        title=title,
        key=order.key,
        again_of=[again_of] * len(several),
        full=whole,
    )
