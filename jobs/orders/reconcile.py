"""After a restore: the service's list of tasks is compared with the rows of an Alibaba account
before anything more is sent on it.

A task without a row may be that of a job that waits here and was sent before the restore: a person
decides, as for any submit in doubt. One that fits no waiting job is adopted, since its own row is
lost. What cannot be adopted is named.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from jobs.accounts import clients, key_ids, rate_limit
from jobs.accounts.clients import NoKey
from jobs.catalogue import entries
from jobs.common.errors import Moved, Refused
from jobs.common.states import Code, Outcome, State
from jobs.engine import bill_check, poll, restored, retry, uncertain
from jobs.engine.listed_tasks import noted
from jobs.engine.transitions import move, wake_lanes
from jobs.models import Account, ApiKey, Attempt, Job, Lane
from jobs.modelstudio import Client, TaskLine, WireError
from jobs.orders.adopt import adopt
from studio.common import clock
from studio.common.translatable import Sentence, phrase
from studio.models import Role, User

log = logging.getLogger("footlight.reconcile")
MOST_LOOKS = 200  # tasks that are asked for their bill, to tell whose they can be


@dataclass(slots=True)
class Comparison:
    """What came of one: jobs made of tasks without a row, jobs that wait for a person, and what is
    left for a person to look at."""

    adopted: list[Job] = field(default_factory=list)
    undecided: list[Job] = field(default_factory=list)
    left: list[Sentence] = field(default_factory=list)


def waiting() -> list[Account]:
    """The first row of every Alibaba account that waits for its comparison."""
    rows = Account.objects.filter(
        Q(reconcile_from__isnull=False) | Q(shared_by__reconcile_from__isnull=False), same_as=None
    )
    return list(rows.distinct().select_related("team"))


def unknown_tasks(account: Account, since: datetime) -> list[TaskLine]:
    """Tasks of the service's list (24 h) made after `since` that are in no row here, oldest first.
    WireError, NoKey."""
    rate_limit.take(account.root_id, "list")
    lines = clients.client_for(account).tasks("", since)
    known = uncertain.known_tasks(line.task_id for line in lines)
    return [line for line in lines if line.task_id not in known]


def strangers() -> Iterator[list[str]]:
    """For each Alibaba account with a key: sentences about its tasks of the last 24 h that are in
    no row here (a script or another site may have made them), or that it could not be asked."""
    since = clock.now() - timedelta(hours=24)
    for account in Account.objects.filter(same_as=None, keys__active=True).distinct():
        try:
            lines = unknown_tasks(account, since)
        except (WireError, NoKey) as error:
            yield [f"Connection {account.public_id} could not be asked for its tasks: {error}"]
            continue
        yield [
            f"Task {line.task_id} ({line.model_name}, {line.status}, made "
            f"{line.created_at:%Y-%m-%d %H:%M} UTC) of connection {account.public_id} is in no row."
            for line in lines
        ]


def reconcile(root: Account) -> Comparison:
    """Compare the Alibaba account of `root` (the first of its rows) and let it send again. Nothing
    changes, and it goes on waiting, when the service does not answer: WireError, NoKey."""
    rows = list(Account.objects.filter(Q(pk=root.pk) | Q(same_as=root)).order_by("pk"))
    since = [row.reconcile_from for row in rows if row.reconcile_from is not None]
    done = Comparison()
    if not since:
        return done
    asked = next((row for row in rows if row.key is not None), root)
    lines, shared = _lost_tasks(asked, rows, min(since))
    ours = {row.deployed(name): name for row in rows for name in entries.MODELS}
    by_model: dict[str, list[TaskLine]] = {}
    for line in lines:
        by_model.setdefault(ours.get(line.model_name, ""), []).append(line)
    for line in by_model.pop("", []):
        done.left.append(
            phrase(
                "Task %(task_id)s is of the model %(model_name)s, which is not in the catalogue.",
                task_id=line.task_id,
                model_name=line.model_name or "—",
            )
        )
    for model, tasks in by_model.items():
        _assign(asked, clients.client_for(asked), model, tasks, done, shared=shared)
    Account.objects.filter(pk__in=[row.pk for row in rows]).update(reconcile_from=None)
    wake_lanes(Lane.objects.filter(account=root).values_list("pk", flat=True))
    log.warning(
        "account %s is compared: %d imported, %d wait for a person, %d left",
        root.public_id,
        len(done.adopted),
        len(done.undecided),
        len(done.left),
    )
    return done


def _lost_tasks(
    account: Account, rows: list[Account], since: datetime
) -> tuple[list[TaskLine], bool]:
    """Tasks made after `since` that may be of a row that is lost, oldest first; and whether
    somebody else makes tasks with our keys too, so that they may as well be theirs."""
    rate_limit.take(account.root_id, "list")
    listed = clients.client_for(account).tasks("", clock.now() - timedelta(hours=24))
    key_ids.learn(None, listed)
    foreign = key_ids.of_others(ApiKey.objects.filter(account__in=rows), listed)
    known = uncertain.known_tasks(line.task_id for line in listed)
    lines = [line for line in listed if line.task_id not in known | foreign]
    # What is lost was sent after the last attempt that is known, by clocks that agree.
    sure = since + restored.BEFORE - retry.CLOCK_SKEW
    shared = any(line.created_at < sure for line in lines)
    return [line for line in lines if line.created_at >= since], shared


def _assign(
    account: Account,
    client: Client,
    model: str,
    tasks: list[TaskLine],
    done: Comparison,
    *,
    shared: bool,
) -> None:
    """Give tasks of one model to the waiting jobs that they may be of, else adopt them; not where
    the key is `shared`, since they may be another's."""
    _look_at_running(account, model)
    bills = _bills(account, client, model, tasks)
    claimed: set[str] = set()
    jobs = Job.objects.filter(lane__account_id=account.root_id, model=model, state=State.QUEUED)
    for job in jobs.select_related("team", "account", "lane"):
        mine = [line for line in tasks if _may_be(job, line, bills.get(line.task_id))]
        if not mine:
            continue
        try:
            _let_a_person_decide(job, mine, bills)
        except Moved as moved:  # somebody canceled it, so it is sent no more
            log.info("%s", moved)
            continue
        claimed |= {line.task_id for line in mine}
        done.undecided.append(job)
    by = _owner(account)
    for line in tasks:
        if line.task_id in claimed:
            continue
        if shared:
            done.left.append(
                phrase(
                    "Task %(task_id)s may be yours or not: somebody else uses this key too, since "
                    "older tasks of it are in no row here. If it is yours, import it.",
                    task_id=line.task_id,
                )
            )
            continue
        try:
            done.adopted.append(adopt(account, line.task_id, by, model))
        except Refused as refused:
            why = " ".join(refused.sentences)
            done.left.append(phrase("Task %(task_id)s: %(why)s", task_id=line.task_id, why=why))


