"""Create, submit, look, finish, cancel: the only hand that moves a job.

Every move is a compare-and-swap that names the old state and the attempt, and writes a JobEvent and the money in the
same transaction. Calls out happen between transactions: the intent is committed first. A step may run twice; the second
finds the job moved and stops (Moved).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from jobs import bell, catalogue, delivery, health, money, pace, schedule
from jobs.clients import NoKey, client_for
from jobs.errors import Moved, Refused
from jobs.models import Job, JobEvent, JobInput, Lane, Template
from jobs.modelstudio import (
    AccountTrouble,
    Client,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    RetryLater,
    Submitted,
    Task,
    WireError,
    of_task_failure,
)
from jobs.states import LABELS, MOVES, TERMINAL, Code, Fault, State, group_of
from jobs.wishes import Estimate, Line, Plan, Wish, account_for, estimate, plan
from studio.models import Asset, User

__all__ = ["Estimate", "Line", "Refused", "Wish", "account_for", "again", "cancel", "create", "estimate", "look", "move", "submit"]

log = logging.getLogger("footlight.runner")
TASK_LIFE = timedelta(hours=24)
PATIENCE = 8  # times that our file could not be fetched, or a step put off, before it is given up


# ── the one move ────────────────────────────────────────────────────────────────────────────────────────────────────


def move(
    job: Job, new: State, text: str, *, code: str = "", then: Callable[[], Any] | None = None, data: dict[str, Any] | None = None, **columns: Any
) -> None:
    """Move `job` from the state and attempt that this object shows to `new`, with `columns`, an event and `then()`.

    All in one transaction. Raises Moved when the row is no longer as this object says, and changes nothing then.
    """
    old = State(job.state)
    if new not in MOVES[old] and new != old:
        raise ValueError(f"{old} never becomes {new}")
    if new in TERMINAL:
        columns.setdefault("finished_at", timezone.now())
        columns.setdefault("not_before", None)
    attempt = columns.get("attempt", job.attempt)
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state=old, attempt=job.attempt).update(state=new, code=code, group=group_of(new, code), **columns)
        if not changed:
            raise Moved(f"{job.public_id} is no longer {old}")
        if then is not None:
            then()
        _event(job, old if new != old else "", new, text, code, data)
    job.state, job.code, job.group, job.attempt = new, code, group_of(new, code), attempt
    for name, value in columns.items():
        setattr(job, name, value)
    log.info("job %s %s → %s %s", job.public_id, old, new, code)


def _event(job: Job, old: str, new: str, text: str, code: str = "", data: dict[str, Any] | None = None) -> None:
    event = JobEvent.objects.create(team_id=job.team_id, job=job, old=old, new=new, code=code, text=text[:300], data=data or {})
    told = {"id": event.pk, "job": job.public_id, "state": str(new), "group": int(group_of(new, code))}
    transaction.on_commit(lambda: bell.publish(job.team.slug, told))


def ring_lane(lane_id: int) -> None:
    """Somebody should visit this lane now. Safe at any time: the count tells a visit under way that it was rung."""
    Lane.objects.filter(pk=lane_id).update(rings=F("rings") + 1, next_visit_at=timezone.now())
    bell.ring_after_commit()


# ── create ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def create(wish: Wish, again_of: Job | None = None) -> Job:
    """The job of `wish`, with its hold; a dance from a new video also brings its template job. All or nothing.

    The same key in the same team returns the job that the first click made. Raises Refused, OverBudget, NoPrice.
    """
    if wish.key:
        made = wish.team.jobs.filter(idempotency_key=wish.key).first()
        if made is not None:
            return made
    ready = plan(wish)
    try:
        with transaction.atomic():
            needs = ready.waits_for
            if ready.first is not None:
                needs = _insert(ready.first)
            return _insert(ready, needs, again_of)
    except IntegrityError:
        made = wish.team.jobs.filter(idempotency_key=wish.key).first() if wish.key else None
        if made is None:
            raise
        return made


def _insert(ready: Plan, needs: Job | None = None, again_of: Job | None = None) -> Job:
    wish, spec = ready.wish, ready.spec
    lane, _ = Lane.objects.get_or_create(account=ready.account, model=spec.name)
    code = Code.NEEDS_TEMPLATE if needs is not None else Code.WAITING_TURN
    names = [wish.files[field.name].name.rsplit(".", 1)[0] for field in spec.inputs_of("image", "video") if field.name in wish.files]
    job = Job.objects.create(
        team=wish.team,
        owner=wish.owner,
        account=ready.account,
        lane=lane,
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
    _event(job, "", State.QUEUED, f"Created; {held} held ({ready.quote.formula})", code)
    ring_lane(lane.pk)
    return job


def again(job: Job, by: User, key: str = "") -> Job:
    """The same wish as a new job, paid anew. A template that the service forgot is made again from its video."""
    files = {row.name: row.asset for row in job.inputs.select_related("asset")}
    template, video = job.template, None
    if job.needs is not None and template is None:
        video = job.needs.inputs.select_related("asset")[0].asset
    if template is not None and template.forgotten:
        template, video = None, template.asset
    account = job.account if job.account.key is not None else None
    wish = Wish(job.team, by, job.model, files, job.parameters, template, video, account, job.title, key)
    return create(wish, again_of=job)


# ── submit ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def submit(job: Job) -> None:
    """Send a QUEUED job: addresses first (harmless to repeat), then the intent, then one POST. Never a second one."""
    spec = job.spec
    try:
        client = client_for(job.account)
        body = catalogue.body(spec, job.account.deployed(job.model), delivery.inputs_for(job), job.parameters)
    except NoKey as error:
        move(job, State.QUEUED, str(error), code=Code.ACCOUNT_PAUSED, sentence=str(error), not_before=_in(60))
        return
    except AccountTrouble as trouble:
        _pause(job, trouble)
        return
    except WireError as error:
        _put_off(job, "The files could not be handed over", error)
        return
    except OSError as error:
        _put_off(job, "Our own storage could not be read", NotSent(message=str(error)))
        return
    if not pace.take(job.account_id, "submit", model=job.model, rate=spec.rate):
        move(job, State.QUEUED, "Waits for the account’s pace", code=Code.BACKING_OFF, not_before=_in(1))
        return
    move(job, State.SUBMITTING, "Sending", attempt=job.attempt + 1, submitting_at=timezone.now(), sentence="", advice="")
    try:
        answer = client.submit(spec, body)
    except NoAnswer as error:
        _uncertain(job, error)
    except RetryLater as error:
        _put_off(job, "The service asked to come later", error, endless=True)
    except (NotSent, MediaUnreachable) as error:
        _put_off(job, "Not sent" if isinstance(error, NotSent) else "The service could not fetch our file", error, endless=isinstance(error, NotSent))
    except AccountTrouble as trouble:
        _pause(job, trouble)
    except ModelGone as error:
        fail(job, Code.MODEL_GONE, error)
    except WireError as error:
        _forget_template(job, error)
        fail(job, Code.REJECTED, error)
    else:
        _accepted(job, answer, "Accepted by the service")


def _accepted(job: Job, answer: Submitted, text: str) -> None:
    now = timezone.now()
    move(
        job,
        State.RUNNING,
        text,
        data={"task_id": answer.task_id, "request_id": answer.request_id},
        task_id=answer.task_id,
        request_id=answer.request_id[:80],
        provider_status=answer.status[:40],
        submitted_at=job.submitting_at,
        next_look_at=now + timedelta(seconds=1),
        looks=0,
        tries=0,
        not_before=None,
    )
    health.works(job.account)


def _uncertain(job: Job, error: WireError) -> None:
    move(
        job,
        State.UNCERTAIN,
        "Sent, no answer. Not sent again, so nothing is paid twice; the service’s list will tell",
        code=Code.NO_ANSWER,
        data={"error": str(error)[:200]},
        not_before=_in(schedule.FIRST_LIST),
        tries=0,
    )


def _put_off(job: Job, what: str, error: WireError, *, endless: bool = False) -> None:
    """Nothing was created: back into the queue for a while, and after PATIENCE times given up (unless `endless`)."""
    tries = job.tries + 1
    if tries > PATIENCE and not endless:
        fail(job, Code.OUR_FAULT if isinstance(error, NotSent) else Code.REJECTED, error)
        return
    seconds = getattr(error, "retry_after", None) or schedule.backoff(tries)
    told = error.explain()
    move(
        job,
        State.QUEUED,
        f"{what}: tries again in {seconds:.0f} s",
        code=Code.BACKING_OFF,
        data={"error": str(error)[:200]},
        sentence=told.sentence,
        advice=told.advice,
        not_before=_in(seconds),
        tries=tries,
    )


def _pause(job: Job, trouble: AccountTrouble) -> None:
    sentence = health.trouble(job.account, trouble, job.model)
    move(
        job,
        State.QUEUED,
        sentence,
        code=Code.ACCOUNT_PAUSED,
        sentence=sentence,
        provider_code=trouble.code[:80],
        provider_message=trouble.message,
        not_before=timezone.now() + health.REST[trouble.reason],
    )


def _forget_template(job: Job, error: WireError) -> None:
    if job.template_id and error.code.startswith("InvalidFile.Template"):
        Template.objects.filter(pk=job.template_id).update(forgotten=True)


def orphan(job: Job) -> None:
    """A SUBMITTING job whose worker is gone: the POST may have been sent, so nobody sends it again blindly."""
    _uncertain(job, NoAnswer(message="the worker ended while sending"))


def settle_uncertain(job: Job) -> None:
    """Look for the task of an UNCERTAIN job in the service's list: one candidate is adopted, none after the window sends
    it back into the queue, several wait for a person."""
    begun = job.submitting_at or job.created_at
    client = client_for(job.account)
    pace.take(job.account_id, "list")
    lines = client.tasks(job.account.deployed(job.model), since=begun - schedule.CLOCKS)
    in_window = [line for line in lines if line.created_at <= begun + schedule.WINDOW]
    taken = set(Job.objects.filter(task_id__in=[line.task_id for line in in_window]).values_list("task_id", flat=True))
    candidates = [line for line in in_window if line.task_id not in taken]
    if len(candidates) == 1 and not _others_in_doubt(job):
        line = candidates[0]
        try:
            _accepted(job, Submitted(line.task_id, line.status, line.request_id), "Found in the service’s list; it is this job’s task")
        except IntegrityError:
            raise Moved(f"task {line.task_id} was adopted by another job") from None
        return
    if candidates:
        if timezone.now() < begun + schedule.WINDOW:
            move(job, State.UNCERTAIN, "More than one task could be this job’s; looking again", code=Code.NO_ANSWER, not_before=_in(10))
            return
        move(
            job,
            State.UNCERTAIN,
            f"{len(candidates)} tasks could be this job’s; a person decides",
            code=Code.SEVERAL_TASKS,
            data={"candidates": [line.task_id for line in candidates][:20]},
            not_before=None,
        )
        return
    if timezone.now() >= begun + schedule.SURE and job.tries >= 1:
        move(job, State.QUEUED, "The service has no task of this attempt, so it goes back into the queue", code=Code.WAITING_TURN, not_before=None, tries=0)
        return
    Job.objects.filter(pk=job.pk, state=State.UNCERTAIN).update(not_before=_in(schedule.NEXT_LIST), tries=F("tries") + 1)


def _others_in_doubt(job: Job) -> bool:
    """Another row of the same Alibaba account (same key) is sending or uncertain, so a lone task could be that one's."""
    prints = list(job.account.keys.values_list("fingerprint", flat=True))
    doubtful = Job.objects.filter(state__in=(State.SUBMITTING, State.UNCERTAIN), model=job.model, account__keys__fingerprint__in=prints)
    return doubtful.exclude(pk=job.pk).exists()


