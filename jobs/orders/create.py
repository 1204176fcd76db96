"""Orders: a wish becomes a job, or several, with their holds. All or nothing, and the same click
twice is the same job.

What is made here is QUEUED (an adopted task: RUNNING); from then on only `runner.py` moves it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.billing import budget, ledger, prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import Code, Group, Outcome, State, group_of
from jobs.engine import eta, fair_share
from jobs.engine.transitions import record, ring_lane, ring_lanes
from jobs.models import Account, Attempt, Job, JobInput, JobSet, Lane
from jobs.models.job import video_of
from jobs.modelstudio import Task
from jobs.orders import undo
from jobs.orders.plan import Plan, Wish, plan
from studio.common.translatable import phrase
from studio.models import Team, User

MOST = 100  # jobs of one set
Full = dict[str, Any]  # Job.full: what a test clip is the beginning of
UNTOLD = eta.Place(0, 0, None, None)


def create(wish: Wish, again_of: Job | None = None, full: Full | None = None) -> Job:
    """The job of `wish`, with its hold; a dance from a new video also brings its template job. All
    or nothing.

    The same key in the same team returns the job that the first click made. Raises Refused,
    OverBudget, NoPrice.
    """
    wish = replace(wish, key=_click(wish))
    if wish.key:
        made = wish.team.jobs.filter(idempotency_key=wish.key).first()
        if made is not None:
            return made
    ready = plan(wish)
    # Played through before the transaction: the hold's lock is everybody's, and a long line takes
    # its time.
    told = _place_of(ready)
    told_first = _place_of(ready.first) if ready.first is not None else told
    try:
        with transaction.atomic():
            # The team before its jobs, as every click does it, so that no two wait for each other.
            Team.objects.select_for_update(no_key=True).get(pk=wish.team.pk)
            made = wish.team.jobs.filter(idempotency_key=wish.key).first() if wish.key else None
            if made is not None:
                # the other half of a double click was faster, and the room that is gone went to it
                return made
            if (
                ready.waits_for is not None
                and Job.objects.select_for_update(no_key=True).get(pk=ready.waits_for.pk).terminal
            ):
                # It ended since we planned, so it no longer tells anybody: now its template is
                # there, or a new one is made.
                ready = plan(wish)
            needs = ready.waits_for
            if ready.first is not None:
                # One test of the sum, or a refusal would name the price of the film alone.
                budget.require_room(
                    wish.team, wish.owner, ready.first.quote.micros + ready.quote.micros
                )
                needs = _insert(_keyed(ready.first, undo.key_of(wish.key)), told_first)
            job = _insert(ready, told, needs, again_of, full)
            # After the hold, whose lock lets one click of a team at a time come here: two at once
            # cannot both be the last.
            require_room_in_line(wish.team, wish.owner)
            ring_lanes(
                [
                    job.lane_id,
                    *([needs.lane_id] if ready.first is not None and needs is not None else []),
                ]
            )
            return job
    except IntegrityError:
        made = wish.team.jobs.filter(idempotency_key=wish.key).first() if wish.key else None
        if made is None:
            raise
        return made


def create_set(
    wishes: Sequence[Wish],
    *,
    kind: str = "",
    title: str = "",
    key: str = "",
    again_of: Sequence[Job | None] = (),
    full: Sequence[Full | None] = (),
    into: JobSet | None = None,
) -> JobSet:
    """One job for each of `wishes` (of one team and person), in one set: all of them or none, under
    one budget test of their sum.

    The same key with the same wishes returns the set that the first click made. A template that
    several of them need is made once. `again_of` and `full` go with the wishes, one by one. `into`
    is a set of before that they join, each of its jobs again at most once. Raises Refused with the
    name of each wish that does not fit, OverBudget, NoPrice.
    """
    if not wishes:
        raise Refused(phrase("There is nothing to make. Choose at least one."))
    if len(wishes) > MOST:
        raise Refused(
            phrase(
                "These are %(n)s films, and at most %(most)s are made with one click. Choose "
                "fewer.",
                n=len(wishes),
                most=MOST,
            )
        )
    team, owner = wishes[0].team, wishes[0].owner
    key = (
        hashlib.sha256(
            repr((key, kind, [_click(replace(wish, key=key)) for wish in wishes])).encode()
        ).hexdigest()[:40]
        if key
        else ""
    )
    made = team.sets.filter(idempotency_key=key).first() if key else None
    if made is not None:
        return made
    # The jobs of a set are known by the set's key; keys of their own would only be another way to
    # meet.
    ready = _plans([replace(wish, key="") for wish in wishes])
    needed = templates_of(ready)
    told, told_first = _places_of(ready, needed)
    try:
        with transaction.atomic():
            # One test of the sum, under the lock that each hold takes again: or a set would be
            # refused halfway, naming the price of one film.
            Team.objects.select_for_update(no_key=True).get(pk=team.pk)
            made = team.sets.filter(idempotency_key=key).first() if key else None
            if made is not None:
                return made  # as above
            budget.require_room(
                team, owner, sum(one.quote.micros for one in [*ready, *needed.values()])
            )
            ready = [_still(one) for one in ready]
            if (
                into is not None
                and into.jobs.filter(
                    again_of__in=[of for of in again_of if of is not None]
                ).exists()
            ):
                return into  # another click was faster
            jobset = into or JobSet.objects.create(
                team=team,
                owner=owner,
                kind=kind,
                title=" ".join(title.split())[:200],
                idempotency_key=key,
            )
            makers = {
                video: _insert(
                    _keyed(first, undo.key_of_set(jobset) + uuid.uuid4().hex[:20]),
                    told_first.get(video, UNTOLD),
                )
                for video, first in templates_of(ready).items()
            }
            jobs = [
                _insert(
                    one,
                    place,
                    makers[_video(one.first)] if one.first else one.waits_for,
                    of,
                    whole,
                    jobset,
                )
                for one, place, of, whole in zip(
                    ready, told, _filled(again_of, ready), _filled(full, ready), strict=True
                )
            ]
            require_room_in_line(team, owner)
            ring_lanes([job.lane_id for job in [*jobs, *makers.values()]])
            return jobset
    except IntegrityError:
        made = team.sets.filter(idempotency_key=key).first() if key else None
        if made is None:
            raise
        return made


def _plans(wishes: Sequence[Wish]) -> list[Plan]:
    plans, sentences = [], []
    for wish in wishes:
        try:
            plans.append(plan(wish))
        except Refused as refused:
            title = wish.title or entries.get(wish.model).label
            sentences += [
                phrase("%(what)s: %(problem)s", what=title, problem=sentence)
                for sentence in refused.sentences
            ]
    if sentences:
        raise Refused(*sentences)
    return plans


def _keyed(first: Plan, key: str) -> Plan:
    """A template's plan with the word by which its click is known, so that an undo finds it."""
    return replace(first, wish=replace(first.wish, key=key))


