"""The invariants: a site made by the real money and files holds; every promise is then broken
behind everybody's back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from jobs.billing import append_only, balances, ledger
from jobs.engine import checks, invariants, invariants_results
from jobs.models import (
    Account,
    Attempt,
    Budget,
    Check,
    Job,
    JobEvent,
    Lane,
    LedgerEntry,
    PauseState,
)
from studio.models import Team, User
from tests import files, makers

pytestmark = pytest.mark.django_db
PATHS: dict[str, tuple[str, ...]] = {
    "queued": ("queued",),
    "submitting": ("queued", "submitting"),
    "uncertain": ("queued", "submitting", "uncertain"),
    "running": ("queued", "submitting", "running"),
    "archiving": ("queued", "submitting", "running", "archiving"),
    "succeeded": ("queued", "submitting", "running", "archiving", "succeeded"),
    "failed": ("queued", "submitting", "running", "failed"),
    "canceled": ("queued", "canceled"),
}


@pytest.fixture(scope="session")
def film() -> bytes:
    return files.mp4(1.0, fps=25)


@pytest.fixture
def make(team: Team, creator: User, account: Account, film: bytes) -> Callable[..., Job]:
    """A job in any state, with everything that belongs to it there."""

    def made(state: str = "queued", path: tuple[str, ...] = (), **columns: Any) -> Job:
        now = timezone.now()
        if state in ("running", "archiving", "succeeded", "failed"):
            columns = {
                "task_id": f"task-{Job.objects.count()}",
                "submitted_at": now,
                "next_look_at": now,
            } | columns
        if state == "archiving":
            columns = {"result_expires_at": now + timedelta(hours=20)} | columns
        if state == "succeeded" and "result" not in columns:
            columns["result"] = makers.asset(
                team, "video", content=film + str(Job.objects.count()).encode()
            )
        job = makers.job(team, creator, account=account, state=state, **columns)
        if state in ("archiving", "succeeded"):
            Job.objects.filter(pk=job.pk).update(
                settled_micros=ledger.settle(job, Decimal("3.930"), job.variant)
            )
        elif state in ("failed", "canceled"):
            ledger.release(job)
        steps = path or PATHS[state]
        JobEvent.objects.bulk_create(
            JobEvent(team=team, job=job, old=old, new=new, text=new)
            for old, new in zip(("", *steps), steps, strict=False)
        )
        if job.task_id:
            Attempt.objects.create(job=job, number=1, began_at=now, task_id=job.task_id)
        job.refresh_from_db()
        return job

    return made


@pytest.fixture
def site(make: Callable[..., Job], team: Team, creator: User, account: Account) -> dict[str, Job]:
    found = {state: make(state) for state in PATHS}
    check = makers.check(makers.asset(team), account, state=Check.State.ASKING)
    with transaction.atomic():
        ledger.hold(check, checks.price(check.model, account), team, creator)
    Budget.objects.create(team=team, micros=10_000_000)
    return found


def only(*parts: str) -> str:
    """The one broken sentence; it must say all of `parts`."""
    found = invariants.broken()
    assert len(found) == 1, found
    for part in parts:
        assert part in found[0]
    return found[0]


def raw(sql: str, *values: Any, recount: bool = True) -> None:
    """Past the guard of the ledger, and with balances that fit what is left: the sums of what is
    wrong are right."""
    append_only.unprotect(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    append_only.protect(connection)
    if recount:
        balances.recount()


def entry(job: Job, kind: str) -> LedgerEntry:
    return LedgerEntry.objects.get(job=job, kind=kind)


def test_an_untouched_site_holds(site: dict[str, Job]) -> None:
    found = invariants.report()
    assert found.broken == []
    assert found.checked["jobs"] == len(PATHS)
    assert found.checked["results"] == 1
    assert found.checked["settlements"] == 2
    assert found.checked["open jobs"] == 5
    assert found.checked["events"] == sum(len(path) for path in PATHS.values())


def test_an_empty_site_holds(db: object) -> None:
    assert invariants.broken() == []


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_task_in_the_attempt_of_another_job(site: dict[str, Job]) -> None:
    taken = site["running"].task_id
    Attempt.objects.filter(job=site["running"]).delete()
    Attempt.objects.create(job=site["failed"], number=2, began_at=timezone.now(), task_id=taken)
    only(
        taken,
        "2 jobs",
        site["running"].public_id,
        site["failed"].public_id,
    )


def test_a_task_of_two_jobs_when_the_constraint_is_gone(site: dict[str, Job]) -> None:
    raw("DROP INDEX one_job_per_task")
    Attempt.objects.all().delete()
    Job.objects.filter(pk=site["running"].pk).update(task_id=site["failed"].task_id)
    only(site["failed"].task_id, "2 jobs", site["running"].public_id)


# ── holds ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled", "archiving"])
def test_an_ended_job_that_holds(site: dict[str, Job], state: str) -> None:
    end = "settle" if state in ("succeeded", "archiving") else "release"
    raw(
        "UPDATE jobs_ledgerentry SET held = held + 7 WHERE id = %s",
        entry(site[state], end).pk,
    )
    only(site[state].public_id, state, "still holds 7 millionths USD")


def test_a_job_that_ended_without_its_release(site: dict[str, Job]) -> None:
    raw(
        "DELETE FROM jobs_ledgerentry WHERE id = %s",
        entry(site["failed"], "release").pk,
    )
    only(
        site["failed"].public_id,
        "failed",
        f"still holds {site['failed'].quote_micros}",
    )


@pytest.mark.parametrize("state", ["queued", "submitting", "uncertain", "running"])
def test_an_open_job_whose_hold_was_given_back(site: dict[str, Job], state: str) -> None:
    ledger.release(site[state])
    only(site[state].public_id, state, "holds 0 of the")


def test_an_open_job_that_holds_something_else_than_its_quote(
    site: dict[str, Job],
) -> None:
    Job.objects.filter(pk=site["queued"].pk).update(quote_micros=1)
    only(site["queued"].public_id, "its quote is 1")


def test_an_adopted_job_holds_nothing(make: Callable[..., Job]) -> None:
    job = make("running", path=("running",), adopted=True)
    only(job.public_id, "its quote is 0")
    raw("UPDATE jobs_ledgerentry SET held = 0 WHERE job_id = %s", job.pk)
    assert invariants.broken() == []


def test_a_job_without_a_hold(site: dict[str, Job]) -> None:
    raw("DELETE FROM jobs_ledgerentry WHERE job_id = %s", site["queued"].pk)
    only(site["queued"].public_id, "has 0 holds")


def test_a_job_released_and_settled(site: dict[str, Job]) -> None:
    done = entry(site["succeeded"], "settle")
    columns = (
        "team_id, member_id, job_id, kind, attempt, held, settled, currency, model, price_id, "
        "month, note, created_at"
    )
    raw(
        f"INSERT INTO jobs_ledgerentry ({columns}) SELECT team_id, member_id, job_id, 'release', "
        "1, 0, 0, currency, model, price_id, month, '', created_at "
        "FROM jobs_ledgerentry WHERE id = %s",
        done.pk,
    )
    only(site["succeeded"].public_id, "both released and settled")


def test_a_job_that_was_never_settled(site: dict[str, Job]) -> None:
    raw(
        "UPDATE jobs_ledgerentry SET kind = 'release', settled = 0 WHERE id = %s",
        entry(site["succeeded"], "settle").pk,
    )
    Job.objects.filter(pk=site["succeeded"].pk).update(settled_micros=None)
    only(site["succeeded"].public_id, "never settled")


def test_a_job_that_says_another_cost(site: dict[str, Job]) -> None:
    Job.objects.filter(pk=site["succeeded"].pk).update(settled_micros=5)
    only(
        site["succeeded"].public_id,
        "cost 5",
        str(entry(site["succeeded"], "settle").settled),
    )


def test_a_check_that_ended_and_holds(site: dict[str, Job]) -> None:
    Check.objects.update(state=Check.State.PASSED)
    only("Check", "passed", "still holds 574")


def test_a_check_that_waits_and_holds_nothing(site: dict[str, Job]) -> None:
    ledger.release(Check.objects.get())
    only("Check", "asking", "holds 0 of the 574")


def test_a_check_released_and_settled(site: dict[str, Job]) -> None:
    check = Check.objects.get()
    ledger.settle(check, Decimal(1), "")
    Check.objects.update(state=Check.State.PASSED)
    assert invariants.broken() == []
    first = LedgerEntry.objects.get(check_asked=check, kind="settle")
    columns = (
        "team_id, member_id, check_asked_id, kind, attempt, held, settled, currency, model, "
        "price_id, month, note, created_at"
    )
    raw(
        f"INSERT INTO jobs_ledgerentry ({columns}) SELECT team_id, member_id, check_asked_id, "
        "'release', 1, 0, 0, currency, model, price_id, month, '', "
        "created_at FROM jobs_ledgerentry WHERE id = %s",
        first.pk,
    )
    only("Attempt 1 of check", "both released and settled")


# ── settlements ───────────────────────────────────────────────────────────────────────────────────
def test_a_settlement_that_is_not_its_units(site: dict[str, Job]) -> None:
    done = entry(site["succeeded"], "settle")
    raw("UPDATE jobs_ledgerentry SET settled = settled + 1 WHERE id = %s", done.pk)
    Job.objects.filter(pk=site["succeeded"].pk).update(settled_micros=done.settled + 1)
    only(
        site["succeeded"].public_id,
        f"settles {done.settled + 1}",
        f"are {done.settled}",
    )


@pytest.mark.parametrize(
    ("column", "word"), [("units", "without units"), ("price_id", "without a price")]
)
def test_a_settlement_that_cannot_be_checked(site: dict[str, Job], column: str, word: str) -> None:
    raw(
        f"UPDATE jobs_ledgerentry SET {column} = NULL WHERE id = %s",
        entry(site["succeeded"], "settle").pk,
    )
    only(site["succeeded"].public_id, word)


# ── budgets ───────────────────────────────────────────────────────────────────────────────────────
def test_more_was_taken_than_a_limit_allows(
    site: dict[str, Job], make: Callable[..., Job], team: Team
) -> None:
    job = make("queued")
    Budget.objects.filter(team=team).update(micros=100)  # as if the hold had not looked
    only(str(team), "100 millionths", job.public_id)


def test_a_member_s_limit(
    site: dict[str, Job],
    make: Callable[..., Job],
    team: Team,
    creator: User,
    admin: User,
) -> None:
    budgets = [
        Budget.objects.create(team=team, member=who, micros=1_000_000_000)
        for who in (creator, admin)
    ]
    make("queued")
    Budget.objects.filter(pk__in=[budget.pk for budget in budgets]).update(micros=100)
    only(creator.email, "100 millionths")


def test_a_limit_that_was_set_or_changed_later_breaks_nothing(
    site: dict[str, Job], team: Team, owner: User
) -> None:
    budget = Budget.objects.get()
    Budget.objects.update(micros=1)  # all that is held was taken before the limit was there
    assert invariants.broken() == []
    Budget.objects.update(created_at=timezone.now() - timedelta(days=40))
    assert len(invariants.broken()) == 1
    kind = ContentType.objects.get_for_model(Budget)
    LogEntry.objects.create(
        user=owner,
        content_type=kind,
        object_id=str(budget.pk),
        action_flag=CHANGE,
        change_message="[]",
    )
    assert invariants.broken() == []


def test_a_bill_larger_than_its_hold_is_no_breach(make: Callable[..., Job], team: Team) -> None:
    budget = Budget.objects.create(team=team, micros=10_000_000)
    job = make("running")
    paid = ledger.settle(job, Decimal("400"), job.variant)
    Job.objects.filter(pk=job.pk).update(
        settled_micros=paid,
        state="archiving",
        result_expires_at=timezone.now() + timedelta(hours=1),
    )
    JobEvent.objects.create(team=team, job=job, old="running", new="archiving", text="x")
    later = make("queued")
    Budget.objects.filter(pk=budget.pk).update(
        micros=paid
    )  # as if the overrun had left no room for the later one
    assert paid > later.quote_micros
    assert invariants.broken() == []


# ── films ─────────────────────────────────────────────────────────────────────────────────────────
def _path(job: Job) -> Path:
    assert job.result is not None
    return Path(default_storage.path(str(job.result.file.name)))


def test_a_film_that_is_gone(site: dict[str, Job]) -> None:
    _path(site["succeeded"]).unlink()
    only(site["succeeded"].public_id, "is not in the storage")


def test_a_film_that_is_cut(site: dict[str, Job]) -> None:
    content = _path(site["succeeded"]).read_bytes()
    _path(site["succeeded"]).write_bytes(content[:-5])
    only(
        site["succeeded"].public_id,
        f"has {len(content) - 5} bytes instead of {len(content)}",
    )


def test_a_film_with_a_flipped_bit(site: dict[str, Job]) -> None:
    content = bytearray(_path(site["succeeded"]).read_bytes())
    content[len(content) // 2] ^= 1
    _path(site["succeeded"]).write_bytes(content)
    only(site["succeeded"].public_id, "other bytes")


def test_deep_plays_films_to_their_end(make: Callable[..., Job], team: Team, film: bytes) -> None:
    good = make("succeeded", result=makers.asset(team, "video", content=film))
    assert invariants.broken(deep=True) == []
    bad = make("succeeded", result=makers.asset(team, "video", content=files.truncated(film)))
    assert invariants.broken() == []  # as archived, byte for byte
    found = invariants.broken(deep=True)
    assert len(found) == 1
    assert bad.public_id in found[0]
    assert "cannot be played to its end" in found[0]
    assert good.public_id not in found[0]


def test_success_without_a_film_or_a_template(
    site: dict[str, Job], make: Callable[..., Job], team: Team, account: Account
) -> None:
    Job.objects.filter(pk=site["succeeded"].pk).update(result=None)
    only(site["succeeded"].public_id, "has no film")
    Job.objects.filter(pk=site["succeeded"].pk).update(state="failed", result=None)
    JobEvent.objects.filter(job=site["succeeded"], new="succeeded").update(new="failed")
    template = make(
        "succeeded",
        path=("queued", "submitting", "running", "succeeded"),
        model="animate-anyone-template-gen2",
        result=None,
    )
    only(template.public_id, "has no template")
    Job.objects.filter(pk=template.pk).update(template=makers.template(team, account))
    assert invariants.broken() == []


def test_a_storage_that_fails_is_said_and_hides_nothing(
    site: dict[str, Job], make: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("succeeded")

    class Away:
        def size(self, name: str) -> int:
            raise ConnectionError("bucket")

    monkeypatch.setattr(invariants_results, "default_storage", Away())
    found = invariants.broken()
    assert len(found) == 2
    assert all("cannot be read (ConnectionError)" in sentence for sentence in found)


# ── stuck ─────────────────────────────────────────────────────────────────────────────────────────
def _ago(**length: float) -> Any:
    return timezone.now() - timedelta(**length)


def test_stuck_while_sending(site: dict[str, Job]) -> None:
    job = site["submitting"]
    Job.objects.filter(pk=job.pk).update(submitting_at=_ago(minutes=11))
    only(job.public_id, "nobody visits its lane")
    Lane.objects.filter(pk=job.lane_id).update(lease_until=timezone.now() + timedelta(minutes=5))
    assert invariants.broken() == []
    Lane.objects.filter(pk=job.lane_id).update(lease_until=_ago(minutes=1))
    Job.objects.filter(pk=job.pk).update(submitting_at=_ago(minutes=9))
    assert invariants.broken() == []


@pytest.mark.parametrize("due", ["next", "never"])
def test_a_task_that_nobody_looks_at(site: dict[str, Job], due: str) -> None:
    job = site["running"]
    when = (
        {"next_look_at": _ago(minutes=61)}
        if due == "next"
        else {"next_look_at": None, "looked_at": None, "submitted_at": _ago(minutes=61)}
    )
    Job.objects.filter(pk=job.pk).update(**when)
    only(job.public_id, job.task_id, "should have been looked at")
    Lane.objects.filter(pk=job.lane_id).update(pause_state=PauseState.PAUSED)
    assert invariants.broken() == []
    Lane.objects.filter(pk=job.lane_id).update(pause_state=PauseState.OPEN)
    Account.objects.filter(pk=job.account_id).update(
        paused_until=timezone.now() + timedelta(hours=1)
    )
    assert invariants.broken() == []


def test_archiving_past_the_expiry(site: dict[str, Job]) -> None:
    Job.objects.filter(pk=site["archiving"].pk).update(result_expires_at=_ago(minutes=11))
    only(site["archiving"].public_id, "expired")


def test_a_lane_that_is_forgotten(make: Callable[..., Job]) -> None:
    job = make("running")
    Lane.objects.filter(pk=job.lane_id).update(next_visit_at=None)
    only(job.public_id, "not to be visited again")
    Lane.objects.filter(pk=job.lane_id).update(last_visit_at=timezone.now())
    assert invariants.broken() == []


def test_a_job_that_waits_for_its_template_needs_no_visit(make: Callable[..., Job]) -> None:
    job = make("queued", code="needs-template")
    Lane.objects.filter(pk=job.lane_id).update(next_visit_at=None)
    assert invariants.broken() == []


# ── events ────────────────────────────────────────────────────────────────────────────────────────
def test_a_missing_event(site: dict[str, Job]) -> None:
    JobEvent.objects.get(job=site["running"], new="submitting").delete()
    only(site["running"].public_id, "leaves submitting although the job was queued")


def test_a_move_that_no_job_may_do(site: dict[str, Job]) -> None:
    JobEvent.objects.filter(job=site["canceled"], new="canceled").update(new="succeeded")
    Job.objects.filter(pk=site["canceled"].pk).update(
        state="succeeded", result=site["succeeded"].result
    )
    found = invariants.broken()
    assert any("queued → succeeded, which no job may do" in sentence for sentence in found)


def test_a_state_that_was_written_outside_of_transitions(
    site: dict[str, Job],
) -> None:
    Job.objects.filter(pk=site["running"].pk).update(state="uncertain")
    only(site["running"].public_id, "is uncertain, and its last event says running")


def test_a_job_without_events(site: dict[str, Job]) -> None:
    JobEvent.objects.filter(job=site["queued"]).delete()
    only(site["queued"].public_id, "has no events")


def test_notes_do_not_move_and_retries_may_go_back(
    site: dict[str, Job], make: Callable[..., Job], team: Team
) -> None:
    JobEvent.objects.create(
        team=team,
        job=site["running"],
        old="",
        new="running",
        text="The service says RUNNING",
    )
    make(
        "running",
        path=("queued", "submitting", "running", "queued", "submitting", "uncertain", "running"),
    )
    assert invariants.broken() == []
    JobEvent.objects.create(team=team, job=site["queued"], old="", new="running", text="?")
    found = invariants.broken()
    assert any("notes running although the job was queued" in sentence for sentence in found)


# ── the command ───────────────────────────────────────────────────────────────────────────────────
def test_the_command(site: dict[str, Job], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify")
    assert "8 jobs" in capsys.readouterr().out
    JobEvent.objects.filter(job=site["queued"]).delete()
    with pytest.raises(SystemExit) as ended:
        call_command("verify")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert f"Job {site['queued'].public_id} has no events." in said
    assert said.rstrip().endswith("1 broken.")
    with pytest.raises(SystemExit):
        call_command("verify", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["whole"] is False
    assert found["broken"] == [f"Job {site['queued'].public_id} has no events."]
    assert found["checked"]["jobs"] == 8


def test_the_number_of_statements_does_not_grow(
    site: dict[str, Job], make: Callable[..., Job], django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        make("failed")
        make("succeeded", result=site["succeeded"].result)
    with django_assert_max_num_queries(25):
        assert invariants.broken() == []
