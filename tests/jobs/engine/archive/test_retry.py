"""What becomes of a video that did not come home, case by case: the pause, what is written, and the
moment at which it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jobs.common.errors import Moved
from jobs.common.states import Code, Fault, Group, State
from jobs.engine import archive_retry, result_download, retry, transitions
from jobs.engine.archive_lease import Lease
from jobs.engine.archive_retry import HOPELESS, NO_VIDEO_PAUSES, ODD_ADDRESS, STUBBORN
from jobs.engine.result_download import PARTS_STAY, Trouble
from jobs.models import Job
from studio.common.translatable import moment, phrase
from studio.models import Team, User
from tests import makers
from tests.jobs.rows import changed, columns

pytestmark = pytest.mark.django_db
WHY, INSTANT = phrase("The host is busy."), timedelta(microseconds=1)


@pytest.fixture
def job(team: Team, creator: User, noon: datetime) -> Job:
    return makers.job(
        team,
        creator,
        state=State.ARCHIVING,
        code="x",
        task_id="task-1",
        result_url="https://a.test/video.mp4",
        tries=2,
        provider_ended_at=noon - timedelta(hours=1),
        result_expires_at=noon + timedelta(hours=23),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Jobs for which the service was asked for a fresh address."""
    found: list[Job] = []
    monkeypatch.setattr(archive_retry, "ask_for_address", found.append)
    monkeypatch.setattr(retry, "backoff", lambda tries: 10.0 * tries)
    return found


def again(job: Job, trouble: Trouble) -> Job:
    Job.objects.filter(pk=job.pk).update(not_before=None, lease_until=None)
    lease = Lease.take(job.pk)
    assert lease is not None
    job.refresh_from_db()
    archive_retry.again(job, lease, trouble)
    job.refresh_from_db()
    return job


def before_this(job: Job, *troubles: tuple[str, timedelta], noon: datetime) -> None:
    """Troubles that the history tells of: the kind, and how long ago."""
    for kind, ago in troubles:
        event = job.events.create(
            team=job.team, old="", new=State.ARCHIVING, text=WHY, data={"trouble": kind}
        )
        job.events.filter(pk=event.pk).update(at=noon - ago)


# ── tried again ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "wait", "seconds", "fresh"),
    [
        ("host", None, 30, True),
        ("host", 29, 30, True),
        ("host", 31, 31, True),
        ("host", 601, 600, True),
        ("address", None, 30, True),
        ("content", None, NO_VIDEO_PAUSES[0], True),
        ("disk", None, 30, False),
        ("store", None, 30, False),
        ("ours", None, 30, False),
    ],
)
def test_it_is_tried_again_after_a_pause(
    job: Job,
    noon: datetime,
    asked: list[Job],
    kind: str,
    wait: float | None,
    seconds: float,
    fresh: bool,
) -> None:
    """A fresh address is asked for when the old one may be to blame."""
    before = columns(job)
    again(job, Trouble(kind, WHY, wait))
    assert changed(before, job) == {
        "tries": 3,
        "not_before": noon + timedelta(seconds=seconds),
        "sentence": WHY,
    }
    assert asked == ([job] if fresh else [])
    event = job.events.get()
    assert (event.old, event.new, event.code) == ("", State.ARCHIVING, "x")
    assert str(event.text) == "The host is busy. It is tried again"
    assert event.data == {"trouble": kind, "try": 3}


def test_the_same_trouble_is_one_line_of_the_history(
    job: Job, noon: datetime, asked: list[Job]
) -> None:
    for kind, lines in (("host", 1), ("host", 1), ("disk", 2), ("disk", 2), ("host", 3)):
        again(job, Trouble(kind, WHY))
        assert job.events.count() == lines
    assert job.tries == 7


def test_each_file_that_is_no_video_is_a_line_with_its_digest(
    job: Job, noon: datetime, asked: list[Job]
) -> None:
    for number, pause in enumerate([*NO_VIDEO_PAUSES, NO_VIDEO_PAUSES[-1]], 1):
        again(job, Trouble("content", WHY, sha256=f"digest-{number}"))
        assert job.not_before == noon + timedelta(seconds=pause)
        assert job.events.count() == number
        data = {"trouble": "content", "try": 2 + number, "sha256": f"digest-{number}"}
        assert job.events.last().data == data


def test_only_files_that_were_no_video_lengthen_their_pause(
    job: Job, noon: datetime, asked: list[Job]
) -> None:
    before_this(job, ("host", STUBBORN), ("content", STUBBORN), ("disk", STUBBORN), noon=noon)
    again(job, Trouble("content", WHY))
    assert job.not_before == noon + timedelta(seconds=NO_VIDEO_PAUSES[1])


def test_who_lost_the_lease_writes_nothing(job: Job, asked: list[Job]) -> None:
    lease = Lease.take(job.pk)
    assert lease is not None
    Job.objects.filter(pk=job.pk).update(lease_until=lease.until + timedelta(seconds=1))
    before = columns(job)
    with pytest.raises(Moved):
        archive_retry.again(job, lease, Trouble("host", WHY))
    assert (changed(before, job), job.events.count()) == ({}, 0)


# ── given up ──────────────────────────────────────────────────────────────────────────────────────


