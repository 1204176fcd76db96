"""Bringing films home from a host that may cut, lie, refuse or forget."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from jobs import archive
from jobs.models import Job
from studio.models import Team, User
from tests import files, makers
from tests.service import Service, done

pytestmark = pytest.mark.django_db


class Host(ThreadingHTTPServer):
    daemon_threads = True
    status, film, announced, cut = 200, b"", -1, 0
    hits = 0


class Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.server.hits += 1
        film = self.server.film
        self.send_response(self.server.status)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(self.server.announced if self.server.announced >= 0 else len(film)))
        self.end_headers()
        self.wfile.write(film[: len(film) - self.server.cut])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host(("127.0.0.1", 0), Handler)
    server.film = files.mp4(1.0, fps=15)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def job(team: Team, creator: User, host: Host, service: Service) -> Job:
    url = f"http://127.0.0.1:{host.server_address[1]}/film.mp4?Signature=secret"
    service.gets = [lambda: done("t", url=url)] * 20
    return makers.job(
        team, creator, state="archiving", task_id="task-a", result_url=url, result_expires_at=timezone.now() + timedelta(hours=23), title="Welcome"
    )


def step(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(not_before=None)
    archive.step(job.pk)
    return Job.objects.get(pk=job.pk)


def test_a_whole_film_is_kept(job: Job, host: Host, team: Team) -> None:
    assert archive.due() == [job.pk]
    job = step(job)
    assert job.state == "succeeded"
    film = job.result
    assert (film.origin, film.kind, film.size, film.team) == ("result", "video", len(host.film), team)
    assert film.seconds == pytest.approx(1.0, abs=0.07)
    assert film.file.open("rb").read() == host.film
    assert job.result_url == "", "the signed address is forgotten"
    assert film.thumb


def test_twice_is_once(job: Job, host: Host) -> None:
    step(job)
    archive.step(job.pk)
    assert host.hits == 1


@pytest.mark.parametrize("how", ["cut", "status", "empty", "junk"])
def test_what_is_not_whole_is_fetched_again(job: Job, host: Host, how: str) -> None:
    film = host.film
    if how == "cut":
        host.cut = 500
    elif how == "status":
        host.status = 500
    elif how == "empty":
        host.film = b""
    else:
        host.film = b"<html>not a film</html>"
    job = step(job)
    assert job.state == "archiving"
    assert job.not_before > timezone.now()
    assert job.sentence
    assert archive.due() == []
    host.status, host.film, host.cut = 200, film, 0
    assert step(job).state == "succeeded"


def test_a_film_cut_at_the_service_with_a_true_length_is_not_taken(job: Job, host: Host) -> None:
    whole, host.film = host.film, host.film[: len(host.film) // 2]
    assert step(job).state == "archiving"
    host.film = whole
    assert step(job).state == "succeeded"


def test_what_never_is_a_film_fails_and_says_so(job: Job, host: Host) -> None:
    host.film = b"<html>never</html>"
    for _ in range(archive.HOPELESS):
        job = step(job)
    assert (job.state, job.code, job.fault) == ("failed", "bad-result", "service")
    assert job.result_url, "kept until it expires"


def test_after_a_day_it_is_lost_with_its_reason(job: Job, host: Host) -> None:
    host.status = 403
    Job.objects.filter(pk=job.pk).update(result_expires_at=timezone.now() - timedelta(minutes=1))
    job = step(job)
    assert (job.state, job.code) == ("failed", "archive-failed")


def test_somebody_else_is_at_it(job: Job, host: Host) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert archive.due() == []
    archive.step(job.pk)
    assert host.hits == 0


def test_only_http_is_fetched(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(result_url="file:///etc/passwd")
    assert step(job).state == "archiving"
