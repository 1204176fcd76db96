"""What each way in which a download ends is called, since the kind says whose fault it is and how
long it is tried."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError

from jobs import download
from jobs.common.states import State
from jobs.engine import result_download
from jobs.engine.result_download import Trouble
from jobs.models import Job
from studio.common.translatable import phrase
from studio.media import MediaError
from studio.media.decoders import DecoderEnded
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
WHY = phrase("The host said no.")
URL = "https://a.test/video.mp4"


@pytest.fixture
def job(team: Team, creator: User) -> Job:
    return makers.job(
        team, creator, state=State.ARCHIVING, task_id="task-1", result_url=URL, billed_units=4
    )


class Part(SimpleNamespace):
    """A part file of which everything is known."""

    proofs = 0

    def prove(self) -> None:
        self.proofs += 1


def part(**known: Any) -> Any:
    values = {"proven": False, "path": Path("video"), "announced": 100, "sha256": "d1"}
    return Part(**values | known)


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def fetch(url: str, _part: Any, **options: Any) -> Any:
        asked.append({"url": url, **options})
        raise error

    monkeypatch.setattr(download, "fetch", fetch)
    return asked


def stop() -> bool:
    return False


@pytest.mark.parametrize(
    ("error", "kind", "wait"),
    [
        (download.TooLarge(WHY), "content", None),
        (download.UnexpectedAnswer(WHY, 503, 7.0), "host", 7.0),
        (download.UnexpectedAnswer(WHY, 404), "host", None),
        (download.Interrupted(WHY), "host", None),
        (download.Unreachable(WHY), "host", None),
    ],
)
def test_what_the_host_does_is_its_fault(
    job: Job, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, wait: float | None
) -> None:
    asked = fails(monkeypatch, error)
    trouble = result_download.fetch_and_prove(job, part(), stop)
    assert trouble == Trouble(kind, WHY, wait)
    assert (trouble.fault, len(asked)) == ("service", 1)


@pytest.mark.parametrize(
    ("heard", "fresh", "kind", "tries"),
    [(False, False, "host", 1), (True, False, "address", 1), (True, True, "address", 2)],
)
def test_an_address_that_may_not_be_asked_has_one_more_chance(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    heard: bool,
    fresh: bool,
    kind: str,
    tries: int,
) -> None:
    asked = fails(monkeypatch, download.ForbiddenAddress(WHY))
    monkeypatch.setattr(result_download, "ask_for_address", lambda _job: (heard, fresh))
    assert result_download.fetch_and_prove(job, part(), stop) == Trouble(kind, WHY)
    assert len(asked) == tries


def test_a_download_has_an_hour_room_to_store_it_and_a_way_to_stop(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fails(monkeypatch, download.Interrupted(WHY))
    result_download.fetch_and_prove(job, part(), stop)
    (options,) = asked
    assert (options["url"], options["seconds"], options["stop"]) == (URL, 3600.0, stop)
    assert options["leave"](10) == 10 + 64 * 1024**2
    assert options["private_ok"] is False


def test_what_is_proven_is_neither_fetched_nor_proven_again(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fails(monkeypatch, download.Interrupted(WHY))
    whole = part(proven=True)
    assert result_download.fetch_and_prove(job, whole, stop) is None
    assert (asked, whole.proofs) == ([], 0)


# ── proven ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    done = SimpleNamespace(size=100, resumed_at=0)
    monkeypatch.setattr(download, "fetch", lambda *_args, **_options: done)


def plays(monkeypatch: pytest.MonkeyPatch, seconds: float | Exception) -> None:
    def verify(_path: Path) -> Any:
        if isinstance(seconds, Exception):
            raise seconds
        return SimpleNamespace(seconds=seconds)

    monkeypatch.setattr(result_download, "verify_video", verify)


@pytest.mark.parametrize(
    ("error", "kind", "fault", "said"),
    [
        (
            MediaError("broken", WHY),
            "content",
            "service",
            "What came is no whole video: The host said no.",
        ),
        (DecoderEnded("crashed", WHY), "ours", "ours", "The host said no."),
    ],
)
def test_a_decoder_that_died_says_nothing_of_the_video(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    fetched: None,
    error: Exception,
    kind: str,
    fault: str,
    said: str,
) -> None:
    plays(monkeypatch, error)
    video = part()
    trouble = result_download.fetch_and_prove(job, video, stop)
    assert trouble is not None
    assert (trouble.kind, trouble.fault, str(trouble.why)) == (kind, fault, said)
    assert video.proofs == 0


@pytest.mark.parametrize(
    ("seconds", "announced", "seen", "kept"),
    [
        (4.0, None, "", True),  # as long as billed
        (2.0, 100, "", True),  # shorter, and all that the host announced
        (6.0, None, "", True),  # longer: nothing was cut
        (2.0, None, "", False),
        (2.0, None, "d1", True),  # the same came twice
        (2.0, None, "d2", False),
    ],
)
def test_a_short_video_of_unknown_size_has_to_come_twice(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    fetched: None,
    seconds: float,
    announced: int | None,
    seen: str,
    kept: bool,
) -> None:
    plays(monkeypatch, seconds)
    if seen:
        job.events.create(team=job.team, new=State.ARCHIVING, text="…", data={"sha256": seen})
    video = part(announced=announced)
    trouble = result_download.fetch_and_prove(job, video, stop)
    assert (trouble is None, video.proofs) == (kept, int(kept))
    if trouble is not None:
        assert (trouble.kind, trouble.sha256) == ("content", "d1")
        assert "plays 2.00 s of the 4.00 s that were billed" in str(trouble.why)


# ── stored ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "full"), "the disk that it belongs on is full"),
        (OSError(5, "io"), "could not be stored (OSError)"),
        (ValueError("x"), "the storage did not take it (ValueError)"),
    ],
)
def test_a_video_that_could_not_be_stored_stays_fetched(
    job: Job, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    given: list[dict[str, Any]] = []

    def keep(path: Path, **options: Any) -> Any:
        given.append({"path": path, **options})
        raise error

    monkeypatch.setattr(result_download.file_store, "keep", keep)
    trouble = result_download.store(job, part())
    assert trouble is not None
    assert (trouble.kind, trouble.fault) == ("store", "ours")
    assert said in str(trouble.why)
    assert given == [
        {
            "path": Path("video"),
            "team": job.team,
            "owner": job.owner,
            "name": f"{job.title}.mp4",
            "origin": "result",
            "own": job.public_id,
        }
    ]


def test_a_store_without_a_database_is_no_trouble_of_the_video(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_args: Any, **_options: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(result_download.file_store, "keep", keep)
    with pytest.raises(DatabaseError):
        result_download.store(job, part())
