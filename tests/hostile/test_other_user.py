"""Another user of the machine reads and runs nothing of a running site, and no secret of it stands
in an output, in Redis, in the database or on a command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet
from redis import Redis

from studio.local.ports import any_free_port

ROOT = Path(__file__).resolve().parents[2]
# Words that stand for secrets, and nowhere else.
CANARIES = {
    "SECRET_KEY": "canary-secret-key-7Qm2vX9pL4sT8wZ1yB6nD3fG5hJ0kR",
    "FIELD_KEYS": Fernet.generate_key().decode(),
    "DASHSCOPE_API_KEY": "sk-canary0000111122223333",
    "METRICS_TOKEN": "canary-metrics-token-4711",
    "EMAIL_URL": "smtp://me:canary-mail-password@127.0.0.1:1",
}
SECRETS = [value for name, value in CANARIES.items() if name != "EMAIL_URL"]
SECRETS.append("canary-mail-password")
LONG = "a-folder-with-a-name-that-is-too-long-for-a-socket-" * 2

# With a socket; by hand (see fuzz.py) also with a password, of which tests/studio/local has a test.
FOLDERS = ["data", LONG] if "FUZZ_INPUTS" in os.environ else ["data"]


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A DATA_DIR that an older version left open, below folders that everybody may enter."""
    above = Path(tempfile.mkdtemp(prefix="footlight-"))
    above.chmod(0o755)
    data = above / request.param
    (data / "run").mkdir(parents=True)
    data.chmod(0o755)
    (data / "run").chmod(0o755)
    (data / "old.log").write_text("of before")
    (data / "old.log").chmod(0o644)
    yield data
    shutil.rmtree(above)


@pytest.fixture
def site(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """(DATA_DIR, address of Redis, address of the web) of `dev`, with canaries for secrets."""
    ours = ("REDIS_URL", "DATABASE_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "STORAGE_URL", "DEBUG")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env |= CANARIES | {"DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "manage.py", "dev", "--no-simulator", "--port", str(any_free_port())]
    out = folder.parent / "dev.txt"
    with out.open("w") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 200
        stack = folder / "run" / "stack.json"
        while "Footlight is at" not in out.read_text():
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < end, out.read_text()
            time.sleep(0.2)
        found = json.loads(stack.read_text())
        subprocess.run(
            [sys.executable, "manage.py", "createteam", "North", "--owner", "a@example.com"],
            cwd=ROOT,
            env=env,
            check=True,
            capture_output=True,
        )
        yield folder, found["redis"], found["web"]
    finally:
        process.terminate()
        process.wait(40)


def test_only_its_user_reads_and_runs_anything(site: tuple[Path, str, str]) -> None:
    data, redis_url, web = site
    answers = [
        requests.get(web + path, timeout=20)
        for path in ("/healthz", "/readyz", "/metrics", "/accounts/login/", "/admin/", "/nowhere")
    ]
    assert answers[1].json()["data"] == "private"
    redis = Redis.from_url(redis_url)
    kept: list[bytes] = []
    for key in redis.scan_iter("*"):
        kept += [key, redis.dump(key) or b""]
    assert kept
    places = {
        "answers": "".join(answer.text + str(answer.headers) for answer in answers).encode(),
        "redis": b"".join(kept),
        "output of dev": (data.parent / "dev.txt").read_bytes(),
        **{str(path): path.read_bytes() for path in data.rglob("*") if path.is_file()},
    }
    assert any(name.endswith(".sqlite3") for name in places)
    assert any(name.endswith(".aof") for name in places)
    for where, content in places.items():
        for secret in SECRETS:
            assert secret.encode() not in content, f"{secret} is in {where}"
    _nobody_gets_in(data, redis_url)


def _nobody_gets_in(data: Path, redis_url: str) -> None:
    """Needs root, which alone becomes another user; CI has it."""
    if os.geteuid() != 0:
        assert not any(path.stat().st_mode & 0o077 for path in (data, data / "redis"))
        return
    words = [sys.executable, "-m", "tests.hostile.other_user", str(data), redis_url, *SECRETS]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"read": [], "told": [], "redis": []}
