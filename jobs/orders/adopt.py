"""Adopt a task: a task_id that was made anywhere on the account (a script, the console, a
colleague) becomes a job here, so that its video is followed, brought home, priced and filed.
Looking is free; nothing is sent."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction

from jobs.accounts import rate_limit
from jobs.accounts.clients import NoKey, client_for
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Account, Attempt, Job
from jobs.modelstudio import AccountTrouble, Client, Task, WireError
from jobs.orders import adopted_job
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import phrase
from studio.models import User

_TASK_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{5,79}")
LIST_HOLDS = timedelta(hours=24)


def adopt(account: Account, task_id: str, by: User, model: str = "") -> Job:
    """The job of `task_id` on `account`, RUNNING and followed from now on.

    `model` is our name of the model; "" asks the service's list. Refused with a sentence: not a
    task id, unknown here, followed already, over without a video, or of a kind that cannot be
    adopted.
    """
    task_id = task_id.strip()
    if not _TASK_ID.fullmatch(task_id):
        raise Refused(
            phrase(
                "This does not look like a task id. It has letters, digits and dashes, like "
                "a8532587-fa8c-4ef8-82be-0c46e17950bd."
            )
        )
    _not_ours(account, task_id)
    task, spec = _ask_service(account, task_id, model)
    if spec.kind is not entries.Kind.VIDEO:
        raise Refused(
            phrase(
                "This task makes a dance template. A template is filed with its video, so make it "
                "here from the video instead."
            )
        )
    _require_no_doubt(account, spec)
    quote = _quote(account, spec, task)
    try:
        with transaction.atomic():
            job = adopted_job.insert_adopted(account, by, spec, quote, task, task_id)
            made = {"task": task_id, "model": spec.name}
            record(Event.JOB_ADOPTED, team=job.team, by=by, about=job.title, after=made)
        return job
    except IntegrityError:  # a second click, or somebody else's, came between our look and our row
        _not_ours(account, task_id)
        raise


def _ask_service(account: Account, task_id: str, model: str) -> tuple[Task, entries.Model]:
    """The task as the service knows it, and its model."""
    try:
        client = client_for(account)
        rate_limit.take(account.root_id, "query")
        task = client.get(task_id)
        _worth_it(task, account)
        return task, _spec(client, account, task_id, model)
    except NoKey as error:
        raise Refused(error.sentence) from None
    except AccountTrouble as trouble:
        raise Refused(
            phrase(
                "The service refuses this connection at the moment: %(sentence)s Mend that, then "
                "import the video.",
                sentence=trouble.explain().sentence,
            )
        ) from None
    except WireError:
        raise Refused(
            phrase("The service did not answer. Nothing has changed; try again in a moment.")
        ) from None


def _require_no_doubt(account: Account, spec: entries.Model) -> None:
    """Refused while the task may be that of a job of ours."""
    in_doubt = Job.objects.filter(
        lane__account_id=account.root_id,
        model=spec.name,
        state__in=(State.SUBMITTING, State.UNCERTAIN),
    )
    if in_doubt.exists():
        raise Refused(
            phrase(
                "A job of this model was sent and got no answer, so this task may be its own. Wait "
                "until that is decided, then import it."
            )
        )


def _not_ours(account: Account, task_id: str) -> None:
    job = Job.objects.filter(task_id=task_id).select_related("team").first()
    if job is None:
        attempt = Attempt.objects.filter(task_id=task_id).select_related("job__team").first()
        job = attempt.job if attempt is not None else None
    if job is not None and job.team_id == account.team_id:
        raise Refused(
            phrase("This task is followed already: it belongs to “%(title)s”.", title=job.title)
        )
    if job is not None:
        raise Refused(phrase("This task is followed already."))


def _worth_it(task: Task, account: Account) -> None:
    if task.unknown:
        raise Refused(
            phrase(
                "The service does not know this task on %(account)s. It keeps tasks for 24 hours, "
                "and shows them only to keys "
                "of the connection that made them: choose that connection.",
                account=account,
            )
        )
    if task.finished and task.status != "SUCCEEDED":
        why = f"{task.status} ({task.code})" if task.code else task.status
        raise Refused(
            phrase(
                "This task ended without a video: %(why)s. It cost nothing, and there is nothing "
                "to bring home.",
                why=why,
            )
        )


def _spec(client: Client, account: Account, task_id: str, model: str) -> entries.Model:
    """The catalogue's entry of the task's model: as given, else as the service's list names it."""
    if model:
        if model not in entries.MODELS:
            raise Refused(phrase("The model %(model)s is not in the catalogue.", model=model))
        return entries.get(model)
    ours = {account.deployed(name): name for name in entries.MODELS}
    rate_limit.take(account.root_id, "list")
    lines = client.tasks("", clock.now() - LIST_HOLDS)
    found = next((line for line in lines if line.task_id == task_id), None)
    if found is not None:
        if found.model_name not in ours:
            raise Refused(
                phrase(
                    "This task is of the model %(model_name)s, which is not in the catalogue, "
                    "so its result cannot be read.",
                    model_name=found.model_name,
                )
            )
        return entries.get(ours[found.model_name])
    raise Refused(
        phrase(
            "The service’s list does not say which model this task is of. Choose the model, then "
            "import it."
        )
    )


def _quote(account: Account, spec: entries.Model, task: Task) -> prices.Quote:
    """What it costs as far as that is known: by what the service billed, or 0 s of the default
    variant while it runs."""
    billed = entries.billed_units(spec, task.usage) or Decimal(0)
    variant = (
        spec.variant.billed(task.usage) if spec.variant and billed else ""
    ) or spec.variant_of(entries.clean_choices(spec, {}))
    try:
        return prices.quote(
            spec, variant, billed, currency=account.team.currency, region=account.region
        )
    except prices.NoPrice as error:
        raise Refused(error.sentence) from None
