"""The environment: comfortable on loopback, strict beyond, and a sentence for every nonsense."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from studio.config import env
from studio.config.storage import storages
from studio.config.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)


def test_keys_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = env.site_keys(tmp_path, strict=False)
    assert env.site_keys(tmp_path, strict=False) == first
    Fernet(first[1][0].encode())
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_a_strict_site_brings_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ImproperlyConfigured, match="SECRET_KEY and FIELD_KEYS must be set because ALLOWED_HOSTS is"
    ):
        env.site_keys(tmp_path, strict=True)
    assert not (tmp_path / "keys.json").exists()
    monkeypatch.setenv("SECRET_KEY", "s" * 50)
    monkeypatch.setenv("FIELD_KEYS", "nonsense")
    with pytest.raises(ImproperlyConfigured, match="no Fernet key"):
        env.site_keys(tmp_path, strict=True)
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("FIELD_KEYS", ",".join(keys))
    assert env.site_keys(tmp_path, strict=True) == ("s" * 50, keys)


def test_damaged_keys_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(ImproperlyConfigured, match="Restore it from a backup"):
        env.site_keys(tmp_path, strict=False)
    assert (tmp_path / "keys.json").read_text() == "{"


@pytest.mark.parametrize(
    ("name", "value", "read", "words"),
    [
        ("DEBUG", "maybe", lambda: env.flag("DEBUG"), "DEBUG is “maybe”; set it to 1 or 0"),
        ("PUBLIC_URL", "example.com", lambda: env.address("PUBLIC_URL"), "begins with http"),
        (
            "MEDIA_DELIVERY",
            "pigeon",
            lambda: env.choice("MEDIA_DELIVERY", "auto", ("auto", "public")),
            "may be auto, public",
        ),
        ("DECODER_MEMORY_MB", "299", lambda: env.number("DECODER_MEMORY_MB", 9, 300), "from 300"),
        (
            "DATABASE_URL",
            "nothing://x",
            lambda: env.database("sqlite://"),
            "DATABASE_URL cannot be read",
        ),
    ],
)
def test_nonsense_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: object, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        read()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "server", "port", "tls", "ssl"),
    [
        ("smtp+tls://me:p%40ss@mail.example.com", "mail.example.com", 587, True, False),
        ("smtp+tls://me:p%40ss@mail.example.com:2525", "mail.example.com", 2525, True, False),
        ("smtp+ssl://me:p%40ss@mail.example.com", "mail.example.com", 465, False, True),
        ("submission://me:p%40ss@mail.example.com", "mail.example.com", 587, True, False),
        ("smtp://me:p%40ss@mail.example.com", "mail.example.com", 25, False, False),
    ],
)
def test_mail_servers_of_every_kind_are_understood(
    monkeypatch: pytest.MonkeyPatch, value: str, server: str, port: int, tls: bool, ssl: bool
) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    found = env.email()
    assert found["EMAIL_BACKEND"].endswith(".smtp.EmailBackend")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (server, port)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me", "p@ss")
    assert (bool(found["EMAIL_USE_TLS"]), bool(found["EMAIL_USE_SSL"])) == (tls, ssl)


@pytest.mark.parametrize(
    "value",
    ["http://host", "mail.example.com", "dummy:", "memory:", "file:///x", "smtps://h", "smtp+tls:"],
)
def test_an_address_that_sends_no_mail_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    with pytest.raises(ImproperlyConfigured, match=r"^EMAIL_URL"):
        env.email()


def test_who_may_sign_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.sign_up(strict=False, mail=False) == "open"
    assert env.sign_up(strict=True, mail=True) == "invited"
    monkeypatch.setenv("SIGNUP", "open")
    assert env.sign_up(strict=True, mail=True) == "open"
    with pytest.raises(ImproperlyConfigured, match="nobody can confirm an address"):
        env.sign_up(strict=True, mail=False)
    monkeypatch.setenv("SIGNUP", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="open, invited, closed"):
        env.sign_up(strict=True, mail=True)


def test_sizes_and_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, then in (("500 MB", 500 * 1024**2), ("2gb", 2 * 1024**3), ("0 MB", 0)):
        monkeypatch.setenv("STORAGE_PER_TEAM", value)
        assert env.size("STORAGE_PER_TEAM", "1 GB") == then
    monkeypatch.setenv("STORAGE_PER_TEAM", "None")
    monkeypatch.setenv("UPLOADS_PER_HOUR", "none")
    assert env.size("STORAGE_PER_TEAM", "1 GB") is None
    assert env.number_or_none("UPLOADS_PER_HOUR", "5") is None
    assert env.number_or_none("EDITS_PER_PERSON", "5") == 5
    for value in ("500", "-1 MB", "much", "1 EB"):
        monkeypatch.setenv("STORAGE_PER_TEAM", value)
        with pytest.raises(ImproperlyConfigured, match="STORAGE_PER_TEAM is"):
            env.size("STORAGE_PER_TEAM", "1 GB")
    for value in ("-1", "²", "1.5"):
        monkeypatch.setenv("UPLOADS_PER_HOUR", value)
        with pytest.raises(ImproperlyConfigured, match="a whole number, or none"):
            env.number_or_none("UPLOADS_PER_HOUR", "5")


def test_proxies_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.trusted_proxies() == ()
    monkeypatch.setenv("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,fd00::/8")
    assert [str(one) for one in env.trusted_proxies()] == [
        "127.0.0.1/32",
        "10.0.0.0/8",
        "fd00::/8",
    ]
    monkeypatch.setenv("TRUSTED_PROXIES", "127.0.0.1,proxy")
    with pytest.raises(ImproperlyConfigured, match="“proxy”"):
        env.trusted_proxies()


def test_a_running_stack_is_found(tmp_path: Path) -> None:
    assert env.running_stack(tmp_path) == {}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stack.json").write_text(json.dumps({"redis": "redis://127.0.0.1:1/0"}))
    assert env.running_stack(tmp_path) == {"redis": "redis://127.0.0.1:1/0"}


def test_a_bucket_is_read_from_one_address() -> None:
    options = storages(
        "s3://key:s%2Fcret@videos?endpoint=https://oss-cn-beijing.aliyuncs.com&region=cn-beijing",
        Path("/x"),
    )["default"]["OPTIONS"]
    assert (
        options["bucket_name"],
        options["access_key"],
        options["secret_key"],
        options["region_name"],
    ) == ("videos", "key", "s/cret", "cn-beijing")
    config = options["client_config"]
    assert config.request_checksum_calculation == "when_required", (
        "OSS refuses the checksums that boto3 sends by default"
    )
    assert config.s3 == {"addressing_style": "virtual"}
    with pytest.raises(ImproperlyConfigured, match="begins with “ftp”"):
        storages("ftp://host/x", Path("/x"))


def test_an_open_site_without_keys_does_not_start(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import studio.settings"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ALLOWED_HOSTS": "videos.example.com",
            "DATA_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert "SECRET_KEY and FIELD_KEYS must be set" in told.stderr


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "1e9", "9999999999"])
def test_a_number_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CONNECTIONS", value)
    with pytest.raises(ImproperlyConfigured, match=r"CONNECTIONS is .*; it must be a whole"):
        env.number("CONNECTIONS", 7)


def test_a_number_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECTIONS", raising=False)
    assert env.number("CONNECTIONS", 7) == 7
    monkeypatch.setenv("CONNECTIONS", " 12 ")
    assert env.number("CONNECTIONS", 7) == 12