def _video(first: Plan) -> tuple[int, int]:
    """What a template is made from and where: the same one for all that ask for it."""
    return first.account.pk, first.wish.files[first.spec.inputs[0].name].pk


def templates_of(ready: Iterable[Plan]) -> dict[tuple[int, int], Plan]:
    """The plans of the templates that must be made first, each once, by what they are made from."""
    return {_video(one.first): one.first for one in ready if one.first is not None}


def _still(ready: Plan) -> Plan:
    """The plan, or a new one when the template job that it waits for ended meanwhile, so that it
    tells nobody any more."""
    if (
        ready.waits_for is not None
        and Job.objects.select_for_update(no_key=True).get(pk=ready.waits_for.pk).terminal
    ):
        return plan(ready.wish)
    return ready


def _places_of(
    ready: Sequence[Plan], needed: dict[tuple[int, int], Plan]
) -> tuple[list[eta.Place], dict[tuple[int, int], eta.Place]]:
    """The places of all of them and of their templates, one behind the other in each lane."""
    firsts = dict(zip(needed, _behind_each_other(list(needed.values())), strict=True))
    now = timezone.now()
    found = []
    for one, place in zip(ready, _behind_each_other(ready), strict=True):
        ready_at = firsts[_video(one.first)].ready_at if one.first is not None else now
        found.append(place.later(ready_at - now if ready_at is not None else None))
    return found, firsts


def _behind_each_other(plans: Sequence[Plan]) -> list[eta.Place]:
    lanes: dict[tuple[int, str], list[int]] = {}
    for number, one in enumerate(plans):
        lanes.setdefault((one.account.root_id, one.spec.name), []).append(number)
    found: dict[int, eta.Place] = {}
    for (_account, model), numbers in lanes.items():
        lengths = [(plans[number].variant, plans[number].milliseconds) for number in numbers]
        first = plans[numbers[0]]
        found |= dict(
            zip(
                numbers,
                eta.next_places(first.account, model, lengths, first.wish.owner),
                strict=True,
            )
        )
    return [found[number] for number in range(len(plans))]


def _filled(given: Sequence[Any], ready: Sequence[Plan]) -> Sequence[Any]:
    return given or [None] * len(ready)


def _click(wish: Wish) -> str:
    """The key of this very wish under this click: a form that was gone back to and changed is
    another wish."""
    if not wish.key:
        return ""
    files = sorted((name, asset.pk) for name, asset in wish.files.items())
    template = (
        wish.template.pk if wish.template else None,
        wish.template_video.pk if wish.template_video else None,
    )
    what = repr((wish.key, wish.model, files, sorted(wish.chosen.items(), key=str), template))
    return hashlib.sha256(what.encode()).hexdigest()[:40]


def _place_of(ready: Plan) -> eta.Place:
    return eta.next_place(
        ready.account,
        ready.spec.name,
        ready.variant,
        ready.milliseconds,
        ready.wish.owner,
        before=ready.first.task if ready.first is not None else None,
    )


