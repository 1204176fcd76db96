"""Invitations to a team: who may make them, and what goes out by mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail as django_mail
from django.test import Client
from django.urls import reverse

from studio.models import Invitation, Membership, Role, Team, User
from studio.teams import confirmed, invitations
from studio.teams.invitations import Wish
from tests.html import parse, text

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
PASSWORD = "three quiet lamps"
NEW = "eva@example.org"


def made(team: Team, by: User, role: str = Role.CREATOR, email: str = "", **more: Any) -> str:
    """The path of a new invitation's link."""
    wish = Wish(role, email=email, note=more.pop("note", ""))
    one = invitations.make(team, by, [wish], mailed=more.pop("mailed", False))[0]
    return urlsplit(one.link).path


def sign_up(client: Client, email: str = NEW, **more: str) -> Any:
    data = {"email": email, "password1": PASSWORD, **more}
    return client.post(reverse("account_signup"), data, follow=True)


def roles(team: Team) -> dict[str, str]:
    return {row.user.email: row.role for row in team.memberships.select_related("user")}


def confirmed_user(email: str) -> User:
    user = User.objects.create_user(email, PASSWORD)
    confirmed.confirm(user)
    return user


# ── making ────────────────────────────────────────────────────────────────────────────────────────


def invite(client: Client, team: Team, **data: str) -> Any:
    return client.post(f"/t/{team.slug}/team/invite/", data)


def test_links_are_shown_once_and_only_their_digest_is_kept(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    data = {"who-0": "Chidi", "role-0": "creator", "who-1": "Dora", "role-1": "viewer"}
    page = parse(invite(client_of(owner), team, **data, click="c1"))
    links = page.values("section.links input", "value")
    assert len(links) == 2
    assert {(one.note, one.role) for one in team.invitations.all()} == {
        ("Chidi", "creator"),
        ("Dora", "viewer"),
    }
    stored = str(list(Invitation.objects.values()))
    for link in links:
        assert link.rstrip("/").rsplit("/", 1)[1] not in stored
        assert Client().get(urlsplit(link).path, follow=True).status_code == 200
    again = client_of(owner).get(f"/t/{team.slug}/team/")
    assert not parse(again).has("section.links")


def test_the_same_click_twice_makes_nothing_the_second_time(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    invite(client, team, **{"who-0": "Chidi", "click": "c1"})
    answer = invite(client, team, **{"who-0": "Chidi", "click": "c1"})
    assert answer.status_code == 302
    assert team.invitations.count() == 1


def test_without_anybody_named_a_link_is_for_whoever_has_it(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    invite(client_of(owner), team, **{"role-0": "viewer"})
    one = team.invitations.get()
    assert (one.whom, one.role) == ("", "viewer")


@pytest.mark.parametrize(
    ("who", "role", "status"),
    [
        (Role.OWNER, Role.OWNER, 200),
        (Role.ADMIN, Role.ADMIN, 200),
        (Role.ADMIN, Role.OWNER, 422),
        (Role.ADMIN, Role.BILLING, 422),
        (Role.BILLING, Role.VIEWER, 403),
        (Role.CREATOR, Role.VIEWER, 403),
        (Role.VIEWER, Role.VIEWER, 403),
    ],
)
def test_nobody_invites_with_more_than_they_have(
    team: Team, who: Role, role: Role, status: int, client_of: ClientOf
) -> None:
    user = User.objects.create_user("role@example.com", PASSWORD)
    Membership.objects.create(team=team, user=user, role=who)
    answer = invite(client_of(user), team, **{"who-0": "Eva", "role-0": role.value})
    assert answer.status_code == status
    assert team.invitations.exists() == (status == 200)


def test_several_addresses_are_mailed_each_with_its_role(
    mailing: Any, team: Team, owner: User, client_of: ClientOf
) -> None:
    data = {
        "who-0": " Eva@Example.org; ｆｅｅ＠ｅｘａｍｐｌｅ．ｏｒｇ,gil@example.org",
        "role-0": "creator",
        "who-1": "hal@example.org",
        "role-1": "viewer",
        "how": "mail",
    }
    assert invite(client_of(owner), team, **data).status_code == 302
    assert {one.email: one.role for one in team.invitations.all()} == {
        "eva@example.org": "creator",
        "fee@example.org": "creator",
        "gil@example.org": "creator",
        "hal@example.org": "viewer",
    }
    assert len(django_mail.outbox) == 4
    assert all(one.mailed for one in team.invitations.all())


@pytest.mark.parametrize("who", ["", "Eva", "eva@", "eva@example.org, no"])
def test_mail_needs_addresses(
    mailing: Any, team: Team, owner: User, client_of: ClientOf, who: str
) -> None:
    answer = invite(client_of(owner), team, **{"who-0": who, "how": "mail"})
    assert answer.status_code == 422
    assert not team.invitations.exists()
    assert parse(answer).has(".invite .error")


def test_an_address_has_one_open_invitation_and_the_newer_link_ends_the_older(
    mailing: Any, team: Team, owner: User
) -> None:
    old = made(team, owner, email=NEW)
    new = made(team, owner, Role.VIEWER, email=NEW)
    assert team.invitations.get().role == Role.VIEWER
    assert Client().get(old).status_code == 404
    assert Client().get(new, follow=True).status_code == 200


def test_who_is_here_is_not_invited(team: Team, owner: User, creator: User) -> None:
    with pytest.raises(invitations.NotInvited, match="in the team already"):
        made(team, owner, email=creator.email)


def test_an_admin_does_not_change_an_owners_invitation(
    team: Team, owner: User, admin: User
) -> None:
    made(team, owner, Role.OWNER, email=NEW)
    with pytest.raises(invitations.NotInvited, match="more than yours"):
        made(team, admin, Role.VIEWER, email=NEW)
    one = team.invitations.get()
    for change in (invitations.revoke, lambda *a: invitations.renew(*a, mailed=False)):
        with pytest.raises(invitations.NotInvited, match="more than yours"):
            change(team, admin, one.public_id)
    assert one.role == Role.OWNER


def test_a_team_has_so_many_open_invitations(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MOST_OPEN", 2)
    made(team, owner)
    made(team, owner)
    with pytest.raises(invitations.NotInvited, match="at most 2"):
        made(team, owner)
    assert team.invitations.count() == 2


def test_the_mail_leads_in_and_nobody_else_has_its_link(
    mailing: Any, team: Team, owner: User, client_of: ClientOf
) -> None:
    page = invite(client_of(owner), team, **{"who-0": NEW, "how": "mail"})
    assert page.status_code == 302
    sent = str(django_mail.outbox[-1].body)
    assert "Studio North" in sent
    link = re.search(r"https://videos\.example\.com(/join-team/\S+)", sent)
    assert link
    client = Client()
    assert NEW in text(client.get(link[1], follow=True))
    sign_up(client, "thief@example.org")
    eva = User.objects.get(email=NEW)
    assert confirmed.is_confirmed(eva), "whoever has the link reads the mailbox"
    assert roles(team)[NEW] == Role.CREATOR
    assert eva.teams.count() == 1, "who was invited gets no team of their own"


def test_few_mails_an_hour_go_to_one_address(
    mailing: Any, team: Team, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    for _ in range(7):
        invite(client, team, **{"who-0": NEW, "how": "mail"})
    assert len(django_mail.outbox) == 5
