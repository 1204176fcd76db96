"""A restored database has forgotten what was sent: nothing is sent until both sides agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from jobs.accounts import pauses
from jobs.billing import budget
from jobs.common.states import OPEN, State
from jobs.engine import listed_tasks, poll, restored, transitions, uncertain
from jobs.models import Account, Attempt, Job, Lane
from jobs.modelstudio import Client, NoAnswer, TaskPage
from jobs.orders import reconcile
from studio.models import Team, User
from tests import makers
from tests.jobs.engine.tasks.visits import fresh, visit
from tests.service import Service, done, task, template_done

pytestmark = pytest.mark.django_db
AGO = timedelta(minutes=5)


def new_job(team: Team, owner: User, account: Account) -> Job:
    picture = makers.asset(team)
    files = {"image_url": picture, "audio_url": makers.asset(team, "audio")}
    check = makers.check(picture, account)
    return makers.job(team, owner, account=account, files=files, check_used=check)


@pytest.fixture
def job(team: Team, creator: User, account: Account) -> Job:
    made = new_job(team, creator, account)
    Job.objects.filter(pk=made.pk).update(created_at=timezone.now() - 2 * AGO)
    return fresh(made)


@pytest.fixture
def waits(account: Account, owner: User) -> Account:
    restored.begin(timezone.now() - AGO)
    account.refresh_from_db()
    return account


# ── it waits, and says so ─────────────────────────────────────────────────────────────────────────


def test_nothing_is_sent_until_it_is_compared(
    job: Job, waits: Account, service: Service, client: Browser
) -> None:
    job = visit(job)
    assert (job.state, job.code, service.count("submit")) == ("queued", "held-back", 0)
    assert "after a restore of the database" in job.sentence
    pauses.set_pause(waits, "open", None)
    assert visit(job).state == "queued", "no click opens it"
    User.objects.create_superuser("root@example.com", "a long password")
    client.login(username="root@example.com", password="a long password")
    assert "1 connection sends nothing until" in client.get(reverse("admin:index")).content.decode()


def test_what_agrees_is_sent_again(job: Job, waits: Account, service: Service) -> None:
    found = reconcile.reconcile(waits)
    assert (found.adopted, found.undecided, found.left) == ([], [], [])
    assert visit(job).state == "running"


def test_a_service_that_does_not_answer_opens_nothing(
    job: Job, waits: Account, service: Service
) -> None:
    service.pages = [NoAnswer("ReadTimeout")]
    with pytest.raises(NoAnswer):
        reconcile.reconcile(waits)
    assert visit(job).state == "queued"


def test_a_task_that_slides_to_an_earlier_page_is_not_missed(
    waits: Account, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest drops out of the list while it is read. Its job would be sent again."""
    made = [service.made(at=timezone.now() - timedelta(minutes=4, seconds=-n)) for n in range(4)]
    left = list(made)

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

    ageing = Ageing("http://service.test", "sk-test-0001")
    monkeypatch.setattr("jobs.accounts.clients.client_for", lambda account: ageing)
    found = {line.task_id for line in reconcile.unknown_tasks(waits, timezone.now() - AGO)}
    assert found == {line.task_id for line in made[1:]}


# ── what the list says ────────────────────────────────────────────────────────────────────────────


def test_a_waiting_job_that_may_have_been_sent_waits_for_a_person(
    job: Job, waits: Account, service: Service, owner: User
) -> None:
    line = service.made(at=timezone.now() - AGO / 2)
    found = reconcile.reconcile(waits)
    assert [one.pk for one in found.undecided] == [job.pk]
    assert found.adopted == []
    job = fresh(job)
    assert (job.state, job.code) == ("uncertain", "several-tasks")
    assert listed_tasks.candidates(job) == [line.task_id]
    uncertain.decide_uncertain(job, line.task_id, owner)
    job = fresh(job)
    assert (job.state, job.attempts.get().task_id) == ("running", line.task_id)
    assert service.count("submit") == 0


@pytest.mark.parametrize(
    ("ends", "then"),
    [
        ("", ("queued", "needs-template")),
        ("done", ("queued", "waiting-turn")),
        ("failed", ("failed", "no-template")),
    ],
)
def test_a_dance_that_was_not_sent_waits_for_its_template_again(
    team: Team, owner: User, waits: Account, service: Service, ends: str, then: tuple[str, str]
) -> None:
    maker = makers.job(
        team, owner, "animate-anyone-template-gen2", "running", task_id="task-000900", attempt=1
    )
    dance = makers.job(team, owner, "animate-anyone-gen2", needs=maker, code="needs-template")
    service.made("animate-anyone-gen2", at=timezone.now())
    assert reconcile.reconcile(waits).undecided == [dance]
    if ends == "done":
        poll.take_in(fresh(maker), template_done(maker.task_id))
    elif ends:
        poll.take_in(fresh(maker), task(maker.task_id, "FAILED", code="InvalidParameter"))
    dance = fresh(dance)
    uncertain.decide_uncertain(dance, "", owner)
    assert (dance.state, dance.code) == then
    assert fresh(dance).template == fresh(maker).template
    held = budget.status(team).held
    assert held == sum(job.quote_micros for job in team.jobs.filter(state__in=OPEN))