def decide_uncertain(job: Job, task_id: str, by: User) -> None:
    """A person's word on an UNCERTAIN job: adopt `task_id`, or "" to say that none is ours and send it again (paid)."""
    if task_id:
        _accepted(job, Submitted(task_id, "PENDING", ""), f"{by} chose task {task_id}")
    else:
        move(job, State.QUEUED, f"{by} decided that no task was made; it is sent again", code=Code.WAITING_TURN, not_before=None, tries=0)
    ring_lane(job.lane_id)


# ── look ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def look(job: Job) -> None:
    """Ask the service once about a RUNNING job and go on from what it says."""
    client = client_for(job.account)
    pace.take(job.account_id, "query")
    now = timezone.now()
    try:
        task = client.get(job.task_id)
    except RetryLater as error:
        _look_later(job, error.retry_after or schedule.backoff(job.tries + 1))
        return
    except AccountTrouble as trouble:
        health.trouble(job.account, trouble, job.model)
        _look_later(job, 30)
        return
    except WireError as error:
        log.warning("look at job %s: %s", job.public_id, error)
        _look_later(job, schedule.backoff(job.tries + 1))
        return
    if not task.finished:
        _still_working(job, task, now)
    elif task.unknown:
        if now - (job.submitted_at or job.created_at) < TASK_LIFE:
            _still_working(job, task, now, seconds=60)
        else:
            fail(job, Code.TASK_LOST, NoAnswer(code="UNKNOWN", message="The service no longer knows the task."), text="The service forgot the task after 24 h")
    elif task.status == "SUCCEEDED":
        _succeeded(job, task, client)
    elif task.status == "CANCELED":
        _canceled(job, "Canceled at the service")
    else:
        _forget_template(job, of_task_failure(task.code, task.message))
        fail(job, Code.TASK_FAILED, of_task_failure(task.code, task.message), provider_status=task.status[:40], **_times(task))


