"""Send a job, once: addresses first, then the committed intent, then one POST; and settle what got
no answer.

The only way to a second POST is the service's own list saying that the first made no task.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import F, Q
from django.utils import timezone

from jobs.accounts import health, rate_limit
from jobs.accounts.clients import NoKey, client_for
from jobs.catalogue import entries
from jobs.common.errors import Moved
from jobs.common.states import Code, Outcome, State
from jobs.engine import eta, media_urls, retry, speed
from jobs.engine.transitions import fail, later, move, ring_lane
from jobs.models import Attempt, Job, Template
from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    Submitted,
    WireError,
)
from studio.common.leases import rested
from studio.common.translatable import EMPTY, Sentence, phrase, plural_phrase
from studio.models import User

log = logging.getLogger("footlight.sending")
# times, the later ones a minute apart, that our file could not be fetched or handed over before it
# is given up
PATIENCE = 240
GIVEN_UP = phrase(
    "It was tried for about four hours. Run it again when the site’s files can be fetched; what "
    "failed costs nothing."
)


def submit(job: Job) -> None:
    """Send a QUEUED job: addresses first (harmless to repeat), then the intent, then one POST.
    Never a second one."""
    spec = job.spec
    try:
        client = client_for(job.account)
        body = entries.body(
            spec, job.account.deployed(job.model), media_urls.inputs_for(job), job.parameters
        )
    except NoKey as error:
        if (job.code, job.sentence) == (
            Code.ACCOUNT_PAUSED,
            error.sentence,
        ):  # said already; it would be said every minute
            Job.objects.filter(pk=job.pk, state=State.QUEUED).update(not_before=later(60))
            return
        move(
            job,
            State.QUEUED,
            error.sentence,
            code=Code.ACCOUNT_PAUSED,
            sentence=error.sentence,
            not_before=later(60),
        )
        return
    except (AccountTrouble, ModelGone) as trouble:
        _rest(job, trouble)
        return
    except Rejected as error:
        fail(job, Code.REJECTED, error)
        return
    except (NotSent, NoAnswer, RetryLater) as error:
        # No network, for instance: that is nobody's file, and may last a weekend.
        _wait(
            job,
            phrase("The files could not be handed over"),
            error,
            health.unreachable(job.account, job.model),
        )
        return
    except WireError as error:
        # A gateway's page in the place of an answer, too: it says nothing about this job, and
        # nothing was sent yet.
        _put_off(job, phrase("The files could not be handed over"), error)
        return
    except Exception:
        # A full disk, a bucket that is away, a secret that cannot be read: nothing was sent, and
        # nobody behind this job may wait for it.
        log.exception("job %s could not be handed over", job.public_id)
        _put_off(
            job,
            phrase("Our own storage could not be read"),
            OurFault("StorageAway", "Our own storage could not be read."),
        )
        return
    if not rate_limit.take(job.account.root_id, "submit", model=job.model, rate=spec.rate):
        move(
            job,
            State.QUEUED,
            phrase("Waits for the account’s pace"),
            code=Code.BACKING_OFF,
            not_before=later(1),
        )
        return
    begun = timezone.now()
    intent: dict[str, Any] = {
        "attempt": job.attempt + 1,
        "submitting_at": begun,
        "sentence": EMPTY,
        "advice": EMPTY,
    }
    move(job, State.SUBMITTING, phrase("Sending"), outcome=Outcome.SENDING, **intent)
    if timezone.now() - begun > retry.HASTE:
        # A locked database, or a machine that slept: the list could not tell later which task was
        # made now.
        _wait(
            job,
            phrase("Not sent in time"),
            NotSent("TooLate", "the order was not sent in time"),
            retry.backoff(1),
        )
        return
    try:
        try:
            answer = client.submit(spec, body)
        finally:
            # The answer is worth money: a connection that was cut while we waited for it must not
            # lose it.
            rested()
    except NoAnswer as error:
        _uncertain(job, error)
    except RetryLater as error:
        _slow_down(job, error)
    except NotSent as error:
        _wait(job, phrase("Not sent"), error, health.unreachable(job.account, job.model))
    except MediaUnreachable as error:
        _put_off(job, phrase("The service could not fetch our file"), error)
    except AccountTrouble as trouble:
        _rest(job, trouble)
    except WireError as error:
        if health.is_gone(error, job.model):
            _rest(job, error)
            return
        forget_template(job, error)
        fail(job, Code.REJECTED, error, outcome=Outcome.REFUSED)
    else:
        _accepted(job, answer, phrase("Accepted by the service"), Outcome.ACCEPTED)


def _accepted(job: Job, answer: Submitted, text: Sentence, outcome: Outcome) -> None:
    """The task is this job's. Moved when it became another job's meanwhile: no task belongs to
    two."""
    now = timezone.now()
    try:
        move(
            job,
            State.RUNNING,
            text,
            outcome=outcome,
            data={"task_id": answer.task_id, "request_id": answer.request_id},
            task_id=answer.task_id,
            request_id=answer.request_id[:80],
            provider_status=answer.status[:40],
            submitted_at=job.submitting_at,
            told_sent_at=_told(job, now),
            next_look_at=now + timedelta(seconds=1),
            looks=0,
            tries=0,
            alarmed=0,
            not_before=None,
        )
    except IntegrityError:
        raise Moved(f"task {answer.task_id} belongs to another job") from None
    health.works(job.account, job.model)


def _told(job: Job, now: datetime) -> datetime:
    """When it should be ready, now that the service has it: after what is before it there."""
    ahead = (
        Job.objects.filter(lane_id=job.lane_id, state=State.RUNNING)
        .exclude(pk=job.pk)
        .select_related("account", "lane")
    )
    wait = sum(eta.left(one, now) + eta.HANDOVER for one in ahead)
    return now + timedelta(seconds=wait + eta.HANDOVER + speed.expected(job))


def _uncertain(job: Job, error: WireError) -> None:
    move(
        job,
        State.UNCERTAIN,
        phrase(
            "Sent, no answer. Not sent again, so nothing is paid twice; the service’s list will "
            "tell"
        ),
        code=Code.NO_ANSWER,
        outcome=Outcome.UNCERTAIN,
        data={"error": str(error)[:200]},
        not_before=later(retry.FIRST_LIST),
        tries=0,
    )


def _slow_down(job: Job, error: RetryLater) -> None:
    """Too many calls at this account and model: the whole lane rests, and the job keeps its
    turn."""
    _wait(
        job,
        phrase("The service asked to come later"),
        error,
        health.throttled(job.account, job.model, error.retry_after),
    )


def _put_off(job: Job, what: Sentence, error: WireError) -> None:
    """Nothing was created: back into the queue for a while, and after PATIENCE times given up."""
    tries = job.tries + 1
    if tries > PATIENCE:
        fail(
            job,
            Code.OUR_FAULT if isinstance(error, OurFault) else Code.REJECTED,
            error,
            outcome=_refused(job),
            advice=GIVEN_UP,
        )
        return
    _wait(job, what, error, getattr(error, "retry_after", None) or retry.backoff(tries), tries)


def _wait(
    job: Job, what: Sentence, error: WireError, seconds: float, tries: int | None = None
) -> None:
    """No task was made: the job waits `seconds` in the queue and says why. `tries` counts towards
    PATIENCE; what comes from outside and passes counts nothing."""
    told = error.explain()
    seconds = min(seconds, health.LONGEST_WAIT)
    move(
        job,
        State.QUEUED,
        phrase("%(what)s: tries again in %(n)s s", what=what, n=f"{seconds:.0f}"),
        code=Code.BACKING_OFF,
        outcome=_refused(job),
        data={"error": str(error)[:200]},
        sentence=told.sentence,
        advice=told.advice,
        not_before=later(seconds),
        tries=job.tries if tries is None else tries,
    )


def _refused(job: Job) -> Outcome | None:
    """What became of the attempt when the answer proves that no task was made; None when no attempt
    was begun."""
    return Outcome.REFUSED if State(job.state) is State.SUBMITTING else None


def _rest(job: Job, trouble: WireError) -> None:
    """The account, or this model on it, cannot be used now: the job waits until it can, and costs
    nothing meanwhile."""
    if isinstance(trouble, AccountTrouble):
        sentence, code = health.trouble(job.account, trouble, job.model), Code.ACCOUNT_PAUSED
    else:
        sentence, code = health.gone(job.account, trouble, job.model), Code.MODEL_GONE
    job.lane.refresh_from_db(fields=("paused_until",))
    again = health.until(job.account, job.lane)
    if again is None and job.lane.account_id != job.account.root_id:
        again = later(
            60
        )  # recognised as a twin during this visit: the lane that rests is the other one
    move(
        job,
        State.QUEUED,
        sentence,
        code=code if again else Code.WAITING_TURN,
        outcome=_refused(job),
        sentence=sentence if again else EMPTY,
        provider_code=trouble.code[:80],
        provider_message=trouble.message,
        not_before=again,
    )


def orphan(job: Job) -> None:
    """A SUBMITTING job whose worker is gone: the POST may have been sent, so nobody sends it again
    blindly."""
    _uncertain(job, NoAnswer(message="the worker ended while sending"))


def settle_uncertain(job: Job) -> None:
    """Look for the task of an UNCERTAIN job in the service's list: one candidate is adopted, none
    after the window sends it back into the queue, several wait for a person."""
    begun = job.submitting_at or job.created_at
    if timezone.now() > begun + retry.LIST_REACHES:
        text = phrase(
            "The service’s list no longer reaches back to this attempt; a person decides whether "
            "it is sent again"
        )
        move(
            job,
            State.UNCERTAIN,
            text,
            code=Code.SEVERAL_TASKS,
            data={"candidates": []},
            not_before=None,
        )
        return
    client = client_for(job.account)
    rate_limit.take(job.account.root_id, "list")
    lines = client.tasks(job.account.deployed(job.model), since=begun - retry.DRIFT)
    known = _known(line.task_id for line in lines)
    strange = [
        line
        for line in lines
        if line.task_id not in known and line.created_at <= begun + retry.DRIFT
    ]
    found = [
        line for line in strange if begun - retry.CLOCKS <= line.created_at <= begun + retry.WINDOW
    ]
    if len(found) == 1 and not _others_in_doubt(job):
        line = found[0]
        answer = Submitted(line.task_id, line.status, line.request_id)
        _accepted(
            job,
            answer,
            phrase("Found in the service’s list; it is this job’s task"),
            Outcome.ADOPTED,
        )
        return
    if not found and timezone.now() >= begun + retry.WINDOW:
        found = (
            strange  # made well before or after, by our clock, which may be wrong: a person knows
        )
    if found:
        if timezone.now() < begun + retry.WINDOW:
            move(
                job,
                State.UNCERTAIN,
                phrase("More than one task could be this job’s; looking again"),
                code=Code.NO_ANSWER,
                not_before=later(10),
            )
            return
        move(
            job,
            State.UNCERTAIN,
            plural_phrase(
                "%(n)s task could be this job’s; a person decides",
                "%(n)s tasks could be this job’s; a person decides",
                len(found),
            ),
            code=Code.SEVERAL_TASKS,
            data={"candidates": [line.task_id for line in found][:20]},
            not_before=None,
        )
        return
    if timezone.now() >= begun + retry.WINDOW and job.tries >= 1:
        move(
            job,
            State.QUEUED,
            phrase("The service has no task of this attempt, so it goes back into the queue"),
            code=Code.WAITING_TURN,
            outcome=Outcome.NO_TASK,
            not_before=None,
            tries=0,
        )
        return
    Job.objects.filter(pk=job.pk, state=State.UNCERTAIN, attempt=job.attempt).update(
        not_before=later(retry.NEXT_LIST), tries=F("tries") + 1
    )


def _known(task_ids: Iterable[str]) -> set[str]:
    """Those of `task_ids` that belong to a job of ours, or did before the job went on to another
    task."""
    asked = list(task_ids)
    now = Job.objects.filter(task_id__in=asked).values_list("task_id", flat=True)
    before = Attempt.objects.filter(task_id__in=asked).values_list("task_id", flat=True)
    return {*now, *before}


def _others_in_doubt(job: Job) -> bool:
    """Another row of the same Alibaba account (same lane, or same key) is sending or uncertain, so
    a lone task could be that one's."""
    prints = list(job.account.keys.values_list("fingerprint", flat=True))
    same = Q(account__keys__fingerprint__in=prints) | Q(lane_id=job.lane_id)
    doubtful = Job.objects.filter(
        same, state__in=(State.SUBMITTING, State.UNCERTAIN), model=job.model
    )
    return doubtful.exclude(pk=job.pk).exclude(code=Code.SEVERAL_TASKS).exists()


