"""What was sent without an answer: it is looked for with what it was sent with, and nobody's task
is taken for another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.accounts import clients, key_ids
from jobs.accounts.clients import NoKey
from jobs.common.states import Code, Outcome, State
from jobs.engine import listed_tasks, poll, uncertain
from jobs.models import Account, ApiKey, Attempt, Job
from jobs.modelstudio import AccountTrouble
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import LONG_AGO, fresh, in_doubt, sent_without_answer, visit
from tests.service import Service, task

pytestmark = pytest.mark.django_db


# ── the account has changed while in doubt ────────────────────────────────────────────────────────


def test_the_list_is_asked_for_the_name_that_was_sent(
    job: Job, service: Service, account: Account
) -> None:
    job = in_doubt(job, service)
    line = service.made("emo-v1", at=timezone.now() - LONG_AGO)
    Account.objects.filter(pk=account.pk).update(model_names={"emo-v1": "emo-v1-next"})
    job = visit(job)
    assert (job.state, job.task_id) == ("running", line.task_id)


def test_the_list_is_asked_with_the_key_and_address_that_were_sent(
    job: Job, account: Account
) -> None:
    """The key is retired, the address another one, and a key of another account is the newest."""
    old = account.keys.get()
    attempt = Attempt.objects.create(
        job=job,
        number=1,
        began_at=timezone.now(),
        key=old,
        base_url="http://127.0.0.1:9/api/v1",
        workspace="ws-1",
        model_name="emo-v1",
    )
    ApiKey.objects.filter(pk=old.pk).update(active=False)
    ApiKey.make(account, "sk-another-0002").save()
    Account.objects.filter(pk=account.pk).update(base_url="http://127.0.0.1:8/api/v1")
    client = clients.sent_with(Attempt.objects.get(pk=attempt.pk))
    assert (client.key_id, client.base_url, client.workspace) == (
        old.pk,
        "http://127.0.0.1:9/api/v1",
        "ws-1",
    )
    assert client._headers["Authorization"] == "Bearer sk-test-0001"
    ApiKey.objects.filter(pk=old.pk).delete()
    with pytest.raises(NoKey, match="no longer stored"):
        clients.sent_with(Attempt.objects.get(pk=attempt.pk))


@pytest.mark.parametrize("gone", ["deleted", "refused"])
def test_without_the_key_that_it_was_sent_with_a_person_decides(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    job = in_doubt(job, service)
    if gone == "deleted":

        def nobody(attempt: Attempt) -> Service:
            raise NoKey(uncertain.phrase("It is gone."))

        monkeypatch.setattr(clients, "sent_with", nobody)
    else:
        service.lists = [AccountTrouble("InvalidApiKey", status=401, reason="key")]
    job = visit(job)
    assert (job.state, job.code) == ("uncertain", "several-tasks")
    assert "person decides" in job.events.last().text.lower()
    assert service.count("submit") == 1


def test_every_other_key_is_asked_before_it_is_sent_again(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Service()
    other.key_id = 77
    other.depth = service.depth
    line = other.made(at=timezone.now() - LONG_AGO)
    job = in_doubt(job, service)
    monkeypatch.setattr(clients, "every", lambda account: [(None, service), (None, other)])
    job = visit(job)
    assert (job.state, job.task_id) == ("running", line.task_id)
    assert service.count("submit") == 1


def test_a_look_asks_older_keys_when_the_newest_knows_nothing(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = visit(job)
    other = Service()
    other.depth = service.depth
    monkeypatch.setattr(clients, "every", lambda account: [(None, service), (None, other)])
    service.gets = [task(job.task_id, "UNKNOWN")]
    other.gets = [task(job.task_id, "RUNNING")]
    answer = poll.ask(job)
    assert not isinstance(answer, Exception)
    assert answer.status == "RUNNING"


# ── somebody else's task ──────────────────────────────────────────────────────────────────────────


def test_a_task_of_another_key_is_not_adopted(
    job: Job, wish: OrderRequest, service: Service, account: Account
) -> None:
    """The list names the key of each task; ours is known from a task that was answered to us."""
    key = account.keys.get()
    service.key_id = key.pk
    create.create(wish)
    visit(job)  # sends both
    ours = service.tasks_made[0]
    stranger = service.made(at=timezone.now() - LONG_AGO)
    service.tasks_made = [
        replace(ours, api_key_id="15-ours"),
        replace(stranger, api_key_id="16-theirs"),
    ]
    job = Job.objects.exclude(task_id=ours.task_id).get()
    job.attempts.update(task_id="")
    Job.objects.filter(pk=job.pk).update(
        state=State.UNCERTAIN,
        code=Code.NO_ANSWER,
        task_id="",
        submitting_at=timezone.now() - LONG_AGO,
        tries=1,
    )
    uncertain.settle_uncertain(fresh(job))
    key.refresh_from_db()
    assert key.service_id == "15-ours"
    assert fresh(job).state == "queued", "the stranger's task is not this job's"


@pytest.mark.parametrize("ago", [timedelta(hours=20), timedelta(minutes=5)])
def test_a_lone_task_waits_for_a_person_where_others_use_the_key(
    job: Job, service: Service, owner: User, ago: timedelta
) -> None:
    """Another site has the same key: that shows in tasks that are in no row here."""
    service.made(at=timezone.now() - ago)
    job = in_doubt(job, service)
    lone = service.made(at=timezone.now() - LONG_AGO)
    job = visit(job)
    assert (job.state, job.code, job.task_id) == ("uncertain", "several-tasks", "")
    assert "somebody else who uses the same Alibaba account" in job.events.last().text
    assert listed_tasks.candidates(job) == [lone.task_id]
    uncertain.decide_uncertain(job, lone.task_id, owner)
    assert fresh(job).task_id == lone.task_id


def test_a_lone_task_waits_for_a_person_while_the_name_of_its_key_is_unknown(
    job: Job, service: Service
) -> None:
    """The first order of a new key: the task may be that of another site, with another key."""
    job = in_doubt(job, service)
    line = service.made(at=timezone.now() - LONG_AGO)
    service.tasks_made = [replace(line, api_key_id="16-theirs")]
    job = visit(job)
    assert (job.state, job.code) == ("uncertain", "several-tasks")
    assert listed_tasks.candidates(job) == [line.task_id]


def test_what_a_key_is_called_is_learned_from_tasks_of_any_model(
    job: Job, service: Service, account: Account, team: Team, creator: User
) -> None:
    service.key_id = account.keys.get().pk
    other = makers.job(team, creator, "wan2.2-s2v", "running", account=account, task_id="task-9")
    Attempt.objects.create(
        job=other, number=1, began_at=timezone.now(), task_id="task-9", key=account.keys.get()
    )
    known = replace(service.made("wan2.2-s2v"), task_id="task-9", api_key_id="15-ours")
    job = in_doubt(job, service)
    theirs = service.made(at=timezone.now() - LONG_AGO)
    service.tasks_made = [known, replace(theirs, api_key_id="16-theirs")]
    job = visit(job)
    assert (job.state, service.count("submit")) == ("running", 2), "it was sent again"
    assert job.task_id != theirs.task_id


def test_a_lone_task_is_adopted_where_others_have_keys_of_their_own(
    job: Job, wish: OrderRequest, service: Service, account: Account
) -> None:
    key = account.keys.get()
    key.service_id = "15-ours"
    key.save(update_fields=["service_id"])
    service.key_id = key.pk
    old = service.made(at=timezone.now() - timedelta(hours=2))
    job = in_doubt(job, service)
    lone = service.made(at=timezone.now() - LONG_AGO)
    service.tasks_made = [
        replace(old, api_key_id="16-theirs"),
        replace(lone, api_key_id="15-ours"),
    ]
    job = visit(job)
    assert (job.state, job.task_id) == ("running", lone.task_id)


def test_nothing_is_learned_from_a_task_that_was_only_found(
    job: Job, service: Service, account: Account
) -> None:
    key = account.keys.get()
    service.key_id = key.pk
    job = sent_without_answer(job, service)
    service.made()
    job = visit(job)
    service.tasks_made[0] = replace(service.tasks_made[0], api_key_id="16-perhaps")
    assert job.state == "running"
    assert job.attempts.get().found
    attempt = job.attempts.select_related("key").get()
    assert key_ids.learn(attempt, service.tasks_made) == ""


@pytest.fixture
def twin(stranger: User) -> Job:
    """A job in doubt of another team, whose account may be the same Alibaba account."""
    theirs = stranger.memberships.get().team
    return makers.job(
        theirs,
        stranger,
        account=makers.account(theirs, key="sk-other-0002"),
        state=State.UNCERTAIN,
        code=Code.NO_ANSWER,
        attempt=1,
        submitting_at=timezone.now(),
    )


@pytest.mark.parametrize("sees", [True, None])
def test_a_task_that_another_row_may_own_waits(
    job: Job, twin: Job, service: Service, monkeypatch: pytest.MonkeyPatch, sees: bool | None
) -> None:
    job = sent_without_answer(job, service)
    service.made()
    monkeypatch.setattr("jobs.accounts.account_proof.KeyQueries.knows", lambda self, task_id: sees)
    assert visit(job).state == "uncertain"


def test_a_task_that_another_account_does_not_see_is_ours(
    job: Job, twin: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = sent_without_answer(job, service)
    line = service.made()
    monkeypatch.setattr(
        "jobs.accounts.account_proof.KeyQueries.knows",
        lambda self, task_id: bool(self.task_id),  # ours lists it, the other one does not see it
    )
    assert visit(job).task_id == line.task_id
    apart = Account.objects.get(pk=job.account_id).different_from
    assert (
        twin.account_id in apart
        or job.account_id in Account.objects.get(pk=twin.account_id).different_from
    )


def test_a_task_that_a_person_may_give_to_another_is_not_adopted(
    job: Job, wish: OrderRequest, service: Service
) -> None:
    undecided = makers.job(
        wish.team,
        wish.owner,
        account=job.account,
        state=State.UNCERTAIN,
        code=Code.SEVERAL_TASKS,
        attempt=1,
    )
    line = service.made()
    undecided.events.create(
        team=wish.team,
        new="uncertain",
        code=Code.SEVERAL_TASKS,
        text=uncertain.phrase("Which?"),
        data={"candidates": [line.task_id]},
    )
    job = sent_without_answer(job, service)
    assert visit(job).state == "uncertain"
    service.tasks_made = [service.made()]
    Job.objects.filter(pk=job.pk).update(not_before=None)
    assert visit(job).state == "running", "one that waits for a person stops nobody's else"


# ── what a single line of the rules keeps ─────────────────────────────────────────────────────────


def test_an_attempt_in_doubt_has_not_ended(job: Job, service: Service) -> None:
    attempt = in_doubt(job, service).attempts.get()
    assert (attempt.outcome, attempt.ended_at) == (Outcome.UNCERTAIN, None)


def test_one_empty_list_is_not_enough(job: Job, service: Service) -> None:
    """It may have been read a moment before the task showed up in it."""
    job = in_doubt(job, service, tries=0)
    uncertain.settle_uncertain(job)
    job = fresh(job)
    assert (job.state, job.tries) == ("uncertain", 1)
    uncertain.settle_uncertain(job)
    assert fresh(job).state == "queued"


@pytest.mark.parametrize(("minutes", "state"), [(9, "uncertain"), (11, "queued")])
def test_a_task_made_much_later_is_of_another_attempt(
    job: Job, service: Service, minutes: int, state: str
) -> None:
    job = in_doubt(job, service, timedelta(minutes=20))
    service.made(at=timezone.now() - timedelta(minutes=20 - minutes))
    uncertain.settle_uncertain(job)
    assert fresh(job).state == state


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNCERTAIN])
@pytest.mark.parametrize("shares", ["key", "lane"])
def test_a_row_with_the_same_key_or_lane_may_own_a_lone_task(
    job: Job,
    stranger: User,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    shares: str,
    state: State,
) -> None:
    """Whatever was found out about their tasks before."""
    theirs = stranger.memberships.get().team
    account = makers.account(theirs, key="sk-test-0001" if shares == "key" else "sk-test-0002")
    other = makers.job(
        theirs,
        stranger,
        account=account,
        state=state,
        attempt=1,
        submitting_at=timezone.now(),
        not_before=timezone.now() + LONG_AGO,
    )
    monkeypatch.setattr("jobs.accounts.shared_accounts.compare_by_task", lambda *rows: False)
    job = sent_without_answer(job, service)
    if shares == "lane":
        Job.objects.filter(pk=other.pk).update(lane_id=job.lane_id)
    service.made()
    uncertain.settle_uncertain(job)
    assert fresh(job).state == "uncertain"
    Job.objects.filter(pk=other.pk).update(model="emo-v9")
    uncertain.settle_uncertain(fresh(job))
    assert fresh(job).state == "running", "another model's task is not this one"


def test_a_task_is_known_by_its_job_and_by_the_attempt_it_was_of(
    job: Job, wish: OrderRequest, service: Service
) -> None:
    """A job that went on to another task leaves the first one to nobody."""
    job = visit(job)
    first = job.task_id
    Job.objects.filter(pk=job.pk).update(task_id="task-next")
    other = in_doubt(create.create(wish), service)
    service.tasks_made = [
        replace(service.made(), task_id=task_id, created_at=timezone.now() - LONG_AGO)
        for task_id in (first, "task-next")
    ]
    uncertain.settle_uncertain(other)
    assert fresh(other).state == "queued"


def test_no_account_in_doubt_is_overlooked_when_many_are(
    job: Job, stranger: User, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many are asked at one look; until all of them were, nobody's task is taken."""
    theirs = stranger.memberships.get().team
    monkeypatch.setattr(uncertain, "_ASKED", 2)
    for number in range(3):
        account = makers.account(theirs, key=f"sk-other-000{number}")
        makers.job(theirs, stranger, account=account, state=State.UNCERTAIN, code=Code.NO_ANSWER)
    job = sent_without_answer(job, service)
    line = service.made()
    asked: list[int] = []

    def apart(root: Account, other: Account, task_id: str) -> bool:
        asked.append(other.pk)
        Account.objects.filter(pk=root.pk).update(
            different_from=[*Account.objects.get(pk=root.pk).different_from, other.pk]
        )
        return False

    monkeypatch.setattr("jobs.accounts.shared_accounts.compare_by_task", apart)
    uncertain.settle_uncertain(job)
    assert (fresh(job).state, len(asked)) == ("uncertain", 2)
    uncertain.settle_uncertain(fresh(job))
    assert (fresh(job).task_id, len(asked)) == (line.task_id, 3)