@pytest.mark.parametrize(
    ("ends", "then"),
    [
        ("", ("queued", "needs-template")),
        ("done", ("queued", "backing-off")),
        ("failed", ("failed", "no-template")),
    ],
)
def test_a_dance_whose_chosen_task_breaks_waits_for_its_template_again(
    team: Team, owner: User, waits: Account, service: Service, ends: str, then: tuple[str, str]
) -> None:
    """The task had its template; the database that was restored does not."""
    maker = makers.job(
        team, owner, "animate-anyone-template-gen2", "running", task_id="task-000900", attempt=1
    )
    dance = makers.job(team, owner, "animate-anyone-gen2", needs=maker, code="needs-template")
    line = service.made("animate-anyone-gen2", at=timezone.now())
    assert reconcile.reconcile(waits).undecided == [dance]
    uncertain.decide_uncertain(fresh(dance), line.task_id, owner)
    if ends == "done":
        poll.take_in(fresh(maker), template_done(maker.task_id))
    elif ends:
        poll.take_in(fresh(maker), task(maker.task_id, "FAILED", code="InvalidParameter"))
    broke = task(line.task_id, "FAILED", code="InternalError.Algo")
    poll.take_in(fresh(dance), broke)
    dance = fresh(dance)
    assert (dance.state, dance.code) == then
    assert dance.template == fresh(maker).template
    held = budget.status(team).held
    assert held == sum(job.quote_micros for job in team.jobs.filter(state__in=OPEN))
    if not ends:
        poll.take_in(fresh(maker), template_done(maker.task_id))
        dance = fresh(dance)
        assert (dance.code, dance.template) == ("waiting-turn", fresh(maker).template)


@pytest.mark.parametrize("code", ["InternalError.Algo", "InvalidParameter"])
def test_when_a_chosen_task_broke_the_others_are_asked_about_before_it_is_sent_again(
    job: Job, waits: Account, service: Service, owner: User, code: str
) -> None:
    """The job's first task broke and it was sent again before the restore: both are in no row, and
    the person took the wrong one."""
    broke = service.made(at=timezone.now() - AGO / 2)
    paid = service.made(at=timezone.now() - AGO / 3)
    service.gets = [task(broke.task_id, "FAILED", code=code), task(paid.task_id, "RUNNING")]
    assert reconcile.reconcile(waits).undecided == [job]
    uncertain.decide_uncertain(fresh(job), broke.task_id, owner)
    poll.take_in(fresh(job), task(broke.task_id, "FAILED", code=code))
    job = fresh(job)
    assert (job.state, job.code, job.task_id) == ("uncertain", "several-tasks", "")
    assert listed_tasks.candidates(job) == [paid.task_id]
    assert uncertain.known_tasks([broke.task_id]) == {broke.task_id}, "it stays this job's"
    assert visit(job).state == "uncertain"
    uncertain.decide_uncertain(fresh(job), paid.task_id, owner)
    poll.take_in(fresh(job), done(paid.task_id, job.seconds))
    assert (fresh(job).state, service.count("submit")) == ("archiving", 0)
    assert list(job.attempts.values_list("task_id", flat=True).order_by("number")) == [
        broke.task_id,
        paid.task_id,
    ]


def test_a_task_of_no_waiting_job_is_adopted(waits: Account, service: Service) -> None:
    line = service.made(at=timezone.now() - AGO / 2)
    service.gets = [task(line.task_id, "RUNNING")]
    (video,) = reconcile.reconcile(waits).adopted
    assert (video.task_id, video.state, video.adopted) == (line.task_id, "running", True)
    assert reconcile.unknown_tasks(waits, timezone.now() - AGO) == []


def test_a_task_made_anew_for_one_that_broke_is_not_made_a_third_time(
    job: Job, waits: Account, service: Service
) -> None:
    """The backup has the job with its first task, which broke; the second one was made since."""
    transitions.move(
        job, State.RUNNING, transitions.phrase("Sent"), attempt=1, task_id="task-000900"
    )
    line = service.made(at=timezone.now() - AGO / 2)
    service.gets = [task("task-000900", "FAILED", code="InternalError.Algo")]
    found = reconcile.reconcile(waits)
    assert (found.adopted, found.undecided) == ([], [job])
    assert listed_tasks.candidates(fresh(job)) == [line.task_id]
    assert visit(job).state == "uncertain"


