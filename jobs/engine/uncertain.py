"""Jobs whose submit got no answer: their task is looked for in the service's own list, and what the
list cannot tell a person decides.

An UNCERTAIN job leaves that state in three ways: one task is adopted, the list (or a person) says
that none was made and it goes back into the queue, or it waits for a person (SEVERAL_TASKS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from jobs.accounts import clients, key_ids, rate_limit, shared_accounts
from jobs.accounts.clients import KeyedClient, NoKey, client_for
from jobs.common.errors import Moved
from jobs.common.states import Code, Outcome, State
from jobs.engine import retry
from jobs.engine.listed_tasks import candidates, noted
from jobs.engine.requeue import send_again
from jobs.engine.submit_outcomes import accepted, in_doubt
from jobs.engine.transitions import later, move, wake_lane
from jobs.models import Attempt, Job
from jobs.modelstudio import AccountTrouble, NoAnswer, Submitted, TaskLine
from studio.audit import trail
from studio.audit.events import Event
from studio.common import clock
from studio.common.translatable import Sentence, phrase, plural_phrase, together
from studio.models import User

_UNDECIDED = 50  # jobs whose candidates are looked at for a lone task
_ASKED = 20  # accounts that are asked for it at one look


def orphan(job: Job) -> None:
    """A SUBMITTING job whose worker is gone: the POST may have been sent, so nobody sends it again
    blindly."""
    in_doubt(job, NoAnswer(message="the worker ended while sending"))


def settle_uncertain(job: Job) -> None:
    """Look for the task of an UNCERTAIN job in the service's list, with what it was sent with: one
    candidate is adopted, none after the window sends it back into the queue, several wait for a
    person."""
    begun = job.submitting_at or job.created_at
    if clock.now() > begun + retry.LIST_REACHES:
        text = phrase(
            "The service’s list no longer reaches back to this attempt; a person decides whether "
            "it is sent again"
        )
        _ask_person(job, [], text)
        return
    over = clock.now() >= begun + retry.WINDOW
    attempt = job.attempts.select_related("key").filter(number=job.attempt).first()
    try:
        listed = _listed(job, attempt, begun, everywhere=over and job.tries >= 1)
    except NobodyKnows as nobody:
        if not over:
            raise nobody.error from None
        _ask_person(job, [], nobody.sentence)
        return
    found = listed.in_window
    if len(found) == 1 and not _may_be_anothers(job, found[0]):
        if listed.others:
            _one_of_others(job, found, over)
        else:
            _adopt(job, found[0])
        return
    if not found and over:
        # Made well before or after, by our clock, which may be wrong: a person knows.
        found = listed.unknown
    if found:
        _several(job, found, over)
    elif over and job.tries >= 1:
        _no_task(job)
    else:
        Job.objects.filter(pk=job.pk, state=State.UNCERTAIN, attempt=job.attempt).update(
            not_before=later(retry.NEXT_LIST), tries=F("tries") + 1
        )


# ── the list ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Listed:
    """Tasks of the service's list that belong to no job of ours."""

    unknown: list[TaskLine]  # made within retry.MAX_CLOCK_SKEW of the attempt: perhaps this job's
    in_window: list[TaskLine]  # of these, made when the attempt was: probably this job's
    others: bool  # somebody else makes tasks with this key, or nobody knows what it is called


