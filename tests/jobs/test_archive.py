"""Bringing films home from a host that may cut, lie, refuse or forget, onto disks and buckets that may be full or away."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection
from django.utils import timezone

from jobs import archive, fetching, insurance, money
from jobs.fetching import hosts
from jobs.models import Job, JobEvent, LedgerEntry
from jobs.modelstudio import NoAnswer
from jobs.states import Code
from studio.models import Team, User
from tests import files, makers
from tests.jobs.filmhost import FilmHost, cut_after, running, says
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db
PAGE = b"<!doctype html><html><title>404</title></html>"


@pytest.fixture
def host() -> Iterator[FilmHost]:
    with running(files.mp4(1.0, fps=15)) as made:
        yield made


@pytest.fixture
def base() -> str:
    """The service's own address: loopback, so films may be there too."""
    return "http://127.0.0.1:9/api/v1"


@pytest.fixture
def job(team: Team, creator: User, host: FilmHost, service: Service, base: str) -> Job:
    service.gets = [lambda: done("t", url=host.url)] * 40
    now = timezone.now()
    return makers.job(
        team,
        creator,
        account=makers.account(team, base),
        state="archiving",
        task_id="task-a",
        result_url=host.url,
        provider_ended_at=now - timedelta(hours=1),
        result_expires_at=now + timedelta(hours=23),
        title="Welcome",
    )


