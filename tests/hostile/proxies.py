"""A strict site behind nginx and behind Caddy, with the files of docs/proxies.md as they stand
there: `python -m tests.hostile.proxies`, as root, with both installed.

Runs in a network of its own (`unshare --net`), so that ports 80 and 443 are free and nothing leaves
the machine. Two things differ from a site on the internet: nginx's certificate signs itself, and
Caddy is told to make its own (`local_certs`). One JSON line for each proxy.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from tests.bench import stage

NAME = "studio.example.com"
PAGE = stage.ROOT / "docs" / "proxies.md"
CERTIFICATES = Path("/etc/ssl/footlight")


def block(language: str) -> str:
    """The fenced block of `language` in the page."""
    return str(re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)[0])


def environment() -> dict[str, str]:
    """What the page exports, with keys in the place of the dots."""
    found = dict(re.findall(r"([A-Z_]+)=(\S+)", block("sh").replace("#", "\n")))
    return found | {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": Fernet.generate_key().decode(),
    }


# ── the two proxies ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def nginx(folder: Path) -> Iterator[None]:
    """Debian's nginx.conf with the page's file in its place for it (a copy of the folder)."""
    made = not CERTIFICATES.exists()
    CERTIFICATES.mkdir(parents=True, exist_ok=True)
    try:
        if made:
            files = [CERTIFICATES / name for name in ("privkey.pem", "fullchain.pem")]
            words = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME}".split()
            subprocess.run(
                [*words, "-keyout", files[0], "-out", files[1]], check=True, capture_output=True
            )
        shutil.copytree("/etc/nginx", folder / "nginx", symlinks=True)
        conf = folder / "nginx" / "nginx.conf"
        (folder / "nginx" / "conf.d" / "footlight.conf").write_text(block("nginx"))
        conf.write_text(
            conf.read_text()
            .replace("/etc/nginx/", f"{folder}/nginx/")
            .replace("/run/nginx.pid", f"{folder}/nginx.pid")
        )
        with stage.running(["nginx", "-c", str(conf), "-g", "daemon off;"]):
            yield
    finally:
        if made:
            shutil.rmtree(CERTIFICATES)


@contextmanager
def caddy(folder: Path) -> Iterator[None]:
    file = folder / "Caddyfile"
    text = block("caddy")
    file.write_text(text.replace("{\n", "{\n    local_certs\n    skip_install_trust\n", 1))
    env = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("w") as log, stage.running(command, env=env, stderr=log):
        yield


# ── a visitor ─────────────────────────────────────────────────────────────────────────────────────


def line(source: str = "127.0.0.1") -> http.client.HTTPConnection:
    """A connection with TLS to the site's name, from a loopback address of one's own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", 443), 30, source_address=(source, 0))
    made = http.client.HTTPConnection(NAME, 443, timeout=30)
    made.sock = context.wrap_socket(plain, server_hostname=NAME)
    return made


