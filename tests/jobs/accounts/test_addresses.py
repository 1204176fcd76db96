"""Addresses of accounts: where keys may be sent, also on a site that others reach."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.accounts.account_setup import add_account, move_account
from jobs.accounts.endpoints import KeyRefused, clean_address
from jobs.models import Account
from studio.models import Team, User
from tests.jobs.tinystudio import GOOD, OTHER, Service


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())


@pytest.fixture
def north(team: Team, owner: User, service: Service) -> Account:
    return add_account(team, "North", "cn-beijing", service.url, GOOD, owner)


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server of the test's own; numbers are read as the system reads them."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in known:
            return [(socket.AF_INET, 1, 6, "", (address, 0)) for address in known[host]]
        if host.endswith((".com", ".example", ".internal")):
            raise socket.gaierror("unknown")
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", ""),
        ("  ", ""),
        ("ws-01_A", "https://ws-01_A.ap-southeast-1.maas.aliyuncs.com/api/v1"),
        ("https://Dashscope.Aliyuncs.com", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com/api/v1/", "https://dashscope.aliyuncs.com/api/v1"),
        ("http://127.0.0.1:8070/api/v1", "http://127.0.0.1:8070/api/v1"),
        ("http://[::1]:8070", "http://[::1]:8070/api/v1"),
        ("http://10.1.2.3", "http://10.1.2.3/api/v1"),
        ("https://unknown.example/x", "https://unknown.example/x"),
    ],
)
def test_addresses_that_are_taken(names: dict[str, list[str]], given: str, meant: str) -> None:
    assert clean_address(given, "ap-southeast-1") == meant


@pytest.mark.parametrize(
    "given",
    [
        "ftp://dashscope.aliyuncs.com",
        "javascript:alert(1)",
        "//dashscope.aliyuncs.com",
        "a.b.c",
        "https://",
        "https://[::1",
        "https://host:99999",
        "https://a b.com",
        "https://user:secret@dashscope.aliyuncs.com",
        "https://dashscope.aliyuncs.com\\@127.0.0.1",
        "https://dashscope.aliyuncs.com/?",
        "https://dashscope.aliyuncs.com/?x=1",
        "https://dashscope.aliyuncs.com/#x",
        "http://dashscope.aliyuncs.com",
        "http://8.8.8.8",
        "https://169.254.169.254/latest",
        "https://2852039166",
        "https://0xa9fea9fe",
        "https://[::ffff:169.254.169.254]",
        "https://[fe80::1]",
        "https://100.100.100.200",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://metadata.internal",
        "https://" + "a" * 200 + ".com",
    ],
)
def test_addresses_that_are_refused(names: dict[str, list[str]], given: str) -> None:
    names["metadata.internal"] = ["8.8.8.8", "169.254.169.254"]
    with pytest.raises(KeyRefused) as refused:
        clean_address(given, "cn-beijing")
    assert "secret" not in str(refused.value)


def test_plain_http_needs_every_address_of_the_name_to_be_near(names: dict[str, list[str]]) -> None:
    names["simulator.internal"] = ["10.0.0.5"]
    assert (
        clean_address("http://simulator.internal:8070", "cn-beijing")
        == "http://simulator.internal:8070/api/v1"
    )
    names["simulator.internal"] = ["10.0.0.5", "8.8.8.8"]
    with pytest.raises(KeyRefused, match="https"):
        clean_address("http://simulator.internal:8070", "cn-beijing")


# ── on a site that others reach ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given",
    [
        "http://127.0.0.1:8070",
        "http://[::1]:8070",
        "https://10.1.2.3",
        "https://192.168.0.9/api/v1",
        "https://100.64.0.1",
        "https://inside.internal",
    ],
)
def test_private_addresses_are_for_staff_only(
    names: dict[str, list[str]], owner: User, settings: Any, given: str
) -> None:
    names["inside.internal"] = ["8.8.8.8", "10.0.0.5"]
    settings.STRICT = True
    with pytest.raises(KeyRefused, match="private network"):
        clean_address(given, "cn-beijing", owner)
    owner.is_staff = True
    assert clean_address(given, "cn-beijing", owner)
    owner.is_staff = False
    assert clean_address(given, "cn-beijing"), "a command is run by whoever runs the site"
    settings.STRICT = False
    assert clean_address(given, "cn-beijing", owner)


def test_a_name_that_is_not_there_yet_may_become_a_private_one(
    names: dict[str, list[str]], owner: User, settings: Any
) -> None:
    settings.STRICT = True
    with pytest.raises(KeyRefused, match="There is no such host"):
        clean_address("https://later.example", "cn-beijing", owner)


def test_public_addresses_are_for_everyone(
    names: dict[str, list[str]], owner: User, settings: Any
) -> None:
    settings.STRICT = True
    names["dashscope.aliyuncs.com"] = ["39.96.198.249"]
    assert (
        clean_address("https://dashscope.aliyuncs.com", "cn-beijing", owner)
        == "https://dashscope.aliyuncs.com/api/v1"
    )
    assert clean_address("", "cn-beijing", owner) == ""
    assert clean_address("ws-1", "cn-beijing", owner).startswith("https://ws-1.cn-beijing")


def test_no_door_of_accounts_leads_around_it(
    team: Team, owner: User, north: Account, service: Service, settings: Any
) -> None:
    settings.STRICT = True
    asked = len(service.asked)
    with pytest.raises(KeyRefused, match="private network"):
        add_account(team, "South", "cn-beijing", service.url, OTHER, owner)
    with pytest.raises(KeyRefused, match="private network"):
        move_account(north, "cn-beijing", service.url, "", OTHER, owner)
    assert len(service.asked) == asked
