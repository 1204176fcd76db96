"""The sign-in service in the environment: whole or not at all, and a sentence for nonsense."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from studio.config import oidc
from studio.config.oidc import GroupRole
from studio.config.variables import VARIABLES

WHOLE = {
    "OIDC_ISSUER": "https://login.example.com/realms/main/",
    "OIDC_CLIENT_ID": "footlight",
    "OIDC_CLIENT_SECRET": "not a secret",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)


def test_without_an_issuer_there_is_none() -> None:
    assert oidc.configuration(strict=True) is None


def test_all_three_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    found = oidc.configuration(strict=True)
    assert found is not None
    assert (found.issuer, found.name) == (
        "https://login.example.com/realms/main",
        "login.example.com",
    )
    assert not found.trusts_email
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example.com/realms/other")
    other = oidc.configuration(strict=True)
    assert other is not None
    assert other.provider != found.provider, "ids of another issuer mean other people"


@pytest.mark.parametrize("left_out", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ISSUER"])
def test_a_part_alone_is_refused(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        if name != left_out:
            monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=left_out):
        oidc.configuration(strict=False)


def test_a_strict_site_asks_no_service_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OIDC_ISSUER", "http://login.example.com")
    with pytest.raises(ImproperlyConfigured, match="https"):
        oidc.configuration(strict=True)
    assert oidc.configuration(strict=False) is not None


def test_groups_are_read() -> None:
    assert oidc.group_roles(
        " editors=studio-north:creator; cn=leads,dc=x=studio-north:admin ;"
    ) == (
        GroupRole("editors", "studio-north", "creator"),
        GroupRole("cn=leads,dc=x", "studio-north", "admin"),
    )
    assert oidc.group_roles("") == ()


@pytest.mark.parametrize(
    "text",
    ["editors", "editors=north", "=north:creator", "editors=No Such:creator", "a=north:creator,b"],
)
def test_what_is_no_entry_is_refused_with_how_it_should_be(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_GROUPS"):
        oidc.group_roles(text)


@pytest.mark.parametrize("role", ["owner", "director", ""])
def test_a_group_gives_no_other_role(role: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="admin, billing, creator, viewer"):
        oidc.group_roles(f"editors=north:{role}")