class NobodyKnows(Exception):
    """Nothing can be asked with what the job was sent with: its key is gone, or refused."""

    def __init__(self, error: NoKey | AccountTrouble, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.error, self.sentence = error, sentence


def _listed(job: Job, attempt: Attempt | None, begun: datetime, *, everywhere: bool) -> Listed:
    """The service's list for the attempt that was begun at `begun`, asked with the key, address and
    model name that it was sent with; `everywhere`: with every other key of the account, too, before
    it is taken for a list without the task."""
    name = (attempt.model_name if attempt else "") or job.account.deployed(job.model)
    strange, own = _in_no_row(job, attempt, begun, everywhere=everywhere)
    unknown = [
        line
        for line in strange
        if line.model_name in ("", name) and abs(line.created_at - begun) <= retry.MAX_CLOCK_SKEW
    ]
    first, last = begun - retry.CLOCK_SKEW, begun + retry.WINDOW
    in_window = [line for line in unknown if first <= line.created_at <= last]
    of_any_key = not own and any(line.api_key_id for line in in_window)
    return Listed(unknown, in_window, others=of_any_key or len(strange) > len(in_window))


def in_no_row(job: Job, attempt: Attempt) -> list[TaskLine]:
    """Tasks of the last day that may have been made with the key of `attempt` and that no job here
    knows, oldest first. Calls out: WireError, NoKey, NobodyKnows."""
    return _in_no_row(job, attempt, clock.now(), everywhere=False)[0]


def _in_no_row(
    job: Job, attempt: Attempt | None, begun: datetime, *, everywhere: bool
) -> tuple[list[TaskLine], str]:
    """The same, and what the list calls that key; "" while nobody knows."""
    lines: dict[str, TaskLine] = {}
    # The whole of it is read anyway; the service filters by no time.
    since = begun - retry.LIST_REACHES
    client = _as_sent(job, attempt)
    try:
        _read(lines, job, client, since)
    except AccountTrouble as trouble:
        if trouble.reason != "key":
            raise
        sentence = phrase(
            "The service refuses the key that it was sent with, so its list cannot tell; a person "
            "decides"
        )
        raise NobodyKnows(trouble, sentence) from None
    if everywhere:
        _read_others(lines, job, attempt, client, since)
    own = key_ids.learn(attempt, lines.values())
    known = known_tasks(lines)
    strange = [
        line
        for line in sorted(lines.values(), key=lambda line: line.created_at)
        if line.task_id not in known and key_ids.may_be(line, own)
    ]
    return strange, own


def _as_sent(job: Job, attempt: Attempt | None) -> KeyedClient:
    if attempt is None:
        return client_for(job.account)
    attempt.job = job
    try:
        return clients.sent_with(attempt)
    except NoKey as error:
        raise NobodyKnows(error, together(error.sentence, phrase("A person decides."))) from None


def _read(lines: dict[str, TaskLine], job: Job, client: KeyedClient, since: datetime) -> None:
    """Tasks of every model: those of others tell as much about whose the keys are."""
    rate_limit.take(job.account.root_id, "list")
    lines.update((line.task_id, line) for line in client.tasks("", since=since))


def _read_others(
    lines: dict[str, TaskLine],
    job: Job,
    attempt: Attempt | None,
    asked: KeyedClient,
    since: datetime,
) -> None:
    """The same with every other key of the account. One that is refused knows nothing, unless it
    may be the one that an attempt of an older version was sent with."""
    for _key, other in clients.every(job.account):
        if (other.key_id, other.base_url) == (asked.key_id, asked.base_url):
            continue
        try:
            _read(lines, job, other, since)
        except AccountTrouble as trouble:
            if trouble.reason != "key":
                raise
            if attempt is None or not attempt.base_url:
                sentence = phrase(
                    "The service refuses a key that it may have been sent with, so its list cannot "
                    "tell; a person decides"
                )
                raise NobodyKnows(trouble, sentence) from None


# ── what follows ──────────────────────────────────────────────────────────────────────────────────


def _adopt(job: Job, line: TaskLine) -> None:
    accepted(
        job,
        Submitted(line.task_id, line.status, line.request_id),
        phrase("Found in the service’s list; it is this job’s task"),
        Outcome.ADOPTED,
    )


def _one_of_others(job: Job, found: list[TaskLine], over: bool) -> None:
    """`found` is the only one made when the job was sent, but may be of whoever else uses its
    account."""
    if not over:
        _look_again(job, phrase("One task could be this job’s, or another’s; looking again"))
        return
    text = phrase(
        "One task could be this job’s, or that of somebody else who uses the same Alibaba "
        "account; a person decides"
    )
    _ask_person(job, found, text)


def _several(job: Job, found: list[TaskLine], over: bool) -> None:
    """`found` could be the job's. Once the window is `over` no look at the list can tell more, so a
    person decides."""
    if not over:
        _look_again(job, phrase("More than one task could be this job’s; looking again"))
        return
    text = plural_phrase(
        "%(n)s task could be this job’s; a person decides",
        "%(n)s tasks could be this job’s; a person decides",
        len(found),
    )
    _ask_person(job, found, text)


def _look_again(job: Job, text: Sentence) -> None:
    move(job, State.UNCERTAIN, text, code=Code.NO_ANSWER, not_before=later(10))


def _ask_person(job: Job, found: list[TaskLine], text: Sentence) -> None:
    move(
        job,
        State.UNCERTAIN,
        text,
        code=Code.SEVERAL_TASKS,
        data=noted(found),
        not_before=None,
    )


def doubt_adopted(job: Job, text: Sentence) -> None:
    """The task that was found for a RUNNING job in the list may be another's after all, as `text`
    says: a person decides whether it is this job's. Nothing is booked until then."""
    task_id = job.task_id

    def let_go() -> None:
        Attempt.objects.filter(job=job, number=job.attempt).update(task_id="", request_id="")

    _in_doubt_again(job, text, [task_id], let_go, job.attempt, Outcome.UNCERTAIN)


def _no_task(job: Job) -> None:
    text = phrase("The service has no task of this attempt, so it goes back into the queue")
    send_again(job, text, Code.WAITING_TURN, Outcome.NO_TASK, not_before=None)


def doubt_chosen(job: Job) -> bool:
    """The task that a person chose for a RUNNING job ended without a result. When others that were
    to be chosen from are still in no row, one of them may have been made in its place, so a person
    decides about those before anything is sent again: then True."""
    old = job.attempts.filter(number=job.attempt, outcome=Outcome.CHOSEN).first()
    asked = candidates(job) if old is not None else []
    left = [task_id for task_id in asked if task_id not in known_tasks(asked)]
    if old is None or not left:
        return False
    number = job.attempt + 1

    def note_attempts() -> None:
        job.attempts.filter(pk=old.pk).update(outcome=Outcome.ENDED, ended_at=clock.now())
        columns = ("key", "base_url", "workspace", "model_name", "began_at")
        same = {name: getattr(old, name) for name in columns}
        Attempt.objects.create(job=job, number=number, outcome=Outcome.UNCERTAIN, **same)

    text = phrase(
        "Task %(task_id)s ended without a result; one of the others may have been made in its "
        "place. A person decides",
        task_id=job.task_id,
    )
    _in_doubt_again(job, text, left, note_attempts, number)
    return True


def _in_doubt_again(
    job: Job,
    text: Sentence,
    found: list[str],
    then: Callable[[], None],
    attempt: int,
    outcome: Outcome | None = None,
) -> None:
    """From RUNNING: at no task any more, and a person decides between `found`."""
    move(
        job,
        State.UNCERTAIN,
        text,
        code=Code.SEVERAL_TASKS,
        outcome=outcome,
        then=then,
        data={"candidates": found},
        attempt=attempt,
        task_id="",
        request_id="",
        provider_status="",
        provider_started_at=None,
        provider_ended_at=None,
        submitted_at=None,
        next_look_at=None,
        not_before=None,
        tries=0,
    )


def known_tasks(task_ids: Iterable[str]) -> set[str]:
    """Those of `task_ids` that belong to a job of ours, or did before the job went on to another
    task."""
    asked = list(task_ids)
    now = Job.objects.filter(task_id__in=asked).values_list("task_id", flat=True)
    before = Attempt.objects.filter(task_id__in=asked).values_list("task_id", flat=True)
    return {*now, *before}


def _may_be_anothers(job: Job, line: TaskLine) -> bool:
    """Whether a lone task may be that of another row, which is sending or uncertain at the same
    Alibaba account, or waits for a person who may choose it."""
    prints = list(job.account.keys.values_list("fingerprint", flat=True))
    same = Q(account__keys__fingerprint__in=prints) | Q(lane_id=job.lane_id)
    doubtful = (
        Job.objects.filter(state__in=(State.SUBMITTING, State.UNCERTAIN))
        .exclude(pk=job.pk)
        .order_by("pk")
    )
    asking = doubtful.exclude(code=Code.SEVERAL_TASKS)
    if asking.filter(same, model=job.model).exists():
        return True
    undecided = doubtful.filter(lane_id=job.lane_id, code=Code.SEVERAL_TASKS)[:_UNDECIDED]
    if any(line.task_id in candidates(other) for other in undecided):
        return True
    return _seen_elsewhere(job, asking, line)


def _seen_elsewhere(job: Job, asking: QuerySet[Job], line: TaskLine) -> bool:
    """The same of rows that are not known yet to be of one account or of two: those that see the
    task are of one, and then it may be theirs."""
    root = job.account.same_as or job.account
    unknown = shared_accounts.perhaps_same(root)
    rows = asking.filter(Q(account__in=unknown) | Q(account__same_as__in=unknown))
    doubtful = rows.order_by().values_list("account_id", "account__same_as_id").distinct()
    roots = {same_as or pk for pk, same_as in doubtful}
    others = [other for other in unknown if other.pk in roots]
    for other in others[:_ASKED]:
        if shared_accounts.compare_by_task(root, other, line.task_id) is not False:
            return True
    # Who is told apart stays so: the next look asks the others.
    return len(others) > _ASKED


def decide_uncertain(job: Job, task_id: str, by: User) -> None:
    """A person's word on an UNCERTAIN job: adopt `task_id`, or "" to say that none is ours and send
    it again (paid)."""
    if task_id and task_id in known_tasks([task_id]):
        raise Moved(f"task {task_id} belongs to another job")
    with transaction.atomic():
        if task_id:
            accepted(
                job,
                Submitted(task_id, "PENDING", ""),
                phrase("%(person)s chose task %(task_id)s", person=by, task_id=task_id),
                Outcome.CHOSEN,
            )
        else:
            text = phrase("%(person)s decided that no task was made; it is sent again", person=by)
            send_again(job, text, Code.WAITING_TURN, Outcome.NO_TASK, not_before=None)
        trail.record(
            Event.JOB_DECIDED,
            team=job.team,
            by=by,
            person=job.owner,
            about=job.title,
            after={"task": task_id or None, "sent_again": not task_id},
        )
    wake_lane(job.lane_id)
