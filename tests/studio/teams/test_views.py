"""Arriving, and making a team."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from studio.models import Membership, Team, User

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
