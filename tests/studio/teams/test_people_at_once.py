"""What several do with a team's people at the same moment: judged one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from studio.models import Invitation, Membership, Role, Team, User
from studio.teams import confirmed, invitations, join_domains, members
from studio.teams.invitations import CannotJoin, Wish
from studio.teams.members import NotChanged

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection",
    ),
]
MANY = 6


def at_once(act: Callable[[int], object], refusal: type[Exception]) -> int:
    """How many of MANY threads that do `act` at the same moment were not refused."""
    start = threading.Barrier(MANY)

    def one(number: int) -> bool:
        try:
            start.wait(20)
            act(number)
        except refusal:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(MANY) as pool:
        return sum(pool.map(one, range(MANY)))


def made(team: Team, owner: User) -> Invitation:
    return invitations.make(team, owner, [Wish(Role.CREATOR)], mailed=False)[0].invitation


def test_one_person_in_several_tabs_joins_once(team: Team, owner: User, stranger: User) -> None:
    one = made(team, owner)
    assert at_once(lambda _number: invitations.accept(one, stranger), CannotJoin) == 1
    assert team.memberships.filter(user=stranger).count() == 1
    one.refresh_from_db()
    assert one.used_by == stranger


def test_one_person_with_several_invitations_joins_once(
    team: Team, owner: User, stranger: User
) -> None:
    several = [made(team, owner) for _ in range(MANY)]
    assert at_once(lambda number: invitations.accept(several[number], stranger), CannotJoin) == 1
    assert team.invitations.exclude(used_at=None).count() == 1


def test_several_people_with_one_link_are_one(team: Team, owner: User) -> None:
    one = made(team, owner)
    people = [User.objects.create_user(f"{number}@example.org") for number in range(MANY)]
    assert at_once(lambda number: invitations.accept(one, people[number]), CannotJoin) == 1
    assert team.memberships.count() == 2


def test_the_same_click_several_times_makes_one(team: Team, owner: User) -> None:
    def click(_number: int) -> None:
        invitations.make(team, owner, [Wish(Role.VIEWER)], mailed=False, click="c1")

    at_once(click, CannotJoin)
    assert team.invitations.count() == 1


def test_owners_who_remove_each_other_leave_one(team: Team, owner: User) -> None:
    people = [owner, *(User.objects.create_user(f"{n}@example.org") for n in range(MANY - 1))]
    for user in people[1:]:
        Membership.objects.create(team=team, user=user, role=Role.OWNER)
    rows = [team.memberships.get(user=user) for user in people]

    def act(number: int) -> None:
        members.remove(team, people[number], rows[(number + 1) % MANY])

    at_once(act, NotChanged)
    assert team.memberships.filter(role=Role.OWNER).exists()


def test_all_owners_who_step_down_at_once_leave_one(team: Team, owner: User) -> None:
    people = [owner, *(User.objects.create_user(f"{n}@example.org") for n in range(MANY - 1))]
    for user in people[1:]:
        Membership.objects.create(team=team, user=user, role=Role.OWNER)
    rows = [team.memberships.get(user=user) for user in people]

    def act(number: int) -> None:
        members.change_role(team, people[number], rows[number], Role.VIEWER)

    assert at_once(act, NotChanged) == MANY - 1
    assert team.memberships.filter(role=Role.OWNER).count() == 1


def test_joining_by_domain_several_times_is_once(team: Team, owner: User) -> None:
    eva = User.objects.create_user("eva@example.org")
    confirmed.confirm(eva)
    row = team.join_domains.create(domain="example.org", role=Role.VIEWER, set_by=owner)
    at_once(lambda _number: join_domains.join(eva, row.pk), CannotJoin)
    assert team.memberships.filter(user=eva).count() == 1
