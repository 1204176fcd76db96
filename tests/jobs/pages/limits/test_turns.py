"""How many jobs a person may have waiting, and how often each one’s take their turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from studio.models import Membership, Role, Team, User
from tests.html import parse

ClientOf = Callable[[User], Client]


def turns_of(team: Team) -> dict[str, int]:
    return {row.user.short_name: row.turns for row in team.memberships.select_related("user")}


def given(team: Team, **turns: int | str) -> dict[str, str]:
    rows = {row.user.short_name: row for row in team.memberships.select_related("user")}
    return {f"turns_{rows[name].pk}": str(number) for name, number in turns.items()}


def test_everybody_sees_the_turns_and_only_admins_set_them(
    team: Team, owner: User, admin: User, creator: User, viewer: User, client_of: ClientOf
) -> None:
    page, url = f"/t/{team.slug}/team/limits/", f"/t/{team.slug}/team/turns/"
    for reader in (creator, viewer):
        html = client_of(reader).get(page).content.decode()
        assert "Aiko" in html
        assert not parse(html).has("form input[name=waiting_limit]")
        assert client_of(reader).post(url, {"waiting_limit": "5"}).status_code == 403
    answer = client_of(admin).post(
        url, {"waiting_limit": "5"} | given(team, Chidi=3, Aiko=1, Ben=1, Dora=1), follow=True
    )
    assert answer.redirect_chain == [(page, 302)]
    assert "Saved." in answer.content.decode()
    team.refresh_from_db()
    assert team.waiting_limit == 5
    assert turns_of(team) == {"Aiko": 1, "Ben": 1, "Chidi": 3, "Dora": 1}
    assert (
        "Nothing has changed."
        in client_of(owner)
        .post(url, {"waiting_limit": "5"} | given(team, Chidi=3), follow=True)
        .content.decode()
    )


@pytest.mark.parametrize(
    ("limit", "turns", "said"),
    [
        ("-1", "2", "from 0 to 10,000"),
        ("100000", "2", "from 0 to 10,000"),
        ("", "2", "from 0 to 10,000"),
        ("many", "2", "from 0 to 10,000"),
        ("7", "0", "from 1 to 9"),
        ("7", "10", "from 1 to 9"),
        ("7", "1.5", "from 1 to 9"),
        ("7", "", "from 1 to 9"),
    ],
)
def test_nonsense_saves_nothing_and_says_why(
    team: Team, owner: User, creator: User, client_of: ClientOf, limit: str, turns: str, said: str
) -> None:
    answer = client_of(owner).post(
        f"/t/{team.slug}/team/turns/", {"waiting_limit": limit} | given(team, Chidi=turns)
    )
    assert answer.status_code == 422
    assert said in answer.content.decode()
    team.refresh_from_db()
    assert team.waiting_limit == 100
    assert turns_of(team)["Chidi"] == 1


def test_saving_touches_nobody_else_and_no_other_column(
    team: Team, owner: User, creator: User, stranger: User, client_of: ClientOf
) -> None:
    foreign = stranger.memberships.get()
    joined = User.objects.create_user("new@example.com", first_name="New")
    row = Membership.objects.create(team=team, user=joined, role=Role.CREATOR, turns=4)
    data = {
        "waiting_limit": "0",
        f"turns_{foreign.pk}": "9",
        "name": "Taken over",
        "role": "owner",
    } | given(team, Chidi=2)
    assert client_of(owner).post(f"/t/{team.slug}/team/turns/", data).status_code == 302
    team.refresh_from_db()
    foreign.refresh_from_db()
    row.refresh_from_db()
    assert (team.name, team.waiting_limit, foreign.turns, row.turns) == ("Studio North", 0, 1, 4)
    assert creator.memberships.get(team=team).role == Role.CREATOR