def step(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(not_before=None)
    archive.step(job.pk)
    return Job.objects.get(pk=job.pk)


def parts() -> list[str]:
    return sorted(path.name for path in archive.folder().iterdir())


def lines(job: Job) -> list[str]:
    return list(JobEvent.objects.filter(job=job).values_list("text", flat=True))


def aged(job: Job, hours: float) -> None:
    ended = timezone.now() - timedelta(hours=hours)
    Job.objects.filter(pk=job.pk).update(provider_ended_at=ended, result_expires_at=ended + timedelta(hours=24))


# ── home ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_whole_film_is_kept(job: Job, host: FilmHost, team: Team) -> None:
    assert archive.due() == [job.pk]
    job = step(job)
    assert job.state == "succeeded"
    film = job.result
    assert film is not None
    assert (film.origin, film.kind, film.size, film.team) == ("result", "video", len(host.film), team)
    assert film.seconds == pytest.approx(1.0, abs=0.07)
    assert film.file.open("rb").read() == host.film
    assert film.thumb
    assert job.result_url == "", "the signed address is forgotten"
    assert job.lease_until is None
    assert parts() == []


def test_twice_is_once(job: Job, host: FilmHost) -> None:
    step(job)
    assert archive.step(job.pk) is False
    assert len(host.seen) == 1


def test_what_was_cut_is_gone_on_with(job: Job, host: FilmHost) -> None:
    host.answers = [cut_after(1500)]
    job = step(job)
    assert job.state == "archiving"
    assert "1500 of" in job.sentence
    assert parts() == [f"{job.public_id}.json", f"{job.public_id}.part"]
    job = step(job)
    assert job.state == "succeeded"
    assert host.asked == ["", "bytes=1500-"]
    assert host.sent == len(host.film)
    assert job.sentence == ""


@pytest.mark.parametrize("how", [cut_after(500), says(500), says(200), says(200, PAGE), says(404), says(206, b"x")])
def test_what_is_not_whole_is_fetched_again(job: Job, how: Callable[..., None], host: FilmHost) -> None:
    host.answers = [how]
    job = step(job)
    assert job.state == "archiving"
    assert job.not_before is not None
    assert job.not_before > timezone.now()
    assert job.sentence
    assert "secret" not in job.sentence
    assert job.lease_until is None
    assert archive.due() == []
    assert step(job).state == "succeeded"


def test_a_host_that_asks_for_time_gets_it(job: Job, host: FilmHost) -> None:
    host.answers = [says(503, Retry_After="120")]
    job = step(job)
    assert job.not_before is not None
    assert job.not_before > timezone.now() + timedelta(seconds=110)


def test_a_film_cut_at_the_service_with_a_true_length_is_not_taken(job: Job, host: FilmHost) -> None:
    host.answers = [says(200, host.film[: len(host.film) // 2])]
    job = step(job)
    assert job.state == "archiving"
    assert parts() == [], "what is no film is not gone on with"
    assert step(job).state == "succeeded"


@pytest.mark.parametrize(("billed", "state"), [("13.930", "archiving"), ("1.600", "archiving"), ("1.400", "succeeded"), ("1.000", "succeeded")])
def test_a_film_shorter_than_billed_is_not_whole(job: Job, billed: str, state: str) -> None:
    Job.objects.filter(pk=job.pk).update(billed_units=Decimal(billed))
    job = step(job)
    assert job.state == state
    if state == "archiving":
        assert f"{Decimal(billed):.2f} s that were billed" in job.sentence


def test_five_percent_of_a_long_film_may_be_missing(job: Job, host: FilmHost) -> None:
    host.film = files.mp4(30.0, fps=5, width=64, height=64)
    Job.objects.filter(pk=job.pk).update(billed_units=Decimal("31.500"))
    assert step(job).state == "succeeded"


# ── never ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_never_is_a_film_fails_and_says_so(job: Job, host: FilmHost) -> None:
    host.film = PAGE
    for number in range(archive.HOPELESS):
        assert job.state == "archiving", number
        job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "bad-result", "service")
    assert "no whole film" in job.sentence
    assert "6 times" in job.sentence
    assert job.advice
    assert job.result_url == host.url, "kept until it expires"
    assert parts() == []


def test_only_whole_downloads_count(job: Job, host: FilmHost) -> None:
    """A bad day of the network is no reason to give a film up."""
    host.answers = [says(500)] * 8 + [says(200, PAGE)]
    for _ in range(9):
        job = step(job)
    assert job.state == "archiving"
    assert step(job).state == "succeeded"


def test_pauses_between_pages_grow(job: Job, host: FilmHost) -> None:
    host.film = PAGE
    waits = []
    for _ in range(archive.HOPELESS - 1):
        job = step(job)
        assert job.not_before is not None
        waits.append((job.not_before - timezone.now()).total_seconds())
    assert waits == sorted(waits)
    assert waits[-1] > 200


def test_a_fresh_address_is_asked_for(job: Job, host: FilmHost, service: Service) -> None:
    Job.objects.filter(pk=job.pk).update(result_url=host.url.replace("film.mp4", "old.mp4"))
    host.answers = [says(403)]
    assert step(job).state == "archiving"
    assert service.count("get") == 1
    assert step(job).state == "succeeded"
    assert host.paths[1].startswith("/film.mp4")


@pytest.mark.parametrize("base", ["https://dashscope.example.com/api/v1"])
def test_a_forbidden_address_is_never_asked_and_given_up_after_a_while(
    job: Job, host: FilmHost, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is asked for another, for twenty minutes: one odd answer of a name server is not the end of a paid film."""
    monkeypatch.setattr(hosts, "resolve", lambda name, port: {"dashscope.example.com": ["47.95.0.1"], "127.0.0.1": ["127.0.0.1"]}[name])
    assert step(job).state == "archiving"
    job.events.filter(new="archiving").update(at=timezone.now() - archive.ODD_ADDRESS)
    job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "bad-result", "service")
    assert "private network" in job.sentence
    assert service.count("get") >= 2
    assert host.seen == []
    assert job.result_url == host.url


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://me:hush@127.0.0.1/film.mp4", "http://169.254.169.254/film.mp4", ""])
def test_a_better_address_is_taken_at_once(job: Job, url: str) -> None:
    Job.objects.filter(pk=job.pk).update(result_url=url)
    assert step(job).state == "succeeded"


def test_a_forbidden_address_waits_for_a_service_that_does_not_answer(job: Job, service: Service) -> None:
    Job.objects.filter(pk=job.pk).update(result_url="file:///etc/passwd")
    service.gets = [NoAnswer(code="ReadTimeout"), NoAnswer(code="ReadTimeout"), *service.gets]
    assert step(job).state == "archiving"
    assert step(job).state == "succeeded"


def test_a_forbidden_address_and_a_task_that_is_forgotten(job: Job, service: Service) -> None:
    Job.objects.filter(pk=job.pk).update(result_url="file:///etc/passwd")
    service.gets = [task("task-a", "UNKNOWN")] * 6
    assert step(job).state == "archiving"
    job.events.filter(new="archiving").update(at=timezone.now() - archive.ODD_ADDRESS)
    assert step(job).code == Code.BAD_RESULT


# ── 24 hours ────────────────────────────────────────────────────────────────────────────────────────────────────────


def paid(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(settled_micros=money.settle(job, Decimal("1.000"), job.variant))


def test_after_a_day_it_is_lost_with_its_reason_and_stays_paid(job: Job, host: FilmHost) -> None:
    paid(job)
    host.answers = [says(500), says(403)]
    step(job)
    aged(job, 25)
    job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "archive-failed", "service")
    assert "403" in job.sentence
    assert job.settled_micros == 11_469
    assert set(LedgerEntry.objects.filter(job=job).values_list("kind", flat=True)) == {"hold", "settle"}


def test_it_is_our_fault_when_nobody_came_for_it(job: Job, host: FilmHost) -> None:
    host.answers = [says(403)]
    aged(job, 25)
    assert step(job).fault == "ours"


def test_it_is_our_fault_when_our_disk_was_full(job: Job, host: FilmHost, full_disk: None) -> None:
    assert "disk is full" in step(job).sentence
    aged(job, 24.5)
    assert step(job).state == "archiving", "the host still has it"
    host.answers = [says(403)]
    job = step(job)
    assert (job.code, job.fault) == ("archive-failed", "ours")


def test_a_film_that_is_still_there_after_a_day_is_taken(job: Job) -> None:
    aged(job, 25)
    assert step(job).state == "succeeded"


# ── our disk, our bucket ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)


def test_a_full_disk_is_waited_for(job: Job, host: FilmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 1000}))
        for _ in range(8):
            job = step(job)
    assert job.state == "archiving"
    assert "disk is full" in job.sentence
    assert sum("disk is full" in line for line in lines(job)) == 1, "one line, not one per try"
    assert step(job).state == "succeeded"


def test_a_bucket_that_is_away_costs_no_second_download(job: Job, host: FilmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> str:
        raise RuntimeError("EndpointConnectionError")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", away)
        for _ in range(4):
            job = step(job)
        aged(job, 24 * 9)
        job = step(job)
    assert job.state == "archiving", "a film that lies here is never given up"
    assert "fetched and proven" in job.sentence
    assert archive.sweep() == 0
    assert step(job).state == "succeeded"
    assert len(host.seen) == 1
    assert parts() == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_store_keeps_the_proven_film(job: Job, host: FilmHost, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        patch.setattr("studio.store.shutil.copyfile", full)
        job = step(job)
    assert ("is full" in job.sentence) == (number != errno.EIO)
    assert step(job).state == "succeeded"
    assert len(host.seen) == 1


def test_a_film_on_the_disk_of_another_worker_is_not_given_up(job: Job, host: FilmHost) -> None:
    """That worker could not store it yet, and here there is nothing but an address that has expired."""
    JobEvent.objects.create(team=job.team, job=job, new="archiving", text="stored?", data={"trouble": "store"})
    aged(job, 30)
    host.answers = [says(403)]
    assert step(job).state == "archiving"


def test_a_proven_film_is_proven_once(job: Job, host: FilmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", lambda *args, **kwargs: 1 / 0)
        job = step(job)
    monkeypatch.setattr(archive, "verify_video", lambda path: pytest.fail("decoded again"))
    assert step(job).state == "succeeded"


def test_a_proven_film_that_rots_is_fetched_again(job: Job, host: FilmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", lambda *args, **kwargs: 1 / 0)
        job = step(job)
    path = archive.folder() / f"{job.public_id}.part"
    path.write_bytes(b"\0" * path.stat().st_size)
    job = step(job)
    job = step(job) if job.state == "archiving" else job
    assert job.state == "succeeded"
    assert len(host.seen) == 2
    assert job.result is not None
    assert job.result.file.open("rb").read() == host.film


def test_parts_are_swept_when_nobody_needs_them(job: Job, host: FilmHost, team: Team, creator: User) -> None:
    host.answers = [cut_after(1000)]
    step(job)
    over = makers.job(team, creator, account=job.account, state="failed", task_id="task-b")
    old = makers.job(team, creator, account=job.account, state="archiving", task_id="task-c")
    for other in (over, old):
        (archive.folder() / f"{other.public_id}.part").write_bytes(b"x")
    os.utime(archive.folder() / f"{old.public_id}.part", (1, 1))
    assert archive.sweep() == 2
    assert parts() == [f"{job.public_id}.json", f"{job.public_id}.part"]
    with fetching.Part(archive.folder() / f"{job.public_id}.part").locked():
        Job.objects.filter(pk=job.pk).update(state="failed")
        assert archive.sweep() == 0, "somebody is at it"


# ── who brings it ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_else_is_at_it(job: Job, host: FilmHost) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert archive.due() == []
    assert archive.step(job.pk) is False
    assert host.seen == []


def test_a_dead_workers_film_is_taken_up(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert step(job).state == "succeeded"


def test_a_film_is_claimed_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the film between our look and our claim."""
    real, theirs = archive.Lease.take, []

    def late(pk: int) -> archive.Lease | None:
        theirs.append(real(pk))
        return real(pk)

    monkeypatch.setattr(archive.Lease, "take", late)
    assert archive.Lease.take_most_urgent() is None
    assert theirs[0] is not None


def test_the_most_urgent_first(job: Job, team: Team, creator: User) -> None:
    made = {}
    for hours in (5, 1, 9):
        expires = timezone.now() + timedelta(hours=hours)
        made[hours] = makers.job(team, creator, account=job.account, state="archiving", task_id=f"task-{hours}", result_expires_at=expires).pk
    order = [made[1], made[5], made[9], job.pk]
    assert archive.due() == order
    leases = [archive.Lease.take_most_urgent() for _ in range(5)]
    assert [lease.pk if lease else None for lease in leases] == [*order, None]


def test_a_lease_that_was_lost_moves_nothing(job: Job, host: FilmHost) -> None:
    """A worker that slept longer than its lease must not put back what another one has by now."""
    mine = archive.Lease.take(job.pk)
    assert mine is not None
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    theirs = archive.Lease.take(job.pk)
    assert theirs is not None
    mine.renew()
    assert mine.lost
    assert archive._bring(mine, lambda: False) is False
    assert host.seen == []
    mine.lost = False
    for answer in (says(500), says(403)):
        host.answers = [answer]
        assert archive._bring(mine, lambda: False) is False
        after = Job.objects.get(pk=job.pk)
        assert (after.state, after.lease_until) == ("archiving", theirs.until)
        aged(job, 25)
    theirs.renew()
    assert not theirs.lost


def test_a_lease_is_renewed(job: Job) -> None:
    lease = archive.Lease.take(job.pk)
    assert lease is not None
    before = Job.objects.get(pk=job.pk).lease_until
    lease.renew()
    job = Job.objects.get(pk=job.pk)
    assert not lease.lost
    assert job.lease_until is not None
    assert before is not None
    assert job.lease_until > before


class Inline:
    """A pool that does the work at once in the same thread: SQLite's database in memory belongs to one connection."""

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
def films(job: Job, team: Team, creator: User, host: FilmHost) -> list[Job]:
    values: dict[str, Any] = {"state": "archiving", "result_url": host.url, "result_expires_at": timezone.now() + timedelta(hours=3)}
    return [job, *(makers.job(team, creator, account=job.account, task_id=f"task-{number}", **values) for number in range(4))]


@pytest.mark.usefixtures("inline")
def test_work_goes_on_until_nothing_is_due(films: list[Job], host: FilmHost) -> None:
    assert archive.work(20) == 5
    assert {job.state for job in Job.objects.all()} == {"succeeded"}
    assert archive.work(20) == 0


@pytest.mark.usefixtures("inline")
def test_work_ends_when_it_is_told_to(films: list[Job], host: FilmHost) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    assert archive.work(20, stop=stop) == 2
    assert archive.work(0) == 0
    assert len(archive.due()) == 3


@pytest.mark.usefixtures("inline")
def test_one_film_in_trouble_does_not_hold_the_others_up(films: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    real = archive._bring

    def bring(lease: archive.Lease, stop: Callable[[], bool]) -> bool:
        if lease.pk == films[1].pk:
            raise RuntimeError("database is away")
        return real(lease, stop)

    monkeypatch.setattr(archive, "_bring", bring)
    assert archive.work(20) == 4


@pytest.mark.usefixtures("inline")
def test_a_database_that_is_away_ends_no_film_under_way(films: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = archive.Lease.take_most_urgent, []

    def away() -> archive.Lease | None:
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("terminating connection due to administrator command")
        return real()

    monkeypatch.setattr(archive.Lease, "take_most_urgent", away)
    assert archive.work(20) == 5


def test_a_worker_that_leaves_puts_its_film_back(job: Job, host: FilmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.fetching.connections.TICK", 0.01)
    hold = threading.Event()

    def slow(handler: Any) -> None:
        handler.whole(1000)
        handler.wfile.flush()
        hold.wait(10)

    host.answers = [slow]
    lease = archive.Lease.take(job.pk)
    assert lease is not None
    assert archive._bring(lease, lambda: bool(host.seen)) is False
    hold.set()
    job = Job.objects.get(pk=job.pk)
    assert (job.state, job.tries, job.lease_until, job.sentence) == ("archiving", 0, None, "")
    assert archive.due() == [job.pk]
    assert step(job).state == "succeeded"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection")
def test_many_threads_and_shifts_bring_each_film_once(films: list[Job], host: FilmHost) -> None:
    homes: list[int] = []

    def shift() -> None:
        homes.append(archive.work(30, threads=3))
        connection.close()

    shifts = [threading.Thread(target=shift) for _ in range(3)]
    for thread in shifts:
        thread.start()
    for thread in shifts:
        thread.join(60)
    assert sum(homes) == 5
    assert len(host.seen) == 5
    assert {job.state for job in Job.objects.all()} == {"succeeded"}


# ── the countdown and the alarm ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Callable[[], int]:
    def alarm() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return archive.alarm()

    return alarm


def test_left(job: Job) -> None:
    found = archive.left(job)
    assert found is not None
    assert timedelta(hours=22, minutes=59) < found <= timedelta(hours=23)
    job.result_expires_at = timezone.now() - timedelta(hours=1)
    assert archive.left(job) == timedelta(0)
    job.result_expires_at = None
    assert archive.left(job) == pytest.approx(timedelta(hours=23), abs=timedelta(minutes=1))
    job.state = "succeeded"
    assert archive.left(job) is None


def test_alarms_once_at_12_and_once_at_20_hours(job: Job, owner: User, admin: User, viewer: User, commits: Callable[[], int]) -> None:
    aged(job, 11.9)
    assert commits() == 0
    assert archive.endangered(job.team) == []
    aged(job, 12.1)
    Job.objects.filter(pk=job.pk).update(sentence="The studio’s disk is full.")
    assert [commits() for _ in range(3)] == [1, 0, 0]
    assert archive.endangered(job.team) == [job]
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


def test_two_heartbeats_alarm_once(job: Job, owner: User, monkeypatch: pytest.MonkeyPatch, commits: Callable[[], int]) -> None:
    aged(job, 13)
    real = insurance._note

    def twice(job: Job, hours: int) -> bool:
        """The other heartbeat has read the same row, and is faster."""
        other = Job.objects.select_related("team", "account").get(pk=job.pk)
        assert real(other, hours)
        return real(job, hours)

    monkeypatch.setattr(insurance, "_note", twice)
    assert commits() == 0
    assert job.events.filter(data__alarm=12).count() == 1


def test_a_job_that_moved_on_is_not_alarmed(job: Job, owner: User, monkeypatch: pytest.MonkeyPatch, commits: Callable[[], int]) -> None:
    aged(job, 13)
    real = insurance._note

    def moved(job: Job, hours: int) -> bool:
        Job.objects.filter(pk=job.pk).update(state="succeeded")
        return real(job, hours)

    monkeypatch.setattr(insurance, "_note", moved)
    assert commits() == 0
    assert (Job.objects.get(pk=job.pk).alarmed, mail.outbox) == (0, [])


def test_many_films_are_one_letter(films: list[Job], owner: User, commits: Callable[[], int]) -> None:
    for film in films:
        aged(film, 13)
    assert commits() == 5
    assert len(mail.outbox) == 1
    assert "5 films" in mail.outbox[0].subject
    for film in films:
        assert film.title in mail.outbox[0].body


def test_who_has_to_decide_is_told_as_well(team: Team, creator: User, owner: User, commits: Callable[[], int]) -> None:
    sent = timezone.now() - timedelta(hours=13)
    account = makers.account(team)
    undecided = makers.job(team, creator, account=account, state="uncertain", code="several-tasks", submitting_at=sent, title="Two tasks")
    makers.job(team, creator, account=account, state="uncertain", code="no-answer", submitting_at=sent)
    assert commits() == 1
    assert commits() == 0
    undecided.refresh_from_db()
    assert (undecided.state, undecided.code, undecided.alarmed) == ("uncertain", "several-tasks", 12)
    assert "Two tasks" in mail.outbox[0].subject
    assert "decide" in mail.outbox[0].body
