"""Joining by confirmed mail domain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from studio.models import Role, Team, User
from studio.teams import confirmed, join_domains
from studio.teams.join_domains import NotOpened
from tests.html import parse, text

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def at_home(owner: User) -> User:
    """The owner, with a confirmed address at example.com."""
    confirmed.confirm(owner)
    return owner


def person(email: str, *, confirm: bool = True) -> User:
    user = User.objects.create_user(email, "correct horse")
    if confirm:
        confirmed.confirm(user)
    return user


def test_it_is_off_and_an_owner_turns_it_on(team: Team, at_home: User, client_of: ClientOf) -> None:
    eva = person("eva@example.com")
    client = client_of(eva)
    assert not parse(client.get("/")).has(".ways-in")
    data = {"domain": " @EXAMPLE.com ", "role": "viewer"}
    page = client_of(at_home).post(f"/t/{team.slug}/team/domains/", data, follow=True)
    assert "Whoever has a confirmed address at example.com" in text(page)
    form = parse(client.get("/")).one(".ways-in form")
    assert client.post(form["action"])["Location"] == "/t/north/"
    assert team.memberships.get(user=eva).role == Role.VIEWER
    client.post(form["action"])
    assert team.memberships.filter(user=eva).count() == 1
    client_of(at_home).post(f"/t/{team.slug}/team/domains/", {"stop": "example.com"})
    late = person("late@example.com")
    assert client_of(late).post(form["action"])["Location"] == "/teams/"
    assert not team.memberships.filter(user=late).exists()
    assert team.memberships.filter(user=eva).exists()


def test_only_a_confirmed_address_of_just_that_domain_lets_in(team: Team, at_home: User) -> None:
    row = join_domains.allow(team, at_home, "example.com", Role.CREATOR)
    for email, confirm in (
        ("a@example.com", False),
        ("b@sub.example.com", True),
        ("c@notexample.com", True),
        ("d@example.com.evil.example", True),
    ):
        user = person(email, confirm=confirm)
        assert join_domains.join(user, row.pk) is None, email
        assert not team.memberships.filter(user=user).exists()


@pytest.mark.parametrize(
    ("domain", "role", "why"),
    [
        ("gmail.com", "creator", "Anybody can get an address"),
        ("ＧＭＡＩＬ.com", "creator", "Anybody can get an address"),
        ("other.example", "creator", "no confirmed address"),
        ("example.com", "owner", "creator or a viewer"),
        ("example.com", "admin", "creator or a viewer"),
        ("nonsense", "creator", "no mail domain"),
        ("", "creator", "no mail domain"),
        ("a b.example", "creator", "no mail domain"),
    ],
)
def test_what_opens_no_team(team: Team, at_home: User, domain: str, role: str, why: str) -> None:
    with pytest.raises(NotOpened, match=why):
        join_domains.allow(team, at_home, domain, role)
    assert not team.join_domains.exists()


def test_an_admin_opens_no_team(team: Team, owner: User, admin: User, client_of: ClientOf) -> None:
    confirmed.confirm(admin)
    with pytest.raises(NotOpened, match="Only an owner"):
        join_domains.allow(team, admin, "example.com", "creator")
    answer = client_of(admin).post(f"/t/{team.slug}/team/domains/", {"domain": "example.com"})
    assert answer.status_code == 403
    assert not team.join_domains.exists()
