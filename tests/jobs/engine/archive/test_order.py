"""Who brings a video home, and the alarms before it is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone

from jobs.engine import archive, archive_lease, expiry
from jobs.models import Job
from studio.models import Team, User
from tests import makers
from tests.jobs.download.video_host import VideoHost, answer_with
from tests.jobs.engine.archive.archive_steps import aged, step

pytestmark = pytest.mark.django_db


# ── who brings it ─────────────────────────────────────────────────────────────────────────────────


def test_somebody_else_is_at_it(job: Job, host: VideoHost) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert archive.due() == []
    assert archive.step(job.pk) is False
    assert host.seen == []


def test_a_dead_workers_video_is_taken_up(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert step(job).state == "succeeded"


def test_a_video_is_claimed_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the video between our look and our claim."""
    real, theirs = archive_lease.Lease.take, []

    def late(pk: int) -> archive_lease.Lease | None:
        theirs.append(real(pk))
        return real(pk)

    monkeypatch.setattr(archive_lease.Lease, "take", late)
    assert archive_lease.Lease.take_most_urgent() is None
    assert theirs[0] is not None


def test_the_most_urgent_first(job: Job, team: Team, creator: User) -> None:
    made = {}
    for hours in (5, 1, 9):
        expires = timezone.now() + timedelta(hours=hours)
        made[hours] = makers.job(
            team,
            creator,
            account=job.account,
            state="archiving",
            task_id=f"task-{hours}",
            result_expires_at=expires,
        ).pk
    order = [made[1], made[5], made[9], job.pk]
    assert archive.due() == order
    leases = [archive_lease.Lease.take_most_urgent() for _ in range(5)]
    assert [lease.pk if lease else None for lease in leases] == [*order, None]


def test_a_lease_that_was_lost_moves_nothing(job: Job, host: VideoHost) -> None:
    """A worker that slept longer than its lease must not put back what another one has by now."""
    mine = archive_lease.Lease.take(job.pk)
    assert mine is not None
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    theirs = archive_lease.Lease.take(job.pk)
    assert theirs is not None
    mine.renew()
    assert mine.lost
    assert archive._bring(mine, lambda: False) is False
    assert host.seen == []
    mine.lost = False
    for answer in (answer_with(500), answer_with(403)):
        host.answers = [answer]
        assert archive._bring(mine, lambda: False) is False
        after = Job.objects.get(pk=job.pk)
        assert (after.state, after.lease_until) == ("archiving", theirs.until)
        aged(job, 25)
    theirs.renew()
    assert not theirs.lost


def test_a_lease_is_renewed(job: Job) -> None:
    lease = archive_lease.Lease.take(job.pk)
    assert lease is not None
    before = Job.objects.get(pk=job.pk).lease_until
    lease.renew()
    job = Job.objects.get(pk=job.pk)
    assert not lease.lost
    assert job.lease_until is not None
    assert before is not None
    assert job.lease_until > before


