"""Orders: a wish becomes a job, or several, with their holds. All or nothing, and the same click twice is the same job.

What is made here is QUEUED (an adopted task: RUNNING); from then on only `runner.py` moves it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs import catalogue, forecast, money, turns
from jobs.errors import Refused
from jobs.models import Account, Attempt, Job, JobInput, Lane
from jobs.modelstudio import Task
from jobs.runner import record, ring_lane, ring_lanes, video_of
from jobs.states import Code, Group, Outcome, State, group_of
from jobs.wishes import Plan, Wish, plan
from studio.models import Team, User


def create(wish: Wish, again_of: Job | None = None) -> Job:
    """The job of `wish`, with its hold; a dance from a new video also brings its template job. All or nothing.

    The same key in the same team returns the job that the first click made. Raises Refused, OverBudget, NoPrice.
    """
    wish = replace(wish, key=_click(wish))
    if wish.key:
        made = wish.team.jobs.filter(idempotency_key=wish.key).first()
        if made is not None:
            return made
    ready = plan(wish)
    # Played through before the transaction: the hold's lock is everybody's, and a long line takes its time.
    told = _place_of(ready)
    told_first = _place_of(ready.first) if ready.first is not None else told
    try:
        with transaction.atomic():
            if ready.waits_for is not None and Job.objects.select_for_update(no_key=True).get(pk=ready.waits_for.pk).terminal:
                # It ended since we planned, so it no longer tells anybody: now its template is there, or a new one is made.
                ready = plan(wish)
            needs = ready.waits_for
            if ready.first is not None:
                needs = _insert(ready.first, told_first)
            job = _insert(ready, told, needs, again_of)
            # After the hold, whose lock lets one click of a team at a time come here: two at once cannot both be the last.
            require_room_in_line(wish.team, wish.owner)
            ring_lanes([job.lane_id, *([needs.lane_id] if ready.first is not None and needs is not None else [])])
            return job
    except IntegrityError:
        made = wish.team.jobs.filter(idempotency_key=wish.key).first() if wish.key else None
        if made is None:
            raise
        return made


def _click(wish: Wish) -> str:
    """The key of this very wish under this click: a form that was gone back to and changed is another wish."""
    if not wish.key:
        return ""
    files = sorted((name, asset.pk) for name, asset in wish.files.items())
    template = (wish.template.pk if wish.template else None, wish.template_video.pk if wish.template_video else None)
    what = repr((wish.key, wish.model, files, sorted(wish.chosen.items(), key=str), template))
    return hashlib.sha256(what.encode()).hexdigest()[:40]


def _place_of(ready: Plan) -> forecast.Place:
    return forecast.next_place(ready.account, ready.spec.name, ready.variant, ready.milliseconds, ready.wish.owner, before=ready.first)


def _insert(ready: Plan, told: forecast.Place, needs: Job | None = None, again_of: Job | None = None) -> Job:
    wish, spec = ready.wish, ready.spec
    lane = lane_for(ready.account, spec.name)
    code = Code.NEEDS_TEMPLATE if needs is not None else Code.WAITING_TURN
    names = [wish.files[field.name].name.rsplit(".", 1)[0] for field in spec.inputs_of("image", "video") if field.name in wish.files]
    job = Job.objects.create(
        team=wish.team,
        owner=wish.owner,
        account=ready.account,
        lane=lane,
        rank=turns.usual_rank(ready.milliseconds),
        told_ready_at=told.ready_at,
        told_late_at=told.late_at,
        model=spec.name,
        title=(" ".join(wish.title.split()) or (names[0] if names else spec.label))[:200],
        parameters=ready.chosen,
        check_used=ready.check,
        template=ready.template,
        needs=needs,
        again_of=again_of,
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
    money.hold(job, ready.quote, wish.team, wish.owner)
    held = money.shown(ready.quote.micros, ready.quote.currency)
    record(job, "", State.QUEUED, f"Created; {held} held ({ready.quote.formula})", code)
    return job


def lane_for(account: Account, model: str) -> Lane:
    """The lane of `model` that `account` uses: its own, or that of the row it turned out to be the same Alibaba account as."""
    return Lane.objects.get_or_create(account_id=account.root_id, model=model)[0]


def require_room_in_line(team: Team, owner: User) -> None:
    """Refused when `owner` has more jobs waiting in `team` than one person may."""
    waiting = team.jobs.filter(owner=owner, group__in=(Group.WAITING, Group.ATTENTION), state=State.QUEUED).count()
    if waiting > team.waiting_limit:
        raise Refused(
            f"You would have {waiting} jobs waiting, and in {team} a person may have {team.waiting_limit}, so that nobody’s heap buries the others. "
            "Wait until some are sent, cancel some, or ask an admin to raise the limit."
        )


def again(job: Job, by: User, key: str = "") -> Job:
    """The same wish as a new job, paid anew. A template that the service forgot is made again from its video."""
    files = {row.name: row.asset for row in job.inputs.select_related("asset")}
    template, video = job.template, None
    if job.needs is not None and template is None:
        video = video_of(job.needs)
    if template is not None and template.forgotten:
        video = template.asset
        template = None
    account = job.account if job.account.key is not None and job.account.takes else None
    wish = Wish(job.team, by, job.model, files, job.parameters, template, video, account, job.title, key)
    return create(wish, again_of=job)


def take_over(account: Account, by: User, spec: catalogue.Model, quote: money.Quote, task: Task, task_id: str) -> Job:
    """The job of a task that was made elsewhere: RUNNING from the start, looked at at once. It holds nothing, since it is
    spent already, and is settled by what the service bills."""
    now = timezone.now()
    with transaction.atomic():
        lane = lane_for(account, spec.name)
        job = Job.objects.create(
            team=account.team,
            owner=by,
            account=account,
            lane=lane,
            model=spec.name,
            title=f"Adopted task {task_id[:8]}",
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
            job=job, number=1, began_at=task.submit_time or now, task_id=task_id, request_id=job.request_id, outcome=Outcome.ADOPTED
        )
        money.hold(job, replace(quote, micros=0), account.team, by)
        record(job, "", State.RUNNING, f"{by.short_name} adopted task {task_id}; it is followed, archived and settled like our own", "")
        ring_lane(lane.pk)
    return job
