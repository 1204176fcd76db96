"""Arriving, and making a team."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from studio.models import Membership, Role, Team, User
from tests.html import parse

ClientOf = Callable[[User], Client]


def test_home_leads_to_the_first_team(team: Team, creator: User, client_of: ClientOf) -> None:
    Team.start("Later", creator)
    response = client_of(creator).get("/")
    assert response.status_code == 302
    assert response["Location"] == "/t/north/"


def test_home_without_a_team_offers_to_make_one(db: None, client_of: ClientOf) -> None:
    alone = User.objects.create_user("eva@example.com", "correct horse")
    page = client_of(alone).get("/")
    assert page.status_code == 200
    assert b"You are in no team yet" in page.content
    assert b'action="/teams/new/"' in page.content


def test_nobody_has_to_sign_in(db: None) -> None:
    for url in ("/", "/teams/new/"):
        assert Client().get(url)["Location"].startswith("/accounts/login/")


def test_making_a_team(stranger: User, client_of: ClientOf) -> None:
    client = client_of(stranger)
    assert client.get("/teams/new/").status_code == 200
    response = client.post("/teams/new/", {"name": "  Studio   North ", "currency": "CNY"})
    made = Team.objects.get(slug="studio-north")
    assert response["Location"] == "/t/studio-north/"
    assert made.name == "Studio North"
    assert made.currency == "CNY"
    assert list(made.memberships.values_list("user", "role")) == [(stranger.pk, "owner")]
    # A name that is taken gets another address, and nobody gets into the first team by it.
    client.post("/teams/new/", {"name": "Studio North"})
    assert Team.objects.filter(name="Studio North").count() == 2
    assert Membership.objects.filter(team=made).count() == 1


def test_a_team_needs_a_name_and_a_known_currency(stranger: User, client_of: ClientOf) -> None:
    before = Team.objects.count()
    for data in (
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 81},
        {"name": "Ok", "currency": "XXX"},
    ):
        response = client_of(stranger).post("/teams/new/", data)
        assert response.status_code == 400
        assert b'class="error"' in response.content
    assert Team.objects.count() == before
    assert client_of(stranger).put("/teams/new/").status_code == 405


# ── turns and limits ──


def turns_of(team: Team) -> dict[str, int]:
    return {row.user.short_name: row.turns for row in team.memberships.select_related("user")}


def given(team: Team, **turns: int | str) -> dict[str, str]:
    rows = {row.user.short_name: row for row in team.memberships.select_related("user")}
    return {f"turns_{rows[name].pk}": str(number) for name, number in turns.items()}


def test_everybody_sees_the_turns_and_only_admins_set_them(
    team: Team, owner: User, admin: User, creator: User, viewer: User, client_of: ClientOf
) -> None:
    url = f"/t/{team.slug}/team/"
    for reader in (creator, viewer):
        html = client_of(reader).get(url).content.decode()
        assert "Aiko" in html
        assert not parse(html).has("form.fair-share input:not([name=csrfmiddlewaretoken])")
        assert client_of(reader).post(url, {"waiting_limit": "5"}).status_code == 403
    answer = client_of(admin).post(
        url, {"waiting_limit": "5"} | given(team, Chidi=3, Aiko=1, Ben=1, Dora=1), follow=True
    )
    assert answer.redirect_chain == [(url, 302)]
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
        f"/t/{team.slug}/team/", {"waiting_limit": limit} | given(team, Chidi=turns)
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
    assert client_of(owner).post(f"/t/{team.slug}/team/", data).status_code == 302
    team.refresh_from_db()
    foreign.refresh_from_db()
    row.refresh_from_db()
    assert (team.name, team.waiting_limit, foreign.turns, row.turns) == ("Studio North", 0, 1, 4)
    assert creator.memberships.get(team=team).role == Role.CREATOR