def given_up(job: Job, noon: datetime, code: Code, provider_code: str, fault: Fault) -> None:
    row = columns(job)
    assert (row["state"], row["code"], row["group"]) == (State.FAILED, code, Group.FAILED)
    assert (row["provider_code"], row["fault"]) == (provider_code, fault)
    assert (row["finished_at"], row["lease_until"]) == (noon, None)
    assert row["result_url"], "staff may look at it while it lives"
    assert str(row["advice"])


@pytest.mark.parametrize(
    ("ago", "up"), [(ODD_ADDRESS, True), (ODD_ADDRESS - INSTANT, False), (None, False)]
)
def test_an_address_that_may_not_be_asked_is_given_up_after_a_while(
    job: Job, noon: datetime, asked: list[Job], ago: timedelta | None, up: bool
) -> None:
    before_this(job, ("host", timedelta(hours=1)), noon=noon)
    if ago is not None:
        before_this(job, ("address", ago), ("address", timedelta(0)), noon=noon)
    again(job, Trouble("address", WHY))
    assert (job.state == State.FAILED) is up
    if up:
        given_up(job, noon, Code.BAD_RESULT, "ResultForbidden", Fault.SERVICE)
        assert str(job.sentence) == "The host is busy."
        assert "look at what is there until" in job.advice
        assert moment(noon + timedelta(hours=23), "day time") in job.advice


@pytest.mark.parametrize(
    ("kind", "times", "ago", "up"),
    [
        ("content", HOPELESS - 1, STUBBORN, True),
        ("content", HOPELESS - 2, STUBBORN, False),
        ("content", HOPELESS - 1, STUBBORN - INSTANT, False),
        ("host", HOPELESS - 1, STUBBORN, False),
    ],
)
def test_whole_files_that_keep_being_no_video_are_given_up(
    job: Job, noon: datetime, asked: list[Job], kind: str, times: int, ago: timedelta, up: bool
) -> None:
    """By hand it can be downloaded six times in a minute; that ends nothing."""
    before_this(job, ("content", ago), *[("content", timedelta(0))] * (times - 1), noon=noon)
    again(job, Trouble(kind, WHY))
    assert (job.state == State.FAILED) is up
    if up:
        given_up(job, noon, Code.BAD_RESULT, "ResultNotAVideo", Fault.SERVICE)
        assert str(job.sentence) == f"The host is busy. It was fetched {HOPELESS} times."
        assert moment(noon + timedelta(hours=23), "day time") in job.advice


def expired(job: Job, noon: datetime, ago: timedelta) -> None:
    Job.objects.filter(pk=job.pk).update(
        provider_ended_at=noon - ago - timedelta(hours=24), result_expires_at=noon - ago
    )


@pytest.mark.parametrize(
    ("kind", "history", "ago", "up"),
    [
        ("host", ["host"], timedelta(0), True),
        ("host", ["host"], -INSTANT, False),
        ("content", ["host"], timedelta(0), True),
        ("ours", ["host"], timedelta(0), True),
        ("disk", ["host"], PARTS_STAY - INSTANT, False),
        ("disk", ["host"], PARTS_STAY, True),
        ("host", ["store"], PARTS_STAY - INSTANT, False),
        ("host", ["store"], PARTS_STAY, True),
        ("store", ["host"], timedelta(days=90), False),
        ("store", ["store"], timedelta(days=90), False),
    ],
)
def test_when_the_services_copy_is_gone(
    job: Job,
    noon: datetime,
    asked: list[Job],
    kind: str,
    history: list[str],
    ago: timedelta,
    up: bool,
) -> None:
    """What lies on a disk of ours has longer; what lies proven on this one is never given up."""
    before_this(job, *[(one, timedelta(hours=1)) for one in history], noon=noon)
    expired(job, noon, ago)
    again(job, Trouble(kind, WHY))
    assert (job.state == State.FAILED) is up
    if up:
        assert (job.code, job.provider_code) == (Code.ARCHIVE_FAILED, "ResultExpired")
        assert str(job.sentence).endswith("it never came home. The host is busy.")
        assert "Make it again" in job.advice


@pytest.mark.parametrize(
    ("kind", "history", "fault"),
    [
        ("host", ["host"], Fault.SERVICE),
        ("content", ["host", "address"], Fault.SERVICE),
        ("host", [], Fault.OURS),
        ("ours", ["host"], Fault.OURS),
        ("host", ["disk", "host"], Fault.OURS),
        ("host", ["ours", "host"], Fault.OURS),
    ],
)
def test_it_is_ours_when_we_could_not_keep_it_or_never_came(
    job: Job, noon: datetime, asked: list[Job], kind: str, history: list[str], fault: Fault
) -> None:
    before_this(job, *[(one, timedelta(hours=1)) for one in history], noon=noon)
    expired(job, noon, timedelta(0))
    again(job, Trouble(kind, WHY))
    given_up(job, noon, Code.ARCHIVE_FAILED, "ResultExpired", fault)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("host", "service"), ("address", "service"), ("content", "service")]
    + [(kind, "ours") for kind in sorted(result_download.OURS)],
)
def test_whose_trouble_it_is(kind: str, fault: str) -> None:
    assert Trouble(kind, WHY).fault == fault


def test_a_video_that_is_given_up_stays_paid(job: Job, noon: datetime, asked: list[Job]) -> None:

    transitions.settlement(job, Decimal(4), "1:1", phrase("Billed."))()
    expired(job, noon, timedelta(0))
    again(job, Trouble("host", WHY))
    entries: list[Any] = sorted(job.ledger.values_list("kind", flat=True))
    assert entries == ["hold", "settle"]