class Inline:
    """A pool that does the work at once in the same thread: SQLite's database in memory belongs to
    one connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def submit(self, what: Callable[..., bool], *args: Any) -> Future[bool]:
        done: Future[bool] = Future()
        done.set_result(what(*args))
        return done


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ThreadPoolExecutor", Inline)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(archive, "close_old_connections", lambda: None)


@pytest.fixture
def videos(job: Job, team: Team, creator: User, host: VideoHost) -> list[Job]:
    values: dict[str, Any] = {
        "state": "archiving",
        "result_url": host.url,
        "result_expires_at": timezone.now() + timedelta(hours=3),
    }
    return [
        job,
        *(
            makers.job(team, creator, account=job.account, task_id=f"task-{number}", **values)
            for number in range(4)
        ),
    ]


@pytest.mark.usefixtures("inline")
def test_work_goes_on_until_nothing_is_due(videos: list[Job], host: VideoHost) -> None:
    assert archive.work(20) == 5
    assert {job.state for job in Job.objects.all()} == {"succeeded"}
    assert archive.work(20) == 0


@pytest.mark.usefixtures("inline")
def test_work_ends_when_it_is_told_to(videos: list[Job], host: VideoHost) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    assert archive.work(20, stop=stop) == 2
    assert archive.work(0) == 0
    assert len(archive.due()) == 3


@pytest.mark.usefixtures("inline")
def test_one_video_in_trouble_does_not_hold_the_others_up(
    videos: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = archive._bring

    def bring(lease: archive_lease.Lease, stop: Callable[[], bool]) -> bool:
        if lease.pk == videos[1].pk:
            raise RuntimeError("database is away")
        return real(lease, stop)

    monkeypatch.setattr(archive, "_bring", bring)
    assert archive.work(20) == 4


@pytest.mark.usefixtures("inline")
def test_a_database_that_is_away_ends_no_video_under_way(
    videos: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = archive_lease.Lease.take_most_urgent, []

    def away() -> archive_lease.Lease | None:
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("terminating connection due to administrator command")
        return real()

    monkeypatch.setattr(archive_lease.Lease, "take_most_urgent", away)
    assert archive.work(20) == 5


def test_a_worker_that_leaves_puts_its_video_back(
    job: Job, host: VideoHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.download.connection.TICK", 0.01)
    hold = threading.Event()

    def slow(handler: Any) -> None:
        handler.whole(1000)
        handler.wfile.flush()
        hold.wait(10)

    host.answers = [slow]
    lease = archive_lease.Lease.take(job.pk)
    assert lease is not None
    assert archive._bring(lease, lambda: bool(host.seen)) is False
    hold.set()
    job = Job.objects.get(pk=job.pk)
    assert (job.state, job.tries, job.lease_until, job.sentence) == ("archiving", 0, None, "")
    assert archive.due() == [job.pk]
    assert step(job).state == "succeeded"


@pytest.mark.usefixtures("inline")
def test_videos_under_way_have_a_while_when_the_time_is_over(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut download costs a second connection; one that never ends keeps nobody waiting."""
    clock = [0.0]
    told_to_leave: list[Callable[[], bool]] = []
    seen: list[tuple[float, bool]] = []

    class Held(Inline):
        def submit(self, what: Callable[..., bool], *args: Any) -> Future[bool]:
            told_to_leave.append(args[1])
            return Future()

    def wait(running: set[Future[bool]], **_: Any) -> tuple[set[Future[bool]], set[Future[bool]]]:
        clock[0] += 5
        assert clock[0] < 200
        seen.append((clock[0], told_to_leave[0]()))
        if not seen[-1][1]:
            return set(), running
        for future in running:
            future.set_result(False)
        return running, set()

    monkeypatch.setattr(archive, "ThreadPoolExecutor", Held)
    monkeypatch.setattr(archive, "wait", wait)
    monkeypatch.setattr(archive, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert archive.work(20) == 0
    left = next(at for at, leaves in seen if leaves)
    assert 20 + archive.GRACE < left <= 20 + archive.GRACE + 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection",
)
def test_many_threads_and_workers_bring_each_video_once(videos: list[Job], host: VideoHost) -> None:
    homes: list[int] = []

    def run() -> None:
        homes.append(archive.work(30, threads=3))
        connection.close()

    workers = [threading.Thread(target=run) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(60)
    assert sum(homes) == 5
    assert len(host.seen) == 5
    assert {job.state for job in Job.objects.all()} == {"succeeded"}


# ── the countdown and the alarm ───────────────────────────────────────────────────────────────────


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Callable[[], int]:
    def alarm() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return expiry.alarm()

    return alarm


def test_left(job: Job) -> None:
    found = expiry.left(job)
    assert found is not None
    assert timedelta(hours=22, minutes=59) < found <= timedelta(hours=23)
    job.result_expires_at = timezone.now() - timedelta(hours=1)
    assert expiry.left(job) == timedelta(0)
    job.result_expires_at = None
    assert expiry.left(job) == pytest.approx(timedelta(hours=23), abs=timedelta(minutes=1))
    job.state = "succeeded"
    assert expiry.left(job) is None


def test_alarms_once_at_12_and_once_at_20_hours(
    job: Job, owner: User, admin: User, viewer: User, commits: Callable[[], int]
) -> None:
    aged(job, 11.9)
    assert commits() == 0
    assert expiry.endangered(job.team) == []
    aged(job, 12.1)
    Job.objects.filter(pk=job.pk).update(sentence="The studio’s disk is full.")
    assert [commits() for _ in range(3)] == [1, 0, 0]
    assert expiry.endangered(job.team) == [job]
    aged(job, 20.1)
    assert [commits() for _ in range(3)] == [1, 0, 0]
    job.refresh_from_db()
    assert (job.state, job.alarmed) == ("archiving", 20)
    assert [data["alarm"] for data in job.events.values_list("data", flat=True)] == [12, 20]
    assert sorted(letter.to for letter in mail.outbox) == [[owner.email]] * 2 + [[admin.email]] * 2
    assert "Welcome" in mail.outbox[0].subject
    assert "disk is full" in mail.outbox[0].body
    assert "12 hours" in mail.outbox[0].body
    assert "20 hours" in mail.outbox[2].body
    assert "secret" not in mail.outbox[0].body


def test_an_alarm_that_comes_late_is_one(job: Job, owner: User, commits: Callable[[], int]) -> None:
    aged(job, 21)
    assert commits() == 1
    assert commits() == 0
    assert (Job.objects.get(pk=job.pk).alarmed, len(mail.outbox)) == (20, 1)


def test_two_heartbeats_alarm_once(
    job: Job, owner: User, monkeypatch: pytest.MonkeyPatch, commits: Callable[[], int]
) -> None:
    aged(job, 13)
    real = expiry._note

    def twice(job: Job, hours: int) -> bool:
        """The other heartbeat has read the same row, and is faster."""
        other = Job.objects.select_related("team", "account").get(pk=job.pk)
        assert real(other, hours)
        return real(job, hours)

    monkeypatch.setattr(expiry, "_note", twice)
    assert commits() == 0
    assert job.events.filter(data__alarm=12).count() == 1


def test_a_job_that_moved_on_is_not_alarmed(
    job: Job, owner: User, monkeypatch: pytest.MonkeyPatch, commits: Callable[[], int]
) -> None:
    aged(job, 13)
    real = expiry._note

    def moved(job: Job, hours: int) -> bool:
        Job.objects.filter(pk=job.pk).update(state="succeeded")
        return real(job, hours)

    monkeypatch.setattr(expiry, "_note", moved)
    assert commits() == 0
    assert (Job.objects.get(pk=job.pk).alarmed, mail.outbox) == (0, [])


def test_many_videos_are_one_letter(
    videos: list[Job], owner: User, commits: Callable[[], int]
) -> None:
    for video in videos:
        aged(video, 13)
    assert commits() == 5
    assert len(mail.outbox) == 1
    assert "5 videos" in mail.outbox[0].subject
    for video in videos:
        assert video.title in mail.outbox[0].body


def test_who_has_to_decide_is_told_as_well(
    team: Team, creator: User, owner: User, commits: Callable[[], int]
) -> None:
    sent = timezone.now() - timedelta(hours=13)
    account = makers.account(team)
    undecided = makers.job(
        team,
        creator,
        account=account,
        state="uncertain",
        code="several-tasks",
        submitting_at=sent,
        title="Two tasks",
    )
    makers.job(
        team, creator, account=account, state="uncertain", code="no-answer", submitting_at=sent
    )
    assert commits() == 1
    assert commits() == 0
    undecided.refresh_from_db()
    assert (undecided.state, undecided.code, undecided.alarmed) == (
        "uncertain",
        "several-tasks",
        12,
    )
    assert "Two tasks" in mail.outbox[0].subject
    assert "decide" in mail.outbox[0].body
