"""A site to attack: people who are signed in, a large file, the web process, and an honest visitor
whose pages are timed."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import stage

if TYPE_CHECKING:
    from studio.models import Team, User

LARGE = 50 * 1024 * 1024  # bytes of the file that slow readers ask for


@dataclass
class Target:
    """The site under attack. `cookies` are those of its people."""

    port: int
    pid: int
    cookies: list[str]
    paths: dict[str, str]

    @property
    def memory(self) -> float:
        """Resident megabytes of the web process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def target(people: int = 40, **environment: str) -> Iterator[Target]:
    """A started site with `people` creators of one team."""
    with stage.site(redis=True, PYTHONUNBUFFERED="1", **environment) as folder:
        team, cookies, path = _filled(people)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with started(folder, port) as process:
            paths = {
                "file": path,
                "form": f"/t/{team.slug}/library/upload/",
                "upload": f"/upload/{team.slug}/",
                "live": f"/live/{team.slug}/",
                "board": f"/t/{team.slug}/",
                "library": f"/t/{team.slug}/library/",
            }
            yield Target(port, process.pid, cookies, paths)


@contextmanager
def started(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The web process of the present site, from when it answers; it must not log a traceback."""
    from django.conf import settings

    command = [sys.executable, "manage.py", "web", "--port", str(port)]
    with (
        (folder / "web.log").open("w") as log,
        stage.running(command, stdout=log, stderr=log) as process,
    ):
        _until_it_answers(port, settings.ALLOWED_HOSTS[0])
        yield process
        said = (folder / "web.log").read_text()
        assert "Traceback" not in said, said[-3000:]


def _filled(people: int) -> tuple[Team, list[str], str]:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.urls import reverse

    from studio.models import Membership, Role, User
    from tests import makers

    team, owner, _account = stage.company()
    asset = makers.asset(team, "video", thumb="", owner=owner)
    default_storage.save("large.mp4", ContentFile(os.urandom(1024 * 1024) * (LARGE // 1024**2)))
    asset.file.name, asset.size = "large.mp4", LARGE
    asset.save(update_fields=["file", "size"])
    cookies = []
    for number in range(people):
        user = User.objects.create_user(f"p{number}@example.com")
        Membership.objects.create(team=team, user=user, role=Role.CREATOR)
        cookies.append(signed_in(user))
    return team, cookies, reverse("asset_file", args=[team.slug, asset.public_id, "download"])


def signed_in(user: User) -> str:
    """The cookies of a new session of `user`."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}; csrftoken={secrets.token_hex(16)}"


def _until_it_answers(port: int, host: str) -> None:
    for _ in range(600):
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", "/healthz", headers={"Host": host})
            if line.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web process does not answer within a minute")


# ── an honest visitor ─────────────────────────────────────────────────────────────────────────────


def visit(site: Target, seconds: float) -> dict[str, Any]:
    """Look at pages one after the other for `seconds`: how many a second, their median and p95 and
    those of /healthz in milliseconds, and how many answers were not 200."""
    pages: list[float] = []
    health: list[float] = []
    wrong = 0
    end = time.monotonic() + seconds
    line = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    order = [site.paths["board"], site.paths["library"], "/accounts/login/", "/healthz"]
    while time.monotonic() < end:
        for path in order:
            began = time.monotonic()
            try:
                cookie = {} if path == "/accounts/login/" else {"Cookie": site.cookies[0]}
                line.request("GET", path, headers=cookie)
                answer = line.getresponse()
                answer.read()
                wrong += answer.status != 200
            except OSError:
                wrong += 1
                line.close()
            (health if path == "/healthz" else pages).append((time.monotonic() - began) * 1000)
            time.sleep(0.02)
    line.close()
    return {
        "pages": len(pages),
        "median": stage.percentile(pages, 50),
        "p95": stage.percentile(pages, 95),
        "healthz_p95": stage.percentile(health, 95),
        "healthz_max": max(health),
        "wrong": wrong,
    }


@contextmanager
def under_attack(site: Target, kind: str, count: int) -> Iterator[dict[str, Any]]:
    """`count` clients of the kind are there; what became of them stands in the value at the end."""
    told: dict[str, Any] = {}
    command = [sys.executable, "-m", "tests.hostile.attackers", str(site.port), kind, str(count)]
    with stage.running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"cookies": site.cookies, "paths": site.paths}) + "\n")
        process.stdin.flush()
        assert stage.line(process) == "ready"
        yield told
        process.stdin.close()
        told.update(json.loads(stage.line(process)))