def _look_later(job: Job, seconds: float) -> None:
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(next_look_at=_in(seconds), tries=F("tries") + 1, looks=F("looks") + 1)


def _times(task: Task) -> dict[str, datetime]:
    found = {"provider_started_at": task.scheduled_time, "provider_ended_at": task.end_time}
    return {name: value for name, value in found.items() if value is not None}


def _still_working(job: Job, task: Task, now: datetime, seconds: float | None = None) -> None:
    """Note the service's word; an event only when it changed."""
    started = task.scheduled_time or job.provider_started_at
    if started is None and task.status not in ("PENDING", "UNKNOWN"):
        started = now
    columns: dict[str, Any] = {"provider_status": task.status[:40], "looked_at": now, "provider_started_at": started, "tries": 0, "looks": job.looks + 1}
    changed = job.provider_status != columns["provider_status"]
    job.provider_started_at = started
    columns["next_look_at"] = _in(seconds if seconds is not None else schedule.next_look(job, now))
    if changed:
        move(job, State.RUNNING, f"The service says {task.status}", code=job.code, **columns)
    else:
        Job.objects.filter(pk=job.pk, state=State.RUNNING).update(**columns)


def _succeeded(job: Job, task: Task, client: Client) -> None:
    spec = job.spec
    result = catalogue.result_of(spec, task.output)
    billed = catalogue.billed_units(spec, task.usage)
    variant = spec.variant.billed(task.usage) if spec.variant else ""
    units = billed if billed is not None else Decimal(job.milliseconds) / 1000
    note = "" if billed is not None else "The service did not say what it billed; the quoted length counts."
    columns: dict[str, Any] = {"provider_status": task.status, "looked_at": timezone.now(), "billed_units": units.quantize(Decimal("0.001")), **_times(task)}
    if result is None:
        error = NoAnswer(code="NoResult", message="The task succeeded, but no result came with it.")
        fail(job, Code.BAD_RESULT, error, settle=(units, variant or job.variant, note), **columns)
        return
    said = columns["provider_ended_at"] if "provider_ended_at" in columns else timezone.now()
    columns.setdefault("provider_ended_at", said)
    schedule.learn(job, task, units)
    paid = _payer(job, units, variant or job.variant, note)
    if spec.kind is catalogue.Kind.TEMPLATE:
        move(job, State.SUCCEEDED, "The template is ready", then=lambda: (paid(), _keep_template(job, result, units)), **columns)
        return
    columns |= {"result_url": result, "result_expires_at": said + TASK_LIFE, "tries": 0, "not_before": None}
    move(job, State.ARCHIVING, "Rendered; bringing the film home", then=lambda: (paid(), _ring_archive(job)), **columns)


