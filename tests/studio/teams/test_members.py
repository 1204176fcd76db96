"""Roles changed, people removed, leaving, handing over: never above one's own, never ownerless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from studio.models import AuditEntry, Membership, Role, Team, User
from studio.teams import members
from studio.teams.members import NotChanged
from studio.teams.permissions import may_grant
from tests.html import parse, text

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
STRANGE = "director"


def member(team: Team, user: User) -> Membership:
    return team.memberships.get(user=user)


def test_every_role_changes_whom_the_table_says(team: Team, owner: User) -> None:
    """Whoever may not give both roles changes nothing."""
    for mine in Role:
        by = User.objects.create_user(f"by-{mine}@example.com")
        Membership.objects.create(team=team, user=by, role=mine)
        for old in Role:
            for new in [*Role, STRANGE]:
                whom = User.objects.create_user(f"{mine}-{old}-{new}@example.com")
                row = Membership.objects.create(team=team, user=whom, role=old)
                may = new != STRANGE and may_grant(mine, old) and may_grant(mine, new)
                try:
                    members.change_role(team, by, row, new)
                except NotChanged:
                    assert not may, (mine, old, new)
                row.refresh_from_db()
                assert row.role == (new if may else old), (mine, old, new)


def test_a_role_is_changed_on_the_page_and_its_person_is_told_once(
    team: Team, admin: User, creator: User, client_of: ClientOf
) -> None:
    path = f"/t/{team.slug}/team/"
    client = client_of(admin)
    form = parse(client.get(path)).one(f"form[action$='/people/{member(team, creator).pk}/role/']")
    page = client.post(form["action"], form.fields() | {"role": "viewer"}, follow=True)
    assert "Chidi is Viewer now" in text(page)
    theirs = client_of(creator)
    assert "Ben has changed your role here" in text(theirs.get(path, HTTP_ACCEPT="text/html"))
    assert "has changed your role" not in text(theirs.get(path, HTTP_ACCEPT="text/html"))
    entry = AuditEntry.objects.get(event="people.role-changed")
    assert (entry.by, entry.person) == (admin, creator)


def test_whoever_may_not_is_offered_nothing_and_refused(
    team: Team, owner: User, admin: User, creator: User, client_of: ClientOf
) -> None:
    for reader, whom in ((admin, owner), (creator, admin)):
        row = member(team, whom)
        path = f"/t/{team.slug}/team/people/{row.pk}/"
        page = parse(client_of(reader).get(f"/t/{team.slug}/team/"))
        assert not page.has(f"[action='{path}role/'], [href='{path}remove/']")
        for word in ("role", "remove"):
            answer = client_of(reader).post(f"{path}{word}/", {"role": "viewer", "sure": "yes"})
            assert answer.status_code in (302, 403, 422)
        row.refresh_from_db()
        assert row.role in (Role.OWNER, Role.ADMIN)


def test_a_team_never_is_without_an_owner(team: Team, owner: User, client_of: ClientOf) -> None:
    client, row = client_of(owner), member(team, owner)
    page = parse(client.get(f"/t/{team.slug}/team/"))
    assert "only owner" in page.one(".people tbody tr").text
    changed = client.post(
        f"/t/{team.slug}/team/people/{row.pk}/role/", {"role": "viewer"}, follow=True
    )
    assert "last owner" in text(changed)
    left = client.post(f"/t/{team.slug}/team/leave/", {"sure": "yes"})
    assert left.status_code == 422
    assert "last owner" in text(left)
    assert member(team, owner).role == Role.OWNER


def test_an_owner_who_may_not_sign_in_is_none(team: Team, owner: User, admin: User) -> None:
    team.memberships.filter(user=admin).update(role=Role.OWNER)
    User.objects.filter(pk=admin.pk).update(is_active=False)
    with pytest.raises(NotChanged, match="last owner"):
        members.remove(team, owner, member(team, owner))


def test_an_owner_hands_over_and_leaves(
    team: Team, owner: User, creator: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    form = parse(client.get(f"/t/{team.slug}/team/hand-over/")).one("form.surface")
    to = str(member(team, creator).pk)
    page = client.post(
        f"/t/{team.slug}/team/hand-over/", form.fields() | {"to": to, "role": "admin"}, follow=True
    )
    assert "Chidi is an owner" in text(page)
    assert (member(team, creator).role, member(team, owner).role) == (Role.OWNER, Role.ADMIN)
    seen = client_of(creator).get(f"/t/{team.slug}/", HTTP_ACCEPT="text/html")
    assert "handed this team over to you" in text(seen)
    page = client.post(f"/t/{team.slug}/team/leave/", {"sure": "yes"}, follow=True)
    assert "You have left Studio North" in text(page)
    assert client.get(f"/t/{team.slug}/team/").status_code == 404
    assert set(AuditEntry.objects.values_list("event", flat=True)) >= {
        "people.owner-changed",
        "people.left",
    }


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING, Role.CREATOR, Role.VIEWER])
def test_only_an_owner_hands_over(
    team: Team, owner: User, creator: User, role: Role, client_of: ClientOf
) -> None:
    user = User.objects.create_user("role@example.com")
    mine = Membership.objects.create(team=team, user=user, role=role)
    with pytest.raises(NotChanged):
        members.transfer(team, user, member(team, creator), "viewer")
    answer = client_of(user).post(f"/t/{team.slug}/team/hand-over/", {"to": str(mine.pk)})
    assert answer.status_code == 403
    assert member(team, creator).role == Role.CREATOR


@pytest.mark.parametrize("data", [{}, {"to": "x"}, {"role": "director"}])
def test_nonsense_hands_nothing_over(
    team: Team, owner: User, creator: User, data: dict[str, Any], client_of: ClientOf
) -> None:
    path = f"/t/{team.slug}/team/hand-over/"
    to = {"to": str(member(team, creator).pk), "role": "admin"}
    answer = client_of(owner).post(path, to | data if data else {})
    assert answer.status_code == 422
    assert member(team, owner).role == Role.OWNER


def test_removing_asks_first(team: Team, owner: User, creator: User, client_of: ClientOf) -> None:
    path = f"/t/{team.slug}/team/people/{member(team, creator).pk}/remove/"
    client = client_of(owner)
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 422
    assert team.memberships.filter(user=creator).exists()
    page = client.post(path, {"sure": "yes"}, follow=True)
    assert "Chidi is not in the team any more" in text(page)
    assert client.post(path, {"sure": "yes"}).status_code == 404


# ── several teams ─────────────────────────────────────────────────────────────────────────────────


def test_home_leads_to_the_team_that_was_looked_at_last(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    later = Team.start("Later", creator)
    client = client_of(creator)
    assert client.get("/")["Location"] == "/t/north/"
    client.get(later.get_absolute_url(), HTTP_ACCEPT="text/html")
    assert client_of(creator).get("/")["Location"] == "/t/later/"
    later.memberships.filter(user=creator)._raw_delete("default")
    assert client_of(creator).get("/")["Location"] == "/t/north/"


def test_all_teams_are_on_one_page(team: Team, creator: User, client_of: ClientOf) -> None:
    for number in range(20):
        Team.start(f"Show {number}", creator)
    page = parse(client_of(creator).get("/teams/"))
    assert len(page.all("table tbody tr")) == 21
    assert client_of(creator).get(f"/t/{team.slug}/team/").status_code == 200
