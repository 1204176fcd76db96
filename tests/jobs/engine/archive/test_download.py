"""Videos that come home, and those that never do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.common import address_check
from jobs.common.states import Code
from jobs.engine import archive, archive_retry, transitions
from jobs.models import Account, Job
from jobs.modelstudio import NoAnswer
from studio.models import Team, User
from tests import makers
from tests.jobs.download.video_host import VideoHost, answer_with, cut_after
from tests.jobs.engine.archive.archive_steps import PAGE, parts, step
from tests.service import Service, done, task

pytestmark = pytest.mark.django_db


# ── home ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_whole_video_is_kept(job: Job, host: VideoHost, team: Team) -> None:
    assert archive.due() == [job.pk]
    job = step(job)
    assert job.state == "succeeded"
    video = job.result
    assert video is not None
    assert (video.origin, video.kind, video.size, video.team) == (
        "result",
        "video",
        len(host.video),
        team,
    )
    assert video.seconds == pytest.approx(1.0, abs=0.07)
    assert video.file.open("rb").read() == host.video
    assert video.thumb
    assert job.result_url == "", "the signed address is forgotten"
    assert job.lease_until is None
    assert parts() == []


def test_twice_is_once(job: Job, host: VideoHost) -> None:
    step(job)
    assert archive.step(job.pk) is False
    assert len(host.seen) == 1


def test_the_same_video_of_two_jobs_is_two_rows_with_their_names(
    job: Job, host: VideoHost, team: Team, creator: User
) -> None:
    """A simulator, or a service, may answer two wishes with the same bytes."""
    columns = ("provider_ended_at", "result_url", "result_expires_at", "state")
    other = makers.job(
        team,
        creator,
        account=job.account,
        task_id="task-b",
        title="Farewell",
        **{name: getattr(job, name) for name in columns},
    )
    one, two = step(job).result, step(other).result
    assert one is not None
    assert two is not None
    assert one.sha256 == two.sha256
    assert [one.name, two.name] == ["Welcome.mp4", "Farewell.mp4"]
    assert one.file.name != two.file.name, "what happens to one does not touch the other"
    assert one.thumb.name != two.thumb.name


def test_a_result_that_was_kept_before_a_crash_is_not_kept_twice(
    job: Job, host: VideoHost, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(transitions, "archived", lambda *_: (_ for _ in ()).throw(OSError))
        step(job)
    assert team.assets.filter(origin="result").count() == 1
    assert step(job).state == "succeeded"
    assert team.assets.filter(origin="result").count() == 1


def test_what_was_cut_is_gone_on_with(job: Job, host: VideoHost) -> None:
    host.answers = [cut_after(1500)]
    job = step(job)
    assert job.state == "archiving"
    assert "1500 of" in job.sentence
    assert parts() == [f"{job.public_id}.json", f"{job.public_id}.part"]
    job = step(job)
    assert job.state == "succeeded"
    assert host.asked == ["", "bytes=1500-"]
    assert host.sent == len(host.video)
    assert job.sentence == ""


@pytest.mark.parametrize(
    "how",
    [
        cut_after(500),
        answer_with(500),
        answer_with(200),
        answer_with(200, PAGE),
        answer_with(404),
        answer_with(206, b"x"),
    ],
)
def test_what_is_not_whole_is_fetched_again(
    job: Job, how: Callable[..., None], host: VideoHost
) -> None:
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


def test_a_host_that_asks_for_time_gets_it(job: Job, host: VideoHost) -> None:
    host.answers = [answer_with(503, Retry_After="120")]
    job = step(job)
    assert job.not_before is not None
    assert job.not_before > timezone.now() + timedelta(seconds=110)


def test_a_video_cut_at_the_service_with_a_true_length_is_not_taken(
    job: Job, host: VideoHost
) -> None:
    host.answers = [answer_with(200, host.video[: len(host.video) // 2])]
    job = step(job)
    assert job.state == "archiving"
    assert parts() == [], "what is no video is not gone on with"
    assert step(job).state == "succeeded"


# ── never ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_never_is_a_video_fails_and_says_so(job: Job, host: VideoHost) -> None:
    host.video = PAGE
    for number in range(archive_retry.HOPELESS):
        assert job.state == "archiving", number
        job = step(job)
    assert job.state == "archiving", "a person who presses often must not use its tries up"
    job.events.filter(new="archiving").update(at=timezone.now() - archive_retry.STUBBORN)
    job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "bad-result", "service")
    assert "no whole video" in job.sentence
    assert "7 times" in job.sentence
    assert job.advice
    assert job.result_url == host.url, "kept until it expires"
    assert parts() == []


def test_only_whole_downloads_count(job: Job, host: VideoHost) -> None:
    """A bad day of the network is no reason to give a video up."""
    host.answers = [answer_with(500)] * 8 + [answer_with(200, PAGE)]
    for _ in range(9):
        job = step(job)
    assert job.state == "archiving"
    assert step(job).state == "succeeded"


def test_pauses_between_pages_grow(job: Job, host: VideoHost) -> None:
    host.video = PAGE
    waits = []
    for _ in range(archive_retry.HOPELESS - 1):
        job = step(job)
        assert job.not_before is not None
        waits.append((job.not_before - timezone.now()).total_seconds())
    assert waits == sorted(waits)
    assert waits[-1] > 200


def test_a_fresh_address_is_asked_for(job: Job, host: VideoHost, service: Service) -> None:
    Job.objects.filter(pk=job.pk).update(result_url=host.url.replace("video.mp4", "old.mp4"))
    host.answers = [answer_with(403)]
    assert step(job).state == "archiving"
    assert service.count("get") == 1
    assert step(job).state == "succeeded"
    assert host.paths[1].startswith("/video.mp4")


@pytest.mark.parametrize("base", ["https://dashscope.example.com/api/v1"])
def test_a_forbidden_address_is_never_asked_and_given_up_after_a_while(
    job: Job, host: VideoHost, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is asked for another, for twenty minutes: one odd answer of a name server is not
    the end of a paid video."""
    monkeypatch.setattr(
        address_check,
        "resolve",
        lambda name, port: {"dashscope.example.com": ["47.95.0.1"], "127.0.0.1": ["127.0.0.1"]}[
            name
        ],
    )
    assert step(job).state == "archiving"
    job.events.filter(new="archiving").update(at=timezone.now() - archive_retry.ODD_ADDRESS)
    job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "bad-result", "service")
    assert "private network" in job.sentence
    assert service.count("get") >= 2
    assert host.seen == []
    assert job.result_url == host.url


