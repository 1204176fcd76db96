"""Send a job, once: addresses first, then the committed intent, then one POST; and settle what got no answer.

The only way to a second POST is the service's own list saying that the first made no task.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from jobs import catalogue, delivery, health, pace, schedule
from jobs.clients import NoKey, client_for
from jobs.errors import Moved
from jobs.models import Job, Template
from jobs.modelstudio import AccountTrouble, MediaUnreachable, ModelGone, NoAnswer, NotSent, OurFault, Rejected, RetryLater, Submitted, WireError
from jobs.runner import fail, later, move, ring_lane
from jobs.states import Code, State
from studio.models import User

log = logging.getLogger("footlight.sending")
PATIENCE = 8  # times that our file could not be fetched, or a step put off, before it is given up


def submit(job: Job) -> None:
    """Send a QUEUED job: addresses first (harmless to repeat), then the intent, then one POST. Never a second one."""
    spec = job.spec
    try:
        client = client_for(job.account)
        body = catalogue.body(spec, job.account.deployed(job.model), delivery.inputs_for(job), job.parameters)
    except NoKey as error:
        move(job, State.QUEUED, str(error), code=Code.ACCOUNT_PAUSED, sentence=str(error), not_before=later(60))
        return
    except AccountTrouble as trouble:
        _pause(job, trouble)
        return
    except (Rejected, OurFault, ModelGone) as error:
        fail(job, Code.MODEL_GONE if isinstance(error, ModelGone) else Code.REJECTED, error)
        return
    except WireError as error:
        _put_off(job, "The files could not be handed over", error)
        return
    except Exception:
        # A full disk, a bucket that is away, a secret that cannot be read: nothing was sent, and nobody behind this job may wait for it.
        log.exception("job %s could not be handed over", job.public_id)
        _put_off(job, "Our own storage could not be read", OurFault("StorageAway", "Our own storage could not be read."))
        return
    if not pace.take(job.account_id, "submit", model=job.model, rate=spec.rate):
        move(job, State.QUEUED, "Waits for the account’s pace", code=Code.BACKING_OFF, not_before=later(1))
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
        forget_template(job, error)
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
        not_before=later(schedule.FIRST_LIST),
        tries=0,
    )


def _put_off(job: Job, what: str, error: WireError, *, endless: bool = False) -> None:
    """Nothing was created: back into the queue for a while, and after PATIENCE times given up (unless `endless`)."""
    tries = job.tries + 1
    if tries > PATIENCE and not endless:
        fail(job, Code.OUR_FAULT if isinstance(error, NotSent | OurFault) else Code.REJECTED, error)
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
        not_before=later(seconds),
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


def orphan(job: Job) -> None:
    """A SUBMITTING job whose worker is gone: the POST may have been sent, so nobody sends it again blindly."""
    _uncertain(job, NoAnswer(message="the worker ended while sending"))


def settle_uncertain(job: Job) -> None:
    """Look for the task of an UNCERTAIN job in the service's list: one candidate is adopted, none after the window sends
    it back into the queue, several wait for a person."""
    begun = job.submitting_at or job.created_at
    if timezone.now() > begun + schedule.LIST_REACHES:
        text = "The service’s list no longer reaches back to this attempt; a person decides whether it is sent again"
        move(job, State.UNCERTAIN, text, code=Code.SEVERAL_TASKS, data={"candidates": []}, not_before=None)
        return
    client = client_for(job.account)
    pace.take(job.account_id, "list")
    lines = client.tasks(job.account.deployed(job.model), since=begun - schedule.CLOCKS)
    in_window = [line for line in lines if line.created_at <= begun + schedule.WINDOW]
    taken = set(Job.objects.filter(task_id__in=[line.task_id for line in in_window]).values_list("task_id", flat=True))
    found = [line for line in in_window if line.task_id not in taken]
    if len(found) == 1 and not _others_in_doubt(job):
        line = found[0]
        try:
            _accepted(job, Submitted(line.task_id, line.status, line.request_id), "Found in the service’s list; it is this job’s task")
        except IntegrityError:
            raise Moved(f"task {line.task_id} was adopted by another job") from None
        return
    if found:
        if timezone.now() < begun + schedule.WINDOW:
            move(job, State.UNCERTAIN, "More than one task could be this job’s; looking again", code=Code.NO_ANSWER, not_before=later(10))
            return
        move(
            job,
            State.UNCERTAIN,
            f"{len(found)} tasks could be this job’s; a person decides",
            code=Code.SEVERAL_TASKS,
            data={"candidates": [line.task_id for line in found][:20]},
            not_before=None,
        )
        return
    if timezone.now() >= begun + schedule.WINDOW and job.tries >= 1:
        move(
            job,
            State.QUEUED,
            "The service has no task of this attempt, so it goes back into the queue",
            code=Code.WAITING_TURN,
            not_before=None,
            tries=0,
        )
        return
    Job.objects.filter(pk=job.pk, state=State.UNCERTAIN).update(not_before=later(schedule.NEXT_LIST), tries=F("tries") + 1)


def _others_in_doubt(job: Job) -> bool:
    """Another row of the same Alibaba account (same key) is sending or uncertain, so a lone task could be that one's."""
    prints = list(job.account.keys.values_list("fingerprint", flat=True))
    doubtful = Job.objects.filter(state__in=(State.SUBMITTING, State.UNCERTAIN), model=job.model, account__keys__fingerprint__in=prints)
    return doubtful.exclude(pk=job.pk).exclude(code=Code.SEVERAL_TASKS).exists()


def candidates(job: Job) -> list[str]:
    """The tasks that could be an UNCERTAIN job's, as the last look at the service's list found them."""
    event = job.events.filter(code=Code.SEVERAL_TASKS).last()
    return list(event.data.get("candidates", [])) if event else []


def decide_uncertain(job: Job, task_id: str, by: User) -> None:
    """A person's word on an UNCERTAIN job: adopt `task_id`, or "" to say that none is ours and send it again (paid)."""
    if task_id:
        _accepted(job, Submitted(task_id, "PENDING", ""), f"{by} chose task {task_id}")
    else:
        move(job, State.QUEUED, f"{by} decided that no task was made; it is sent again", code=Code.WAITING_TURN, not_before=None, tries=0)
    ring_lane(job.lane_id)


def forget_template(job: Job, error: WireError) -> None:
    if job.template_id and error.code.startswith("InvalidFile.Template"):
        Template.objects.filter(pk=job.template_id).update(forgotten=True)
