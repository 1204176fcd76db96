"""A task that was made elsewhere becomes a job: followed, brought home, priced, and never a second
one."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.billing import budget
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.models import Account, Attempt, Job, Lane
from jobs.modelstudio import AccountTrouble, Client, NoAnswer, Task, TaskPage
from jobs.orders import connection_removal
from jobs.orders.adopt import adopt
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.lane_visit.rounds import visit
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


def test_a_running_task_is_followed_and_settled_by_its_bill(
    team: Team, creator: User, account: Account, service: Service
) -> None:
    line = service.made("emo-v1")
    service.gets = [
        task(line.task_id, "RUNNING", submit_time=timezone.now() - timedelta(minutes=2))
    ]
    job = adopt(account, f" {line.task_id} ", creator)
    assert (job.state, job.model, job.adopted, job.quote_micros, job.owner) == (
        "running",
        "emo-v1",
        True,
        0,
        creator,
    )
    assert budget.status(team).held == 0
    service.gets = [done(line.task_id, 13.93, ratio="3:4")]
    job = visit(job)
    assert (job.state, job.settled_micros) == ("archiving", 319_512), "13.93 s of 3:4"
    assert service.count("submit") == 0


def test_a_finished_task_is_priced_at_once(
    team: Team, creator: User, account: Account, service: Service
) -> None:
    line = service.made("emo-v1")
    service.gets = [done(line.task_id, 10.0)]
    job = adopt(account, line.task_id, creator)
    assert job.quote_micros == 114_690
    service.gets = [done(line.task_id, 10.0)]
    assert visit(job).settled_micros == 114_690


def test_the_same_task_is_never_two_jobs(
    team: Team, creator: User, account: Account, service: Service
) -> None:
    line = service.made("emo-v1")
    service.gets = [task(line.task_id, "RUNNING")]
    adopt(account, line.task_id, creator)
    with pytest.raises(Refused, match="followed already"):
        adopt(account, line.task_id, creator)
    job = makers.job(team, creator)
    Attempt.objects.create(
        job=job, number=1, began_at=timezone.now(), task_id="an-older-task", outcome="broken"
    )
    with pytest.raises(Refused, match="belongs to"):
        adopt(account, "an-older-task", creator)


def test_two_clicks_at_once_are_one_job(
    team: Team, creator: User, account: Account, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either had written."""
    from jobs.orders import adopt as adoption

    line = service.made("emo-v1")
    service.gets = [task(line.task_id, "RUNNING")] * 2
    adopt(account, line.task_id, creator)
    known, asked = adoption._not_ours, []
    monkeypatch.setattr(
        adoption, "_not_ours", lambda *args: known(*args) if asked else asked.append(args)
    )
    with pytest.raises(Refused, match="followed already"):
        adopt(account, line.task_id, creator)
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (task("x", "UNKNOWN"), "does not know this task"),
        (task("x", "FAILED", code="InvalidURL"), r"ended without a video: FAILED \(InvalidURL\)"),
        (task("x", "CANCELED"), "ended without a video"),
        (NoAnswer(message="cut"), "did not answer"),
        (AccountTrouble("InvalidApiKey", "", reason="key"), "refuses this connection"),
    ],
)
def test_what_cannot_be_adopted_is_a_sentence(
    creator: User, account: Account, service: Service, answer: object, sentence: str
) -> None:
    service.gets = [answer]
    with pytest.raises(Refused, match=sentence):
        adopt(account, "task-that-was-pasted", creator)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "pasted", ["", "x", "task id with blanks", "../../etc/passwd", "https://example.com/tasks/1"]
)
def test_what_is_no_task_id_is_never_sent(
    creator: User, account: Account, service: Service, pasted: str
) -> None:
    with pytest.raises(Refused, match="does not look like a task id"):
        adopt(account, pasted, creator)
    assert service.asked == []


def test_templates_and_foreign_models_are_refused(
    creator: User, account: Account, service: Service
) -> None:
    for model, sentence in (
        ("animate-anyone-template-gen2", "dance template"),
        ("wanx2.1-t2i-turbo", "not in the catalogue"),
    ):
        line = service.made(model)
        service.gets = [task(line.task_id, "RUNNING")]
        with pytest.raises(Refused, match=sentence):
            adopt(account, line.task_id, creator)


def test_a_deployed_name_is_found_and_a_given_model_needs_no_list(
    creator: User, account: Account, service: Service
) -> None:
    Account.objects.filter(pk=account.pk).update(model_names={"emo-v1": "emo-v1-north"})
    account.refresh_from_db()
    line = service.made("emo-v1-north")
    service.gets = [task(line.task_id, "RUNNING")]
    assert adopt(account, line.task_id, creator).model == "emo-v1"
    service.gets = [task("another-task", "RUNNING")]
    assert adopt(account, "another-task", creator, "wan2.2-s2v").model == "wan2.2-s2v"
    assert service.count("list") == 1


def test_while_a_job_is_in_doubt_its_task_cannot_be_taken_from_it(
    team: Team, creator: User, account: Account, service: Service
) -> None:
    makers.job(team, creator, state="uncertain", code="no-answer", account=account)
    line = dataclasses.replace(service.made("emo-v1"), status="RUNNING")
    service.gets = [task(line.task_id, "RUNNING")]
    with pytest.raises(Refused, match="may be its own"):
        adopt(account, line.task_id, creator)
    assert Lane.objects.count() == 1


def test_a_task_that_slides_to_an_earlier_page_still_says_its_model(
    team: Team,
    creator: User,
    account: Account,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest drops out of the list while it is read."""
    left = [service.made("emo-v1", at=timezone.now() - timedelta(minutes=9 - n)) for n in range(4)]
    wanted = left[2]

    class Ageing(Client):
        reads = 0

        def page(
            self, model_name: str = "", status: str = "", page_no: int = 1, page_size: int = 50
        ) -> TaskPage:
            self.reads += 1
            if self.reads == 2:
                del left[0]
            lines = tuple(left[2 * page_no - 2 : 2 * page_no])
            return TaskPage(len(left), lines, page_no, -(-len(left) // 2), 2)

        def get(self, task_id: str) -> Task:
            return task(task_id, "RUNNING")

    ageing = Ageing("http://service.test", "sk-test-0001")
    monkeypatch.setattr("jobs.orders.adopt.client_for", lambda account: ageing)
    assert adopt(account, wanted.task_id, creator).model == "emo-v1"


def test_a_connection_that_was_removed_meanwhile_imports_nothing(
    team: Team, creator: User, account: Account, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its keys nobody could fetch the video."""
    from jobs.orders import adopt as adoption

    line = service.made("emo-v1")
    service.gets = [task(line.task_id, "RUNNING")]
    looked = adoption._require_no_doubt

    def meanwhile(account: Account, spec: entries.Model) -> None:
        looked(account, spec)
        connection_removal.remove(Account.objects.get(pk=account.pk), creator)

    monkeypatch.setattr(adoption, "_require_no_doubt", meanwhile)
    with pytest.raises(Refused, match="removed meanwhile"):
        adopt(account, line.task_id, creator)
    assert not Job.objects.exists()