def test_a_service_that_staff_did_not_allow_sends_nobody_inside(
    job: Job, host: VideoHost, service: Service
) -> None:
    """Its own address leads to this machine as well, since its name server says so now."""
    Account.objects.update(private_network=False)
    job = step(job)
    assert job.state == "archiving"
    inside = job.sentence
    Job.objects.filter(pk=job.pk).update(result_url="https://127.0.0.1.nobody.invalid/video.mp4")
    service.gets = [lambda: done("t", url="https://127.0.0.1.nobody.invalid/video.mp4")] * 40
    unknown = step(job).sentence
    assert inside.replace("127.0.0.1", "…") == unknown.replace("127.0.0.1.nobody.invalid", "…")
    assert host.seen == []


def test_a_simulator_that_the_site_names_may_give_from_inside(
    job: Job, host: VideoHost, settings: Any
) -> None:
    settings.MODELSTUDIO_URL = "http://127.0.0.1:9/api/v1"
    Account.objects.update(private_network=False, base_url="")
    assert step(job).state == "succeeded"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://me:hush@127.0.0.1/video.mp4",
        "http://169.254.169.254/video.mp4",
        "",
    ],
)
def test_a_better_address_is_taken_at_once(job: Job, url: str) -> None:
    Job.objects.filter(pk=job.pk).update(result_url=url)
    assert step(job).state == "succeeded"


def test_a_forbidden_address_waits_for_a_service_that_does_not_answer(
    job: Job, service: Service
) -> None:
    Job.objects.filter(pk=job.pk).update(result_url="file:///etc/passwd")
    service.gets = [NoAnswer(code="ReadTimeout"), NoAnswer(code="ReadTimeout"), *service.gets]
    assert step(job).state == "archiving"
    assert step(job).state == "succeeded"


def test_a_forbidden_address_and_a_task_that_is_forgotten(job: Job, service: Service) -> None:
    Job.objects.filter(pk=job.pk).update(result_url="file:///etc/passwd")
    service.gets = [task("task-a", "UNKNOWN")] * 6
    assert step(job).state == "archiving"
    job.events.filter(new="archiving").update(at=timezone.now() - archive_retry.ODD_ADDRESS)
    assert step(job).code == Code.BAD_RESULT
