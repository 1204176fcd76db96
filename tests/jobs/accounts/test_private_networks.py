"""Accounts call into private networks only where staff, or who runs the site, said so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from jobs.accounts import clients
from jobs.accounts.account_setup import add_account, move_account
from jobs.accounts.endpoints import KeyRefused, clean_address
from jobs.models import Account, Attempt
from jobs.modelstudio import NotSent
from studio.models import Team, User
from tests import makers
from tests.jobs.tinystudio import GOOD, OTHER, Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())


def test_staff_who_enter_a_private_address_allow_it(
    team: Team, owner: User, service: Service, settings: Any
) -> None:
    settings.STRICT = True
    owner.is_staff = True
    account = add_account(team, "South", "cn-beijing", service.url, GOOD, owner)
    account.refresh_from_db()
    assert account.private_network
    assert account.health == "ok"
    public = add_account(team, "North", "cn-beijing", "https://8.8.8.8", OTHER, owner)
    assert not public.private_network


def test_an_account_of_the_site_s_own_address_calls_where_the_site_says(
    team: Team, owner: User, service: Service, settings: Any
) -> None:
    settings.STRICT, settings.MODELSTUDIO_URL = True, service.url
    account = add_account(team, "South", "cn-beijing", "", GOOD, owner)
    assert (account.health, account.private_network) == ("ok", False)


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/v1/"])
def test_what_was_sent_to_the_site_s_own_address_is_looked_for_there(
    team: Team, owner: User, settings: Any, path: str
) -> None:
    """However MODELSTUDIO_URL is written; the attempt holds the address as calls have it."""
    settings.MODELSTUDIO_URL = f"http://127.0.0.1:9{path}"
    account = makers.account(team)
    job = makers.job(team, owner, account=account)
    sends = clients.client_for(account)
    attempt = Attempt(job=job, key=account.key, base_url=sends.base_url)
    looks = clients.sent_with(attempt)
    assert looks is sends, "into the same network, and neither takes the other's place"
    assert sends._private_ok


def test_what_was_allowed_is_not_taken_along_to_another_place(
    team: Team, owner: User, service: Service, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STRICT = True
    account = makers.account(team, service.url)
    assert account.private_network
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *a, **k: (
            [(socket.AF_INET, 1, 6, "", ("203.0.113.7", port))]
            if host != "videos.example"
            else [(socket.AF_INET, 1, 6, "", ("8.8.8.8", port))]
        ),
    )
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("no network"))
    monkeypatch.setattr(
        "jobs.accounts.account_setup.try_secret",
        lambda *a: import_module("jobs.accounts.key_test").Trial(Account.Health.OK, ""),
    )
    move_account(account, "cn-beijing", "https://videos.example", "", OTHER, owner)
    account.refresh_from_db()
    assert not account.private_network


def test_a_name_that_turns_inside_after_it_was_judged_is_not_called(
    team: Team, service: Service
) -> None:
    """As a name server may do at any time: the stored address leads to this machine now."""
    account = makers.account(team, service.url, key=GOOD)
    Account.objects.filter(pk=account.pk).update(private_network=False)
    account.refresh_from_db()
    with pytest.raises(NotSent):
        clients.client_for(account).probe()
    assert service.asked == []
    Account.objects.filter(pk=account.pk).update(private_network=True)
    account.refresh_from_db()
    clients.client_for(account).probe()


def test_one_sentence_for_all_that_is_not_open(
    owner: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a name exists inside, or is metadata, is nothing that others are told."""
    settings.STRICT = True
    known = {"db.internal": "10.0.0.5", "meta.internal": "169.254.169.254"}

    def look_up(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in known:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, 1, 6, "", (known[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    said = set()
    for host in (*known, "nothing.internal"):
        for scheme in ("http", "https"):
            with pytest.raises(KeyRefused) as refused:
                clean_address(f"{scheme}://{host}", "cn-beijing", owner)
            said.add(str(refused.value))
    assert len(said) == 1


def test_accounts_from_before_keep_what_only_staff_could_enter(team: Team) -> None:
    step = import_module("jobs.migrations.0012_account_private_network")
    urls = {
        "": False,
        "http://simulator.internal:8070/api/v1": True,
        "http://10.0.0.5/api/v1": True,
        "https://127.0.0.1/api/v1": True,
        "https://localhost:1/api/v1": True,
        "https://[::1]/api/v1": True,
        "https://8.8.8.8/api/v1": False,
        "https://somebody.example/api/v1": False,
        "https://[broken": False,
    }
    made = {url: makers.account(team, url).pk for url in urls}
    Account.objects.update(private_network=False)
    step.allow_what_is_private(apps, SimpleNamespace(connection=connection))
    found = {url: Account.objects.get(pk=pk).private_network for url, pk in made.items()}
    assert found == urls