def _insert(
    ready: Plan,
    told: eta.Place,
    needs: Job | None = None,
    again_of: Job | None = None,
    full: Full | None = None,
    jobset: JobSet | None = None,
) -> Job:
    wish, spec = ready.wish, ready.spec
    lane = lane_for(ready.account, spec.name)
    code = Code.NEEDS_TEMPLATE if needs is not None else Code.WAITING_TURN
    names = [
        wish.files[field.name].name.rsplit(".", 1)[0]
        for field in spec.inputs_of("image", "video")
        if field.name in wish.files
    ]
    job = Job.objects.create(
        team=wish.team,
        owner=wish.owner,
        account=ready.account,
        lane=lane,
        rank=fair_share.usual_rank(ready.milliseconds),
        told_ready_at=told.ready_at,
        told_late_at=told.late_at,
        model=spec.name,
        title=(" ".join(wish.title.split()) or (names[0] if names else spec.label))[:200],
        parameters=ready.chosen,
        check_used=ready.check,
        template=ready.template,
        needs=needs,
        again_of=again_of,
        set=jobset,
        full=full or {},
        idempotency_key=wish.key,
        state=State.QUEUED,
        code=code,
        group=group_of(State.QUEUED, code),
        variant=ready.variant,
        milliseconds=ready.milliseconds,
        price=ready.quote.price,
        currency=ready.quote.currency,
        quote_micros=ready.quote.micros,
    )
    for field in spec.inputs_of("image", "audio", "video"):
        JobInput.objects.create(job=job, name=field.name, asset=wish.files[field.name])
    ledger.hold(job, ready.quote, wish.team, wish.owner)
    held = prices.format_money(ready.quote.micros, ready.quote.currency)
    record(
        job,
        "",
        State.QUEUED,
        phrase("Created; %(sum)s held (%(formula)s)", sum=held, formula=ready.quote.formula),
        code,
    )
    return job


def lane_for(account: Account, model: str) -> Lane:
    """The lane of `model` that `account` uses: its own, or that of the row it turned out to be the
    same Alibaba account as."""
    return Lane.objects.get_or_create(account_id=account.root_id, model=model)[0]


def require_room_in_line(team: Team, owner: User) -> None:
    """Refused when `owner` has more jobs waiting in `team` than one person may."""
    waiting = team.jobs.filter(
        owner=owner, group__in=(Group.WAITING, Group.ATTENTION), state=State.QUEUED
    ).count()
    if waiting > team.waiting_limit:
        raise Refused(
            phrase(
                "You would have %(n)s jobs waiting, and in %(team)s a person may have %(most)s, so "
                "that "
                "nobody’s heap buries the others. Wait until some are sent, cancel some, or ask an "
                "admin to raise the limit.",
                n=waiting,
                team=team,
                most=team.waiting_limit,
            )
        )


def again(job: Job, by: User, key: str = "") -> Job:
    """The same wish as a new job, paid anew. A template that the service forgot is made again from
    its video."""
    return create(wish_of(job, by, key), again_of=job, full=job.full)


def wish_of(job: Job, by: User, key: str = "") -> Wish:
    """The wish that `job` was, as `by` would have it again."""
    files = {row.name: row.asset for row in job.inputs.select_related("asset")}
    template, video = job.template, None
    if job.needs is not None and template is None:
        video = video_of(job.needs)
    if template is not None and template.forgotten:
        video = template.asset
        template = None
    account = job.account if job.account.key is not None and job.account.takes else None
    return Wish(
        job.team, by, job.model, files, job.parameters, template, video, account, job.title, key
    )


def take_over(
    account: Account, by: User, spec: entries.Model, quote: prices.Quote, task: Task, task_id: str
) -> Job:
    """The job of a task that was made elsewhere: RUNNING from the start, looked at at once. It
    holds nothing, since it is spent already, and is settled by what the service bills."""
    now = timezone.now()
    with transaction.atomic():
        lane = lane_for(account, spec.name)
        job = Job.objects.create(
            team=account.team,
            owner=by,
            account=account,
            lane=lane,
            model=spec.name,
            title=_("Adopted task %(id)s") % {"id": task_id[:8]},
            adopted=True,
            state=State.RUNNING,
            group=group_of(State.RUNNING),
            attempt=1,
            task_id=task_id,
            request_id=task.request_id[:80],
            provider_status=task.status[:40],
            submitted_at=task.submit_time or now,
            submitting_at=task.submit_time or now,
            provider_started_at=task.scheduled_time,
            next_look_at=now,
            variant=quote.price.variant,
            milliseconds=int(quote.units * 1000),
            price=quote.price,
            currency=quote.currency,
            quote_micros=quote.micros,
        )
        Attempt.objects.create(
            job=job,
            number=1,
            began_at=task.submit_time or now,
            task_id=task_id,
            request_id=job.request_id,
            outcome=Outcome.ADOPTED,
        )
        ledger.hold(job, replace(quote, micros=0), account.team, by)
        record(
            job,
            "",
            State.RUNNING,
            phrase(
                "%(person)s adopted task %(task_id)s; it is followed, archived and settled like "
                "our own",
                person=by.short_name,
                task_id=task_id,
            ),
            "",
        )
        ring_lane(lane.pk)
    return job