def _payer(job: Job, units: Decimal, variant: str, note: str) -> Callable[[], None]:
    def pay() -> None:
        micros = money.settle(job, units, variant, note=note)
        Job.objects.filter(pk=job.pk).update(settled_micros=micros)
        job.settled_micros = micros

    return pay


def _ring_archive(job: Job) -> None:
    from jobs import tasks

    transaction.on_commit(lambda: tasks.ring_archive(job.pk))


def _keep_template(job: Job, template_id: str, units: Decimal) -> None:
    """File the template and let the dances that wait for it go."""
    video: Asset = job.inputs.select_related("asset")[0].asset
    template, _ = Template.objects.update_or_create(
        account=job.account,
        template_id=template_id,
        defaults={
            "team": job.team,
            "model": job.model,
            "asset": video,
            "name": job.title,
            "milliseconds": int(units * 1000),
            "forgotten": False,
        },
    )
    Job.objects.filter(pk=job.pk).update(template=template)
    for dance in job.needed_by.filter(state=State.QUEUED):
        move(dance, State.QUEUED, "The template is ready; waiting for its turn", code=Code.WAITING_TURN, template=template)
        ring_lane(dance.lane_id)


# ── the ends ────────────────────────────────────────────────────────────────────────────────────────────────────────


def archived(job: Job, film: Asset) -> None:
    """The film is ours: whole, stored and proven. Only now the job has succeeded."""
    move(job, State.SUCCEEDED, f"Archived, {film.seconds:.1f} s, {film.size / 1e6:.1f} MB", result=film, lease_until=None, result_url="")