def _look_at_running(account: Account, model: str) -> None:
    """A task that broke may have been made anew before the restore: its job waits again from now
    on, so that the new one may be its own."""
    jobs = Job.objects.filter(lane__account_id=account.root_id, model=model, state=State.RUNNING)
    for job in jobs.select_related("team", "account__team", "lane", "template", "check_used"):
        try:
            poll.look(job)
        except Moved as moved:
            log.info("%s", moved)


def _bills(
    account: Account, client: Client, model: str, tasks: Sequence[TaskLine]
) -> dict[str, Decimal | None]:
    """By task id, the seconds that were billed, of those that have ended."""
    spec = entries.get(model)
    found: dict[str, Decimal | None] = {}
    for line in [line for line in tasks if line.status == "SUCCEEDED"][:MOST_LOOKS]:
        rate_limit.take(account.root_id, "query")
        found[line.task_id] = entries.billed_units(spec, client.get(line.task_id).usage)
    return found


def _may_be(job: Job, line: TaskLine, billed: Decimal | None) -> bool:
    if line.created_at < job.created_at - retry.MAX_CLOCK_SKEW:
        return False
    return billed is None or not bill_check.unlike_quote(job, billed, "")


def _let_a_person_decide(job: Job, lines: list[TaskLine], bills: dict[str, Decimal | None]) -> None:
    begun, number = lines[0].created_at, job.attempt + 1

    def note_attempt() -> None:
        Attempt.objects.create(job=job, number=number, began_at=begun, outcome=Outcome.UNCERTAIN)

    move(
        job,
        State.UNCERTAIN,
        phrase(
            "The database was restored, and the service has tasks that may be this job’s: a person "
            "decides"
        ),
        code=Code.SEVERAL_TASKS,
        then=note_attempt,
        data=noted(lines, bills),
        attempt=number,
        submitting_at=begun,
        not_before=None,
        tries=0,
    )


def _owner(account: Account) -> User:
    rows = account.team.memberships.filter(role=Role.OWNER).order_by("pk").select_related("user")
    return rows[0].user
