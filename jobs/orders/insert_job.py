"""The rows of one planned job: the job, its inputs, its hold and its first event; and the tests
that belong into the same transaction, under the team's lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db.models import Value

from jobs.accounts import choice
from jobs.billing import ledger, prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import Code, State, group_of
from jobs.engine import eta, fair_share
from jobs.engine.transitions import record
from jobs.models import Account, Job, JobInput, JobSet, Lane, Template
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import Plan, plan, template_of, under_way
from studio.common.translatable import phrase
from studio.models import Asset, Team

Full = dict[str, Any]  # Job.full: what a test clip is the beginning of


def insert(
    ready: Plan,
    place: eta.Place,
    *,
    needs: Job | None = None,
    again_of: Job | None = None,
    full: Full | None = None,
    jobset: JobSet | None = None,
    locked: Team | None = None,
) -> Job:
    """The job of `ready`, QUEUED at `place`, with its hold. `needs` is the job that makes its
    template; `locked` the team's row as `ledger.lock` gave it, or the hold locks it. Raises
    OverBudget."""
    job = write(ready, place, needs=needs, again_of=again_of, full=full, jobset=jobset)
    hold(job, ready, locked)
    return job


def write(
    ready: Plan,
    place: eta.Place,
    *,
    needs: Job | None = None,
    again_of: Job | None = None,
    full: Full | None = None,
    jobset: JobSet | None = None,
) -> Job:
    """The rows of the job and its inputs; `hold` follows in the same transaction."""
    order = ready.order
    code = Code.NEEDS_TEMPLATE if needs is not None else Code.WAITING_TURN
    job = Job.objects.create(
        needs=needs,
        again_of=again_of,
        set=jobset,
        full=full or {},
        state=State.QUEUED,
        code=code,
        group=group_of(State.QUEUED, code),
        forecast_ready_at=place.ready_at,
        forecast_late_at=place.late_at,
        **_columns(ready),
    )
    JobInput.objects.bulk_create(
        JobInput(job=job, name=field.name, asset=order.files[field.name])
        for field in ready.spec.inputs_of("image", "audio", "video")
    )
    return job


def hold(job: Job, ready: Plan, locked: Team | None) -> None:
    """The hold of a job that `write` made, and its first event, whose number must not be older than
    those that were seen while this waited for the lock."""
    order, quote = ready.order, ready.quote
    ledger.hold(job, quote, locked or order.team, order.owner, locked=locked is not None)
    held = prices.format_money(quote.micros, quote.currency)
    said = phrase("Created; %(sum)s reserved (%(formula)s)", sum=held, formula=quote.formula)
    record(job, "", State.QUEUED, said, job.code)


def require_here(jobs: Iterable[Job]) -> None:
    """Refused when a file of `jobs`, a template or their connection was deleted meanwhile.
    Under the team's lock, which a deletion has too: what is here stays while they need it."""
    keys = [job.pk for job in jobs]
    given = JobInput.everything.filter(job__in=keys).exclude(asset__deletion=None)
    danced = Template.everything.filter(jobs__in=keys, deleted=True).order_by()
    through = Account.objects.filter(jobs__in=keys).exclude(removed_at=None).order_by()
    gone = given.values_list("asset__name", Value(""))
    gone = gone.union(
        danced.values_list("name", Value("")), through.values_list("label", Value("account"))
    )
    for name, kind in gone:
        if kind:
            raise choice.removed_meanwhile(name)
        raise Refused(
            phrase(
                "“%(name)s” was deleted meanwhile. Take it out of the trash, or choose another "
                "one.",
                name=name,
            )
        )


def _columns(ready: Plan) -> dict[str, object]:
    """What the plan says of its job."""
    order, spec = ready.order, ready.spec
    return {
        "team": order.team,
        "owner": order.owner,
        "account": ready.account,
        "lane": ready.lane or lane_for(ready.account, spec.name),
        "rank": fair_share.usual_rank(ready.milliseconds),
        "model": spec.name,
        "title": _title(order, spec),
        "parameters": ready.chosen,
        "check_used": ready.check,
        "template": ready.template,
        "idempotency_key": order.key,
        "made_from": _made_from(ready),
        "variant": ready.variant,
        "milliseconds": ready.milliseconds,
        "price": ready.quote.price,
        "currency": ready.quote.currency,
        "quote_micros": ready.quote.micros,
    }


def _title(order: OrderRequest, spec: entries.Model) -> str:
    """As given; else the name of the first picture or video, without its ending."""
    names = [
        order.files[field.name].name.rsplit(".", 1)[0]
        for field in spec.inputs_of("image", "video")
        if field.name in order.files
    ]
    return (" ".join(order.title.split()) or (names[0] if names else spec.label))[:200]


def keyed(first: Plan, key: str) -> Plan:
    """A template's plan with the word by which its click is known, so that an undo finds it."""
    return replace(first, order=replace(first.order, key=key))


def still_valid(ready: Plan) -> Plan:
    """The plan as it holds under the team's lock, which the caller has: planned again when the
    template that it makes first is there or under way by now, or when the one it waits for has
    ended, so that it tells nobody any more (locks that job).

    Raises Refused when the new plan costs more than the one that was shown.
    """
    if not _overtaken(ready):
        return ready
    again = plan(ready.order)
    was, now = (
        prices.format_money(one.estimate.micros, one.quote.currency) for one in (ready, again)
    )
    if again.estimate.micros > ready.estimate.micros and now != was:
        raise Refused(
            phrase(
                "The template that this video was to use is another one by now, and with it the "
                "video costs %(now)s instead of %(was)s. Look at the price, then click again.",
                now=now,
                was=was,
            )
        )
    return again


def needs_lock_first(ready: Plan) -> bool:
    """Whether the team is locked before anything is written: what others do meanwhile can change
    the plan, or its lane is to be made, which they may wait for under that lock."""
    makes = ready.first is not None or ready.waits_for is not None
    return makes or ready.spec.kind is entries.Kind.TEMPLATE or ready.lane is None


def _overtaken(ready: Plan) -> bool:
    if ready.waits_for is not None:
        return Job.objects.select_for_update(no_key=True).get(pk=ready.waits_for.pk).terminal
    if ready.spec.kind is entries.Kind.TEMPLATE:
        return under_way(ready.account, ready.spec.name, _video(ready)) is not None
    if ready.first is None:
        return False
    first = ready.first
    return template_of(ready.account, first.spec.name, _video(first)) != (None, None)


def _video(maker: Plan) -> Asset:
    return maker.order.files[maker.spec.inputs[0].name]


def _made_from(ready: Plan) -> str:
    """What a template is made from, as its content is named; "" for a video."""
    if ready.spec.kind is not entries.Kind.TEMPLATE:
        return ""
    return _video(ready).sha256


def lane_for(account: Account, model: str) -> Lane:
    """The lane of `model` that `account` uses: its own, or that of the row it turned out to be the
    same Alibaba account as."""
    return Lane.objects.get_or_create(account_id=account.root_id, model=model)[0]
