"""The table of roles and permissions, and that everything else is derived from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from studio.models import Membership, Role, Team, User
from studio.teams import permissions
from studio.teams.permissions import TABLE, Permission, Permissions, allows, may_grant
from tests.roles import DECIDED, wrong_cells

ROOT = Path(__file__).parents[3]


def test_every_role_has_its_row_and_the_owner_all() -> None:
    assert set(TABLE) == set(Role)
    assert TABLE[Role.OWNER] == set(Permission)
    assert all(Permission.SEE in may for may in TABLE.values())
    assert permissions.roles_with(Permission.MAKE) == [Role.OWNER, Role.ADMIN, Role.CREATOR]


def test_every_cell_is_as_decided() -> None:
    assert set(DECIDED) == set(Permission.values)
    assert wrong_cells() == []


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", list(Role))
def test_a_wrong_cell_is_noticed(
    role: Role, permission: Permission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cell turned in turn: exactly that one is found."""
    monkeypatch.setitem(TABLE, role, TABLE[role] ^ {permission})
    assert wrong_cells() == [(role, permission)]


def test_an_unknown_role_may_nothing() -> None:
    assert not any(allows("director", permission) for permission in Permission)
    assert not may_grant("director", Role.VIEWER)


@pytest.mark.parametrize(
    ("role", "grants"),
    [
        (Role.OWNER, set(Role)),
        (Role.ADMIN, {Role.ADMIN, Role.CREATOR, Role.VIEWER}),
        (Role.BILLING, set()),
        (Role.CREATOR, set()),
        (Role.VIEWER, set()),
    ],
)
def test_nobody_grants_what_they_do_not_have(role: Role, grants: set[Role]) -> None:
    """An admin who could make somebody billing could have the limits changed, which they may
    not."""
    assert {one for one in Role if may_grant(role, one)} == grants


def test_a_name_that_is_no_permission_raises() -> None:
    assert Permissions(Role.CREATOR).make
    assert not Permissions(Role.VIEWER).make
    with pytest.raises(AttributeError):
        _ = Permissions(Role.OWNER).mkae


def test_pages_and_views_ask_for_permissions_that_there_are() -> None:
    """A template takes a misspelt name for no."""
    files = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("studio/**/*.py")]
    asked = {
        name
        for path in [*files, *ROOT.glob("jobs/**/*.py")]
        for name in re.findall(r"\brequest\.may\.(\w+)", path.read_text())
    }
    assert "make" in asked
    assert asked <= set(Permission.values)


def test_a_menu_offers_what_the_role_may_open(
    team: Team, owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    for role in (Role.OWNER, Role.ADMIN, Role.BILLING, Role.CREATOR, Role.VIEWER):
        Membership.objects.filter(team=team, user=owner)._raw_delete("default")
        Membership.objects.create(team=team, user=owner, role=role)
        page = client.get(f"/t/{team.slug}/").content.decode()
        for address, permission in (
            (f"/t/{team.slug}/keys/", Permission.MANAGE_CONNECTIONS),
            (f"/t/{team.slug}/make/portrait/", Permission.MAKE),
        ):
            offered = f'href="{address}"' in page
            assert offered == allows(role, permission), (role, address)
            opened = client.get(address).status_code
            assert opened == (200 if allows(role, permission) else 403), (role, address)


def test_a_role_that_may_not_is_told_who_may(
    team: Team, viewer: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(viewer).get(f"/t/{team.slug}/keys/")
    assert answer.status_code == 403
    assert "Who may: Owner, Admin." in answer.content.decode()


def test_billing_sees_what_everybody_spent_and_makes_nothing(
    team: Team, viewer: User, client_of: Callable[[User], Client]
) -> None:
    Membership.objects.filter(team=team, user=viewer).update(role=Role.BILLING)
    client = client_of(viewer)
    assert client.get(f"/t/{team.slug}/spend/?format=csv").status_code == 200
    assert client.get(f"/t/{team.slug}/make/portrait/").status_code == 403
    assert client.post(f"/t/{team.slug}/library/upload/").status_code == 403