def test_a_job_that_is_canceled_meanwhile_does_not_end_the_comparison(
    job: Job, waits: Account, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = service.made(at=timezone.now() - AGO / 2)
    service.gets = [task(line.task_id, "RUNNING")]

    def canceled_now(*args: object) -> bool:
        transitions.cancel(fresh(job), job.owner)
        return True

    monkeypatch.setattr(reconcile, "_may_be", canceled_now)
    found = reconcile.reconcile(waits)
    assert (fresh(job).state, found.undecided) == ("canceled", [])
    assert [video.task_id for video in found.adopted] == [line.task_id]
    waits.refresh_from_db()
    assert waits.reconcile_from is None


def test_a_task_with_another_bill_is_not_the_waiting_jobs(
    job: Job, waits: Account, service: Service
) -> None:
    line = service.made(at=timezone.now() - AGO / 2)

    service.tasks_made = [replace(line, status="SUCCEEDED")]
    service.gets = [done(line.task_id, 58.0)] * 2
    found = reconcile.reconcile(waits)
    assert (len(found.adopted), found.undecided) == (1, [])
    assert fresh(job).state == "queued"


def test_a_task_from_before_the_job_is_not_its_own(
    job: Job, waits: Account, service: Service
) -> None:
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() + timedelta(hours=1))
    line = service.made(at=timezone.now() - AGO / 2)
    service.gets = [task(line.task_id, "RUNNING")]
    assert reconcile.reconcile(waits).undecided == []


def test_what_cannot_be_adopted_is_named(waits: Account, service: Service) -> None:
    service.made("wanx2.1-t2i-turbo", at=timezone.now() - AGO / 2)
    dance = service.made("animate-anyone-template-gen2", at=timezone.now() - AGO / 2)
    service.gets = [task(dance.task_id, "RUNNING")]
    left = " ".join(reconcile.reconcile(waits).left)
    assert "wanx2.1-t2i-turbo, which is not in the catalogue" in left
    assert "dance template" in left


def test_rows_of_one_alibaba_account_are_compared_together(
    job: Job, waits: Account, service: Service, team: Team
) -> None:
    twin = makers.account(team, key="sk-test-0002")
    Account.objects.filter(pk=twin.pk).update(same_as=waits, reconcile_from=timezone.now() - AGO)
    Account.objects.filter(pk=waits.pk).update(reconcile_from=None)
    waits.refresh_from_db()
    assert reconcile.waiting() == [waits]
    reconcile.reconcile(waits)
    assert not Account.objects.filter(reconcile_from__isnull=False).exists()


def test_a_time_after_the_last_attempt_hides_no_task(job: Job, service: Service) -> None:
    visit(job)
    last = Attempt.objects.get().began_at
    restored.begin(last + timedelta(hours=1))
    assert Account.objects.get().reconcile_from == last - restored.BEFORE
    restored.begin(last - timedelta(hours=1))
    earlier = last - timedelta(hours=1) - restored.BEFORE
    assert Account.objects.get().reconcile_from == earlier, "an earlier one reaches further back"
    restored.begin()
    assert Account.objects.get().reconcile_from == earlier


# ── command and admin ─────────────────────────────────────────────────────────────────────────────


def test_the_command_lets_all_wait_and_compares_them(
    job: Job, account: Account, owner: User, service: Service
) -> None:
    out = StringIO()
    call_command("reconcile", "--begin", "--since", "2026-11-30T10:00", stdout=out)
    assert "1 connection waits for" in out.getvalue()
    with pytest.raises(CommandError, match="has not come yet"):
        call_command("reconcile", "--begin", "--since", "2126-01-01")
    call_command("reconcile", stdout=out)
    assert "compared; it sends again" in out.getvalue()
    call_command("reconcile", stdout=out)
    assert "No connection waits" in out.getvalue()
    with pytest.raises(CommandError, match="is no time"):
        call_command("reconcile", "--begin", "--since", "yesterday")


def test_staff_compare_in_the_admin(
    job: Job, waits: Account, service: Service, client: Browser
) -> None:
    User.objects.create_superuser("root@example.com", "a long password")
    client.login(username="root@example.com", password="a long password")
    service.made("wanx2.1-t2i-turbo", at=timezone.now() - AGO / 2)
    page = reverse("admin:jobs_account_changelist")
    listed = client.get(page, {"reconcile_from__isempty": "0"})
    assert waits.label in listed.content.decode()
    answer = client.post(
        page, {"action": "compare", "_selected_action": [waits.pk]}, follow=True
    ).content.decode()
    assert "is compared: 0 tasks imported, 0 jobs wait" in answer
    assert "not in the catalogue" in answer
    waits.refresh_from_db()
    assert waits.reconcile_from is None
    assert Lane.objects.get().next_visit_at is not None


def test_verify_names_tasks_that_are_in_no_row(
    job: Job, account: Account, service: Service
) -> None:
    line = service.made(at=timezone.now() - AGO)
    ours = visit(job)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify", "--service", stdout=out)
    assert f"Task {line.task_id} (emo-v1, PENDING" in out.getvalue()
    assert ours.task_id not in out.getvalue()
    service.pages = [NoAnswer("ReadTimeout")]
    with pytest.raises(SystemExit):
        call_command("verify", "--service", stdout=out)
    assert "could not be asked" in out.getvalue()
    assert fresh(job).state == State.RUNNING