def ask(
    method: str, path: str, *, source: str = "127.0.0.1", body: Any = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    one = line(source)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        one.request(method, path, body=body, headers=sent)
        answer = one.getresponse()
        return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        one.close()


def until(what: Callable[[], bool]) -> None:
    for _ in range(300):
        try:
            if what():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("it did not come to that within half a minute")


# ── what the page promises ────────────────────────────────────────────────────────────────────────


def tried(slug: str, cookie: str, other: str, folder: Path) -> dict[str, Any]:
    until(lambda: ask("GET", "/healthz")[0] == 200)
    status, page, headers = ask("GET", "/accounts/login/")
    assert (status, b"<form" in page) == (200, True)
    assert "secure" in headers["set-cookie"].lower()
    return {
        "page": status,
        **_upload_and_ranges(slug, cookie, folder),
        **_live(slug, cookie),
        **_addresses(slug, cookie, other),
        **_refusals(),
    }


def _upload_and_ranges(slug: str, cookie: str, folder: Path) -> dict[str, Any]:
    from tests import files

    video = files.big_mp4(folder, 200)
    began = time.monotonic()
    token = cookie.rpartition("csrftoken=")[2]
    with video.open("rb") as body:
        status, said, _ = ask(
            "PUT",
            f"/upload/{slug}/?name=video.mp4",
            body=body,
            Cookie=cookie,
            X_CSRFToken=token,
            Origin=f"https://{NAME}",
            Referer=f"https://{NAME}/",
            Content_Length=str(video.stat().st_size),
        )
    assert status in (200, 201), said
    took, path = time.monotonic() - began, json.loads(said)["file"]
    status, whole, _ = ask("GET", path.replace("original", "download"), Cookie=cookie)
    assert status == 200
    status, part, headers = ask("GET", path, Cookie=cookie, Range="bytes=1000000-1000999")
    assert (status, part) == (206, whole[1_000_000:1_001_000]), status
    assert headers["content-range"] == f"bytes 1000000-1000999/{len(whole)}"
    assert ask("GET", path)[0] in (302, 404), "nobody gets it without signing in"
    return {
        "upload_mb": video.stat().st_size // 1_000_000,
        "upload_s": took,
        "download_sha": hashlib.sha256(whole).hexdigest()[:12],
        "range": status,
    }


def _live(slug: str, cookie: str) -> dict[str, Any]:
    from jobs.common import wakeup

    one = line()
    one.request("GET", f"/live/{slug}/", headers={"Cookie": cookie})
    answer = one.getresponse()
    assert answer.status == 200, answer.read()
    while b"resumed" not in (said := answer.fp.readline()):
        assert said, "the stream ended"
    began = time.monotonic()
    wakeup.publish(slug, {"id": 7, "job": "j", "state": "running", "group": 1})
    while b"id: 7" not in answer.fp.readline():
        pass
    one.close()
    return {"event_ms": (time.monotonic() - began) * 1000}


def _addresses(slug: str, cookie: str, other: str) -> dict[str, Any]:
    """Three requests of one address may be under way (CONNECTIONS_PER_ADDRESS is 3 here): the
    fourth is refused whatever it writes into X-Forwarded-For, another address is not."""
    streams = []
    for _ in range(3):
        one = line("127.0.0.2")
        one.request("GET", f"/live/{slug}/", headers={"Cookie": cookie})
        answer = one.getresponse()
        assert answer.status == 200
        streams.append((one, answer))
    forged = {"X_Forwarded_For": "203.0.113.9"}
    seen = [
        ask("GET", "/healthz", source="127.0.0.2")[0],
        ask("GET", "/healthz", source="127.0.0.2", **forged)[0],
        ask("GET", "/healthz", source="127.0.0.3", Cookie=other)[0],
    ]
    assert seen == [429, 429, 200], seen
    for one, _answer in streams:
        one.close()
    until(lambda: ask("GET", "/healthz", source="127.0.0.2")[0] == 200)
    return {"addresses": seen}


def _refusals() -> dict[str, Any]:
    """A sign-in with 100 MB: the refusal comes long before they are sent."""
    one, sent = line(), [0]
    one.putrequest("POST", "/accounts/login/")
    one.putheader("Content-Length", str(100 * 1024 * 1024))
    one.endheaders()

    def send() -> None:
        with suppress(OSError):  # the other end stops reading
            for _ in range(1600):
                one.send(b"x" * 65536)
                sent[0] += 65536
                time.sleep(0.005)

    thread = threading.Thread(target=send)
    thread.start()
    status = one.getresponse().status
    thread.join(0.5)
    one.close()
    assert status in (401, 413), status
    assert sent[0] < 50 * 1024 * 1024, sent
    return {"large_sign_in": status, "sent_mb": sent[0] / 1e6}


def main() -> None:
    if "FOOTLIGHT_ALONE" not in os.environ:
        own = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        os.environ["FOOTLIGHT_ALONE"] = "1"
        os.execvp(own[0], [*own, sys.executable, "-m", "tests.hostile.proxies", *sys.argv[1:]])
    # One address may hold three, so that few are needed to see whose they are.
    more = {**environment(), "CONNECTIONS_PER_ADDRESS": "3"}
    with stage.site(redis=True, **more) as folder:
        from studio.models import Membership, User
        from tests.hostile.site import signed_in, started

        team, owner, _account = stage.company()
        other = User.objects.create_user("other@example.com", "correct horse")
        Membership.objects.create(team=team, user=other, role="viewer")
        cookies = signed_in(owner), signed_in(other)
        with started(folder, 8000):
            for proxy in (
                one for one in (nginx, caddy) if one.__name__ in (sys.argv[1:] or "nginx caddy")
            ):
                work = folder / proxy.__name__
                work.mkdir()
                with proxy(work):
                    stage.say(proxy=proxy.__name__, **tried(team.slug, *cookies, work))


if __name__ == "__main__":
    main()
