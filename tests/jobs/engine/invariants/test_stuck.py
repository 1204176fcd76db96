"""What is stuck, moves that no job may make, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from jobs.engine import invariants
from jobs.models import (
    Account,
    Job,
    JobEvent,
    Lane,
    PauseState,
)
from studio.models import Team
from tests.jobs.engine.invariants.findings import only

pytestmark = pytest.mark.django_db


def _ago(**length: float) -> Any:
    return timezone.now() - timedelta(**length)


def test_stuck_while_sending(site: dict[str, Job]) -> None:
    job = site["submitting"]
    Job.objects.filter(pk=job.pk).update(submitting_at=_ago(minutes=11))
    only(job.public_id, "nobody visits its queue")
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
    for _ in range(15):
        make("failed")
        make("succeeded", result=site["succeeded"].result)
    invariants.broken()  # what Django keeps of its content types is read once a process
    with django_assert_max_num_queries(33):
        assert invariants.broken() == []
