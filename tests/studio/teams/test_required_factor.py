"""Required in a team or for staff: who has no second factor sees nothing of the team by any door,
is led to set one up, and is never shut out of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from studio.audit.events import Event
from studio.models import Membership, Role, Team, User
from studio.models.audit import AuditEntry
from studio.teams.session_check import admit, still_may_see
from studio.web.allowances import allowance
from studio.web.answers import Refused
from tests import makers
from tests.studio.teams.factor_steps import with_app, with_codes

pytestmark = pytest.mark.django_db
PAGE = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}


@pytest.fixture
def strict(team: Team, owner: User) -> Team:
    team.second_factor_required = True
    team.save(update_fields=["second_factor_required"])
    return team


def key_of(client: Client) -> str:
    return str(client.cookies["sessionid"].value)


def test_who_has_none_is_led_to_set_one_up(
    strict: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(creator)
    page = client.get(strict.get_absolute_url(), **PAGE, follow=True)
    assert page.redirect_chain == [(f"{reverse('security')}?for={strict.slug}", 302)]
    text = page.content.decode()
    assert "Studio North requires a second factor of everybody" in text
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    assert client.get(reverse("mfa_add_webauthn")).status_code == 200


def test_with_one_the_team_is_open(
    strict: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    with_app(creator)
    client = client_of(creator)
    assert client.get(strict.get_absolute_url(), **PAGE).status_code == 200
    page = client.get(f"{reverse('security')}?for={strict.slug}").content.decode()
    assert "Go on to Studio North" in page


def test_recovery_codes_alone_are_none(
    strict: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    with_codes(creator)
    assert client_of(creator).get(strict.get_absolute_url(), **PAGE).status_code == 302


def test_other_teams_stay_open(
    strict: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    other = Team.start("Evening Desk", creator)
    assert client_of(creator).get(other.get_absolute_url(), **PAGE).status_code == 200


def test_forms_files_and_htmx_are_refused_with_the_sentence(
    strict: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(creator)
    asset = makers.asset(strict)
    file = client.get(reverse("asset_file", args=[strict.slug, asset.public_id, "original"]))
    assert file.status_code == 403
    assert "requires a second factor" in file.content.decode()
    form = client.post(reverse("library", args=[strict.slug]), **PAGE)
    assert form.status_code == 403
    part = client.get(strict.get_absolute_url(), headers={"HX-Request": "true"})
    assert part["HX-Redirect"].startswith(reverse("security"))


def test_streams_end_and_none_begins(
    team: Team, creator: User, owner: User, client_of: Callable[[User], Client]
) -> None:
    with_app(owner)
    sessions = {who: admit(key_of(client_of(who)), team.slug) for who in (creator, owner)}
    team.second_factor_required = True
    team.save(update_fields=["second_factor_required"])
    assert not still_may_see(sessions[creator])
    assert still_may_see(sessions[owner])
    with pytest.raises(PermissionDenied, match="requires a second factor"):
        admit(key_of(client_of(creator)), team.slug)


def test_large_bodies_are_refused(
    strict: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    cookie = f"sessionid={key_of(client_of(creator))}".encode()
    scope: Any = {
        "path": reverse("upload", args=[strict.slug]),
        "headers": [(b"cookie", cookie)],
        "client": ("127.0.0.1", 1),
    }
    with pytest.raises(Refused, match="requires a second factor") as refused:
        allowance(scope)
    assert refused.value.status == 403


def test_a_stranger_is_told_nothing_of_it(
    strict: Team, stranger: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(stranger)
    assert client.get(strict.get_absolute_url(), **PAGE).status_code == 404
    page = client.get(f"{reverse('security')}?for={strict.slug}").content.decode()
    assert "Studio North" not in page


# ── switching it on ───────────────────────────────────────────────────────────────────────────────


def decide(client: Client, team: Team, what: str) -> Any:
    return client.post(reverse("second_factor", args=[team.slug]), {"required": what}, follow=True)


def test_an_owner_without_one_cannot_require_it(
    team: Team, owner: User, client_of: Callable[[User], Client]
) -> None:
    page = decide(client_of(owner), team, "on")
    assert "You have no second factor yourself" in page.content.decode()
    team.refresh_from_db()
    assert not team.second_factor_required


def test_an_owner_turns_it_on_and_off_and_the_trail_tells(
    team: Team, owner: User, creator: User, client_of: Callable[[User], Client]
) -> None:
    with_app(owner)
    client = client_of(owner)
    assert (
        "1 person has none"
        in client.get(reverse("second_factor", args=[team.slug])).content.decode()
    )
    decide(client, team, "on")
    team.refresh_from_db()
    assert team.second_factor_required
    decide(client, team, "off")
    team.refresh_from_db()
    assert not team.second_factor_required
    told = AuditEntry.objects.filter(event=Event.TEAM_CHANGED, team=team)
    assert [one.after["second_factor_required"] for one in told.order_by("id")] == [True, False]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING, Role.CREATOR, Role.VIEWER])
def test_only_owners_decide(
    team: Team, owner: User, role: Role, stranger: User, client_of: Callable[[User], Client]
) -> None:
    Membership.objects.create(team=team, user=stranger, role=role)
    client = client_of(stranger)
    assert client.get(reverse("second_factor", args=[team.slug])).status_code == 403
    assert decide(client, team, "on").status_code == 403


# ── staff ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def staff(owner: User, settings: Any) -> User:
    settings.SECOND_FACTOR_STAFF = True
    owner.is_staff = owner.is_superuser = True
    owner.save(update_fields=["is_staff", "is_superuser"])
    return owner


def test_staff_without_one_see_neither_admin_nor_teams(
    staff: User, team: Team, client_of: Callable[[User], Client]
) -> None:
    client = client_of(staff)
    for address in (reverse("admin:index"), team.get_absolute_url()):
        assert client.get(address, **PAGE)["Location"] == f"{reverse('security')}?for=staff"
    assert client.post(reverse("admin:studio_user_add"), {}).status_code == 403
    page = client.get(f"{reverse('security')}?for=staff").content.decode()
    assert "This site requires a second factor of its staff" in page
    with_app(staff)
    assert client.get(reverse("admin:index"), **PAGE).status_code == 200
    assert client.get(team.get_absolute_url(), **PAGE).status_code == 200


def test_others_are_not_asked(
    staff: User, team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    assert client_of(creator).get(team.get_absolute_url(), **PAGE).status_code == 200