def fail(job: Job, code: str, error: WireError, *, text: str = "", settle: tuple[Decimal, str, str] | None = None, **columns: Any) -> None:
    """FAILED, with whose fault it was, a sentence, what to do; the hold goes back, or is settled when it was billed.

    Dances that waited for this template fail with it, and cost nothing.
    """
    told = error.explain()
    fault = {"service": Fault.SERVICE, "ours": Fault.OURS, "account": Fault.ACCOUNT}.get(told.fault, Fault.INPUT)

    def then() -> None:
        if settle is not None:
            _payer(job, *settle)()
        elif job.settled_micros is None:
            money.release(job, note="Nothing was produced.")
        for dance in job.needed_by.filter(state=State.QUEUED):
            _fail_waiting(dance, told.sentence)

    move(
        job,
        State.FAILED,
        text or told.sentence,
        code=code,
        then=then,
        fault=fault,
        provider_code=error.code[:80],
        provider_message=error.message,
        sentence=told.sentence,
        advice=told.advice,
        **columns,
    )


def _fail_waiting(dance: Job, why: str) -> None:
    move(
        dance,
        State.FAILED,
        "The template could not be made",
        code=Code.NO_TEMPLATE,
        then=lambda: money.release(dance, note="Nothing was produced."),
        fault=Fault.INPUT,
        sentence=f"The dance template could not be made. {why}",
        advice="Choose another video and run it again.",
    )


def _canceled(job: Job, text: str, then: Callable[[], Any] | None = None) -> None:
    def give_back() -> None:
        money.release(job, note="Canceled.")
        if then is not None:
            then()

    move(job, State.CANCELED, text, code=Code.CANCELED, then=give_back, cancel_asked_at=timezone.now())


def cancel(job: Job, by: User) -> str:
    """Cancel what can be canceled, and say in a sentence what happened: free in our queue, free while the service has not
    begun, impossible afterwards (what is rendering is paid and stays ours)."""
    state = State(job.state)
    if state in TERMINAL:
        return f"It is already {LABELS[state][0].lower()}; there is nothing to cancel."
    try:
        if state is State.QUEUED:
            _canceled(job, f"Canceled by {by.short_name} before sending", then=lambda: _cancel_dances(job, by))
            ring_lane(job.lane_id)
            return "Canceled. It was not sent, so it cost nothing."
        if state is State.RUNNING:
            return _cancel_remote(job, by)
    except Moved:
        return "It moved on while you clicked. Look at its state, then decide again."
    if state is State.ARCHIVING:
        return "The film is rendered and paid; it is being brought home, so there is nothing to cancel."
    return "It is being sent right now. In a moment it can be canceled at the service."


def _cancel_dances(job: Job, by: User) -> None:
    for dance in job.needed_by.filter(state=State.QUEUED):
        _canceled(dance, f"Canceled with its template by {by.short_name}")


def _cancel_remote(job: Job, by: User) -> str:
    try:
        client = client_for(job.account)
        pace.take(job.account_id, "cancel")
        stopped = client.cancel(job.task_id)
    except (WireError, NoKey) as error:
        log.warning("cancel of job %s: %s", job.public_id, error)
        return "The service did not answer the wish to cancel. Nothing has changed; try again in a moment."
    if not stopped:
        ring_lane(job.lane_id)
        return "The service has begun to render, so it cannot be canceled any more. The film will be archived and paid."
    _canceled(job, f"Canceled at the service by {by.short_name}", then=lambda: _cancel_dances(job, by))
    ring_lane(job.lane_id)
    return "Canceled at the service before it began, so it cost nothing."


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
