"""What a site that others reach must have, or it does not start; and Django's own checks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[3]
KEYS = {"SECRET_KEY": "kY3-wq8Zt5_" * 6, "FIELD_KEYS": Fernet.generate_key().decode()}
OPEN = {"ALLOWED_HOSTS": "videos.example.com"}
TLS = OPEN | KEYS | {"PUBLIC_URL": "https://videos.example.com"}


def _manage(data_dir: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("env", "why"),
    [
        (OPEN | {"DEBUG": "1"}, "DEBUG is on and ALLOWED_HOSTS opens the site to others"),
        (TLS | {"DEBUG": "1"}, "DEBUG is on and ALLOWED_HOSTS opens the site to others"),
        ({"ALLOWED_HOSTS": "*", "DEBUG": "1"}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": "localhost,videos.example.com", "DEBUG": "1"}, "DEBUG is on"),
        (OPEN, "SECRET_KEY and FIELD_KEYS must be set"),
        (OPEN | KEYS, "PUBLIC_URL must be set"),
        (TLS | {"PUBLIC_URL": "http://videos.example.com"}, "PUBLIC_URL begins with http://"),
    ],
)
def test_an_open_site_that_is_not_safe_does_not_start(
    tmp_path: Path, env: dict[str, str], why: str
) -> None:
    told = _manage(tmp_path, "check", **env)
    assert told.returncode == 1
    assert told.stderr.startswith(why)
    assert "Traceback" not in told.stderr


def test_a_strict_site_passes_all_checks_of_django(tmp_path: Path) -> None:
    told = _manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **TLS)
    assert (told.returncode, told.stderr) == (0, "")
    assert "no issues" in told.stdout


def test_without_tls_it_is_said_and_nothing_is_redirected(tmp_path: Path) -> None:
    plain = TLS | {"PUBLIC_URL": "http://videos.lan", "INSECURE_HTTP": "1"}
    assert _manage(tmp_path, "check", **plain).returncode == 0
    told = _manage(tmp_path, "check", "--deploy", **plain).stderr
    for number in ("W004", "W008", "W012", "W016"):
        assert f"security.{number}" in told


@pytest.mark.parametrize("hosts", ["localhost", "127.0.0.1,localhost", "[::1]"])
def test_loopback_stays_comfortable(tmp_path: Path, hosts: str) -> None:
    """Also with DEBUG, and with a part of what loopback is."""
    assert _manage(tmp_path, "check", ALLOWED_HOSTS=hosts, DEBUG="1").returncode == 0


def test_pages_go_to_tls_and_a_load_balancer_is_answered(tmp_path: Path) -> None:
    program = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "client = Client(headers={'host': 'videos.example.com'})\n"
        "page = client.get('/accounts/login/')\n"
        "print(page.status_code, page.get('Location'))\n"
        "print(client.get('/healthz').status_code)\n"
        "page = client.get('/healthz', headers={'x-forwarded-proto': 'https'})\n"
        "print(page.status_code, page['Strict-Transport-Security'])\n"
    )
    told = _manage(tmp_path, "shell", "-v", "0", "-c", program, **TLS)
    assert told.stdout.splitlines()[-3:] == [
        "301 https://videos.example.com/accounts/login/",
        "200",
        "200 max-age=2592000",
    ]
