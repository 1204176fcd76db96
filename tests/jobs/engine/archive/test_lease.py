"""Who may bring a video home, from which moment to which; and where it is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.accounts import clients
from jobs.accounts.clients import NoKey
from jobs.common.errors import Moved
from jobs.common.states import State
from jobs.engine import archive, result_download
from jobs.engine.archive_lease import Lease, ready
from jobs.models import Account, Job
from jobs.modelstudio import NoAnswer
from studio.common.leases import LEASE
from studio.common.translatable import phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db
INSTANT, NOTHING = timedelta(microseconds=1), timedelta(0)
URL = "https://a.test/video.mp4"


@pytest.fixture
def job(team: Team, creator: User, account: Account, noon: datetime) -> Job:
    return makers.job(
        team, creator, state=State.ARCHIVING, attempt=1, task_id="task-1", result_url=URL
    )


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({}, True),
        ({"not_before": NOTHING}, True),
        ({"not_before": INSTANT}, False),
        ({"lease_until": -INSTANT}, True),
        ({"lease_until": NOTHING}, False),
        ({"not_before": -INSTANT, "lease_until": INSTANT}, False),
        ({"not_before": INSTANT, "lease_until": -INSTANT}, False),
        ({"state": State.RUNNING}, False),
        ({"state": State.SUCCEEDED}, False),
    ],
)
def test_when_a_video_is_due(job: Job, noon: datetime, fields: dict[str, Any], due: bool) -> None:
    values = {
        name: noon + value if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }
    Job.objects.filter(pk=job.pk).update(**values)
    assert list(ready(noon)) == archive_due(job, due)
    assert archive.due() == ([job.pk] if due else [])
    before = columns(job)
    lease = Lease.take(job.pk)
    assert (lease is not None) is due
    assert changed(before, job) == ({"lease_until": noon + LEASE} if due else {})


def archive_due(job: Job, due: bool) -> list[Job]:
    return [job] if due else []


def test_a_lease_is_of_one_video_and_of_one_worker(job: Job, team: Team, creator: User) -> None:
    other = makers.job(team, creator, state=State.ARCHIVING)
    lease = Lease.take(job.pk)
    assert lease is not None
    assert (lease.pk, lease.lost) == (job.pk, False)
    assert Lease.take(job.pk) is None
    job.refresh_from_db()
    assert lease.until == job.lease_until
    assert columns(other)["lease_until"] is None


def test_the_video_that_expires_first_is_taken_first(
    job: Job, team: Team, creator: User, noon: datetime
) -> None:
    """One whose end nobody knows may expire at any moment."""
    later, unknown = (makers.job(team, creator, state=State.ARCHIVING) for _ in range(2))
    for one, hours in ((later, 5), (job, 3)):
        at = noon + timedelta(hours=hours)
        Job.objects.filter(pk=one.pk).update(result_expires_at=at)
    assert archive.due() == [unknown.pk, job.pk, later.pk]
    taken = [Lease.take_most_urgent() for _ in range(4)]
    assert [lease and lease.pk for lease in taken] == [unknown.pk, job.pk, later.pk, None]


def test_a_lease_that_is_renewed_goes_on_from_now(
    job: Job, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease.take(job.pk)
    assert lease is not None
    other = makers.job(job.team, job.owner, state=State.ARCHIVING, lease_until=lease.until)
    later = noon + timedelta(seconds=20)
    monkeypatch.setattr("studio.common.clock.now", lambda: later)
    lease.renew()
    job.refresh_from_db()
    assert (lease.until, job.lease_until, lease.lost) == (later + LEASE, later + LEASE, False)
    other.refresh_from_db()
    assert other.lease_until == noon + LEASE


@pytest.mark.parametrize("lost", [{"lease_until": None}, {"state": State.FAILED}])
def test_a_lease_that_was_lost_is_neither_renewed_nor_given_back(
    job: Job, noon: datetime, lost: dict[str, Any]
) -> None:
    lease = Lease.take(job.pk)
    assert lease is not None
    until = lease.until
    Job.objects.filter(pk=job.pk).update(**lost)
    before = columns(job)
    lease.renew()
    assert (lease.lost, lease.until) == (True, until)
    with pytest.raises(Moved, match=str(job.pk)):
        lease.give_back(tries=9)
    assert changed(before, job) == {}


def test_a_lease_is_given_back_with_what_was_found(job: Job, team: Team, creator: User) -> None:
    """Another video whose lease ends at the same moment keeps it."""
    other = makers.job(team, creator, state=State.ARCHIVING)
    lease = Lease.take(job.pk)
    assert lease is not None
    Job.objects.filter(pk=other.pk).update(lease_until=lease.until)
    other.refresh_from_db()
    untouched = columns(other)
    before = columns(job)
    lease.give_back(tries=3)
    assert changed(before, job) == {"lease_until": None, "tries": 3}
    assert changed(untouched, other) == {}


# ── a fresh address ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("found", "kept", "other"),
    [
        (URL, URL, False),
        (f"{URL}?Signature=2", f"{URL}?Signature=2", False),
        ("https://b.test/video.mp4", "https://b.test/video.mp4", True),
        ("", URL, False),
    ],
)
def test_the_service_is_asked_where_the_video_is(
    job: Job, service: Service, found: str, kept: str, other: bool
) -> None:
    """With another signature it is the same address, which is no other chance."""
    service.gets = [done("task-1", url=found) if found else task("task-1", "UNKNOWN")]
    before = columns(job)
    assert result_download.ask_for_address(job) == (True, other)
    assert (job.result_url, service.asked) == (kept, [("get", "task-1")])
    assert service.paces == [(job.account.root_id, "query")]
    assert changed(before, job) == ({"result_url": kept} if kept != URL else {})


@pytest.mark.parametrize("moved", [{"state": State.FAILED}, {"attempt": 2}])
def test_the_address_of_an_older_task_is_not_written(
    job: Job, service: Service, moved: dict[str, Any]
) -> None:
    service.gets = [done("task-1", url="https://b.test/video.mp4")]
    Job.objects.filter(pk=job.pk).update(**moved)
    before = columns(job)
    result_download.ask_for_address(job)
    assert changed(before, job) == {}


def test_a_service_that_does_not_answer_says_nothing(
    job: Job, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.gets = [NoAnswer(message="cut")]
    assert result_download.ask_for_address(job) == (False, False)

    def keyless(account: Account) -> Any:
        raise NoKey(phrase("No key."))

    monkeypatch.setattr(clients, "client_for", keyless)
    assert result_download.ask_for_address(job) == (False, False)
    assert job.result_url == URL