def candidates(job: Job) -> list[str]:
    """The tasks that could be an UNCERTAIN job's, as the last look at the service's list found
    them."""
    event = job.events.filter(
        code=Code.SEVERAL_TASKS, data__has_key="candidates"
    ).last()  # alarms have none
    return list(event.data.get("candidates", [])) if event else []


def decide_uncertain(job: Job, task_id: str, by: User) -> None:
    """A person's word on an UNCERTAIN job: adopt `task_id`, or "" to say that none is ours and send
    it again (paid)."""
    if task_id:
        if task_id in _known([task_id]):
            raise Moved(f"task {task_id} belongs to another job")
        _accepted(
            job,
            Submitted(task_id, "PENDING", ""),
            phrase("%(person)s chose task %(task_id)s", person=by, task_id=task_id),
            Outcome.ADOPTED,
        )
    else:
        text = phrase("%(person)s decided that no task was made; it is sent again", person=by)
        move(
            job,
            State.QUEUED,
            text,
            code=Code.WAITING_TURN,
            outcome=Outcome.NO_TASK,
            not_before=None,
            tries=0,
        )
    ring_lane(job.lane_id)


def forget_template(job: Job, error: WireError) -> None:
    if job.template_id and error.code.startswith("InvalidFile.Template"):
        Template.objects.filter(pk=job.template_id).update(forgotten=True)
