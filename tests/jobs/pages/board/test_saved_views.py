"""Filters of the board under a name: for their owner or for the team, and never another list than
was saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.common.errors import Refused
from jobs.models import SavedView
from jobs.pages.board import saved_views
from studio.audit.events import Event
from studio.models import AuditEntry, Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:board", args=[team.slug])


def save(client: Client, team: Team, **given: str) -> Any:
    wish = {"name": "Failed", "query": "?outcome=failed", **given}
    return client.post(reverse("jobs:view_save", args=[team.slug]), wish, follow=True)


def change(client: Client, view: SavedView, **given: str) -> Any:
    door = reverse("jobs:view_change", args=[view.team.slug, view.public_id])
    return client.post(door, given, follow=True)


def shown(client: Client, page: str, **query: str) -> dict[str, str]:
    """Name → address of the views beside the filters; the current one with a star."""
    found = parse(client.get(page, query).content.decode()).all(".saved-views nav a")
    return {
        one.one(".clip").text + ("*" if one.get("aria-current") else ""): one["href"]
        for one in found
    }


def test_a_filter_is_kept_under_a_name_and_found_again(
    client_of: ClientOf, creator: User, team: Team, page: str
) -> None:
    client = client_of(creator)
    assert "Save this view" not in text(client.get(page).content.decode()), "it is everything"
    asked = {"q": "  front   desk", "sort": "cost", "outcome": "failed"}
    form = parse(client.get(page, asked).content.decode()).one(".saved-views form")
    said = save(client, team, name=" Front  desk ", query=form.one("[name=query]")["value"])
    assert "Saved as the view “Front desk”." in text(said.content.decode())
    assert said.redirect_chain[-1][0] == f"{page}?q=front+desk&outcome=failed&sort=cost"
    ((name, address),) = shown(client, page).items()
    assert (name, address) == ("Front desk", f"{page}?q=front+desk&outcome=failed&sort=cost")
    assert list(shown(client, page, **asked)) == ["Front desk*"]
    # An address that says the same otherwise is the same list
    assert list(shown(client, page, sort="cost", q="front desk", outcome="failed", tab="all")) == [
        "Front desk*"
    ]


def test_it_is_its_owners_alone_unless_it_is_for_everybody(
    client_of: ClientOf, creator: User, viewer: User, stranger: User, team: Team, page: str
) -> None:
    client = client_of(creator)
    save(client, team, name="Mine")
    save(client, team, name="Ours", whole_team="1")
    assert list(shown(client, page)) == ["Mine", "Ours"]
    assert list(shown(client_of(viewer), page)) == ["Ours"]
    mine, ours = SavedView.objects.order_by("name")
    assert change(client_of(viewer), mine, do="delete").status_code == 404
    assert change(client_of(viewer), ours, do="delete").status_code == 403
    assert change(client_of(stranger), ours, do="delete").status_code == 404
    assert SavedView.objects.count() == 2
    told = AuditEntry.objects.filter(event=Event.VIEW_SAVED)
    assert [one.about for one in told] == ["Ours"], "what one keeps for oneself is nobody's news"


def test_an_admin_tidies_up_what_is_for_everybody_and_sees_nothing_else(
    client_of: ClientOf, creator: User, admin: User, team: Team, page: str
) -> None:
    save(client_of(creator), team, name="Ours", whole_team="1")
    save(client_of(creator), team, name="Mine")
    client = client_of(admin)
    ours, mine = SavedView.objects.get(name="Ours"), SavedView.objects.get(name="Mine")
    change(client, ours, do="rename", name="Everybody's")
    assert list(shown(client, page)) == ["Everybody's"]
    assert change(client, mine, do="rename", name="Seen").status_code == 404
    change(client, ours, do="delete")
    assert shown(client, page) == {}
    events = AuditEntry.objects.filter(event__startswith="job.view").order_by("id")
    assert [one.event for one in events] == [
        Event.VIEW_SAVED,
        Event.VIEW_RENAMED,
        Event.VIEW_DELETED,
    ]


def test_who_only_looks_saves_for_themselves(
    client_of: ClientOf, viewer: User, team: Team, page: str
) -> None:
    client = client_of(viewer)
    form = parse(client.get(page, {"outcome": "failed"}).content.decode()).one(".saved-views form")
    assert not form.has("[name=whole_team]")
    save(client, team)
    assert list(shown(client, page)) == ["Failed"]
    refused = save(client, team, name="For all", whole_team="1")
    assert "saves views for themselves" in text(refused.content.decode())
    assert SavedView.objects.count() == 1


def test_the_same_name_is_the_same_view_with_another_list(
    client_of: ClientOf, creator: User, owner: User, team: Team, page: str
) -> None:
    client = client_of(creator)
    save(client, team)
    save(client, team, query="?sort=cost")
    assert shown(client, page) == {"Failed": f"{page}?sort=cost"}
    save(client_of(owner), team)
    assert SavedView.objects.count() == 2, "somebody else's may have the name"


def test_another_name(client_of: ClientOf, creator: User, team: Team, page: str) -> None:
    client = client_of(creator)
    save(client, team)
    save(client, team, name="Dear", query="?sort=cost")
    view = SavedView.objects.get(name="Dear")
    assert "There is a view “Failed” already" in text(
        change(client, view, do="rename", name="Failed").content.decode()
    )
    assert "Give the view a name" in text(
        change(client, view, do="rename", name=" \0 ").content.decode()
    )
    change(client, view, do="rename", name="Expensive")
    assert list(shown(client, page)) == ["Expensive", "Failed"]
    form = parse(client.get(page, {"sort": "cost"}).content.decode())
    assert form.one(f"#view-{view.public_id}")["value"] == "Expensive"
    assert not parse(client.get(page).content.decode()).has(f"#view-{view.public_id}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "  "}, "Give the view a name"),
        ({"query": ""}, "shows everything"),
        ({"query": "?tab=all&nonsense=1&model=none"}, "shows everything"),
        ({"query": "?before=17"}, "shows everything"),
        ({"query": "https://evil.example/?a=b"}, "shows everything"),
    ],
)
def test_what_is_refused_and_why(
    client_of: ClientOf, creator: User, team: Team, given: dict[str, str], said: str
) -> None:
    answer = save(client_of(creator), team, **given)
    assert said in text(answer.content.decode())
    assert answer.redirect_chain[-1][0].startswith(f"/t/{team.slug}/")
    assert not SavedView.objects.exists()


def test_a_word_that_is_gone_falls_away(
    client_of: ClientOf, creator: User, team: Team, page: str
) -> None:
    """A model that the catalogue knew when it was saved."""
    makers.saved_view(team, creator, query="?model=gone-v1&outcome=failed")
    makers.job(team, creator, title="Broke", state="failed")
    client = client_of(creator)
    ((_name, address),) = shown(client, page).items()
    html = client.get(address)
    assert html.status_code == 200
    assert parse(html.content.decode()).texts("[data-job] h3 > a") == ["Broke"]


def test_nobody_keeps_more_than_the_most(
    client_of: ClientOf, creator: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    client = client_of(creator)
    for name in ("A", "B"):
        save(client, team, name=name)
    assert "You have 2 saved views" in text(save(client, team, name="C").content.decode())
    save(client, team, name="B", query="?sort=cost")
    assert dict(SavedView.objects.values_list("name", "query")) == {
        "A": "?outcome=failed",
        "B": "?sort=cost",
    }


def test_a_very_long_filter_is_kept_whole(
    client_of: ClientOf, creator: User, team: Team, page: str
) -> None:
    client = client_of(creator)
    asked = {"q": "ä" * 100, "model": "animate-anyone-gen2", "since": "2026-01-01", "tab": "mine"}
    query = parse(client.get(page, asked).content.decode()).one(".saved-views [name=query]")
    save(client, team, query=query["value"], name="W" * 300)
    ((name, address),) = shown(client, page, **asked).items()
    assert name == "W" * 60 + "*"
    assert parse(client.get(address).content.decode()).one("#q")["value"] == "ä" * 100


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        ("?model=gone-v1&outcome=failed", {"outcome": "failed"}),
        ("?outcome=failed&sort=size&since=2026-02-31", {"outcome": "failed"}),
        ("?model=gone-v1", {}),
        ("?" + "a&" * 400, {}),
    ],
)
def test_one_of_which_words_are_gone_is_current_and_can_be_changed(
    client_of: ClientOf,
    creator: User,
    team: Team,
    page: str,
    kept: str,
    left: dict[str, str],
) -> None:
    view = makers.saved_view(team, creator, query=kept)
    client = client_of(creator)
    ((name, address),) = shown(client, page, **left).items()
    assert (name, "gone" in address) == ("Failed*", False)
    assert parse(client.get(page, left).content.decode()).has(f"#view-{view.public_id}")


def test_a_filter_that_is_too_long_is_refused_with_the_reason(
    client_of: ClientOf, creator: User, team: Team
) -> None:
    from urllib.parse import urlencode

    answer = save(client_of(creator), team, query="?" + urlencode({"q": "🎬" * 100}))
    assert answer.status_code == 200
    assert "too long to be saved" in text(answer.content.decode())
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("first", ["1", ""])
def test_what_becomes_private_or_the_teams_is_told(
    client_of: ClientOf, creator: User, team: Team, first: str
) -> None:
    client = client_of(creator)
    save(client, team, whole_team=first)
    before = AuditEntry.objects.count()
    save(client, team, whole_team="" if first else "1")
    assert AuditEntry.objects.count() == before + 1
    told = AuditEntry.objects.latest("id")
    event = Event.VIEW_DELETED if first else Event.VIEW_SAVED
    assert (told.event, told.about) == (event, "Failed")


def test_ones_own_are_shown_however_many_the_team_has(
    client_of: ClientOf,
    creator: User,
    owner: User,
    team: Team,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(saved_views, "SHOWN", 3)
    for name in "ABCD":
        makers.saved_view(team, owner, name=name, whole_team=True)
    makers.saved_view(team, creator, name="Z")
    assert list(shown(client_of(creator), page)) == ["Z", "A", "B"]


def test_who_was_removed_meanwhile_saves_none(team: Team, creator: User) -> None:
    membership = team.memberships.get(user=creator)
    team.memberships.filter(pk=membership.pk).delete()
    with pytest.raises(Refused, match="no member"):
        saved_views.keep(membership, "Failed", "?outcome=failed", whole_team=False)
    assert not SavedView.objects.exists()


def test_two_who_delete_it_are_told_once(team: Team, creator: User, owner: User) -> None:
    one = makers.saved_view(team, creator, whole_team=True)
    other = SavedView.objects.get(pk=one.pk)
    saved_views.delete(one, team.memberships.get(user=creator))
    saved_views.delete(other, team.memberships.get(user=owner))
    assert AuditEntry.objects.filter(event=Event.VIEW_DELETED).count() == 1
