"""The library: what is shown to whom, found by kind and name, page by page; uploading without a
script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory

from jobs.models import Account
from jobs.pages.suitability import suitability
from studio.common import capped_count
from studio.files import views
from studio.models import Asset, Team, User
from tests import files, makers
from tests.html import parse

ClientOf = Callable[[User], Client]
HOME = "/t/north/library/"


@pytest.fixture(autouse=True)
def suitability_of_jobs(settings: Any) -> None:
    settings.ASSET_SUITABILITY = "jobs.pages.suitability.suitability"


def titles(response: Any) -> list[str]:
    return parse(response).texts("h3.clip > a[href]")


def sentences(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def send(client: Client, *named: tuple[str, bytes], **more: Any) -> Any:
    return client.post(
        HOME + "upload/", {"file": [SimpleUploadedFile(name, data) for name, data in named], **more}
    )


def test_an_empty_library_says_the_next_step(
    team: Team, creator: User, viewer: User, client_of: ClientOf
) -> None:
    page = client_of(creator).get(HOME).content.decode()
    assert "No files yet" in page
    assert 'data-upload="/upload/north/"' in page
    assert 'data-max="220200960"' in page
    looking = client_of(viewer).get(HOME).content.decode()
    assert "No files yet" in looking
    assert "data-upload" not in looking


def test_kinds_and_their_counts(
    team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    picture, sound, video = (makers.asset(team, kind) for kind in ("image", "audio", "video"))
    footage = makers.asset(team, "video", origin="result")
    account = makers.account(team)
    makers.template(team, account, video)
    makers.template(team, account, video)
    made_over = makers.asset(team, "video", origin="edit", parent=video)
    makers.asset(stranger.teams.get(), "image")
    client = client_of(owner)
    expected = {
        "": [made_over, footage, video, sound, picture],
        "?kind=pictures": [picture],
        "?kind=sound": [sound],
        "?kind=videos": [made_over, video],
        "?kind=templates": [video],
        "?kind=films": [footage],
        "?kind=nonsense": [made_over, footage, video, sound, picture],
    }
    for query, assets in expected.items():
        response = client.get(HOME + query)
        assert titles(response) == [asset.name for asset in assets], query
    counts = {tab["name"]: tab["count"] for tab in client.get(HOME).context["tabs"]}
    assert counts == {"all": 5, "pictures": 1, "sound": 1, "videos": 2, "templates": 1, "films": 1}


def test_a_tab_says_that_there_are_many_and_not_how_many(
    team: Team, owner: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capped_count, "CAP", 2)
    for _number in range(4):
        makers.asset(team, owner=owner)
    for _number in range(2):
        makers.asset(team, "audio", owner=owner)
    page = parse(client_of(owner).get(f"/t/{team.slug}/library/").content.decode())
    counts = [tab.one(".n").text for tab in page.one("#kinds").all("a")]
    assert counts == ["2+", "2+", "2", "0", "0", "0"]


def test_a_dance_is_one_file_however_many_templates_it_has(
    team: Team, owner: User, account: Account, client_of: ClientOf
) -> None:
    video = makers.asset(team, "video", owner=owner)
    for _number in range(3):
        makers.template(team, account, video)
    page = client_of(owner).get(f"/t/{team.slug}/library/", {"kind": "templates"})
    assert len(titles(page)) == 1
    assert parse(page.content.decode()).one("#kinds a[aria-current]").one(".n").text == "1"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("all", "asset_kept "),
        ("pictures", "asset_kept_kind "),
        ("videos", "asset_kept_not_made "),
        ("films", "asset_kept_made "),
        ("templates", "asset_kept (team_id=? AND id=?"),
    ],
)
def test_each_tab_is_read_by_its_own_index(
    team: Team, rf: RequestFactory, kind: str, index: str
) -> None:
    """Few of its kind are found beside however many others, and none of them is sorted."""
    request: Any = rf.get("/")
    request.team = team
    plan = views._of_kind(request, kind).order_by("-pk")[:25].explain()
    first = next(line for line in plan.splitlines() if "studio_asset" in line)
    assert index in first, plan
    assert kind == "templates" or "TEMP B-TREE" not in plan


def test_search_by_name(team: Team, owner: User, client_of: ClientOf) -> None:
    makers.asset(team, name="Welcome desk.png")
    makers.asset(team, name="100% foyer_1.png")
    client = client_of(owner)
    assert titles(client.get(HOME, {"q": " welcome "})) == ["Welcome desk.png"]
    assert titles(client.get(HOME, {"q": "100% f"})) == ["100% foyer_1.png"]
    assert titles(client.get(HOME, {"q": "desk WELCOME"})) == ["Welcome desk.png"], "in any order"
    assert titles(client.get(HOME, {"q": "desk foyer"})) == []
    assert titles(client.get(HOME, {"q": "_"})) == ["100% foyer_1.png"]
    assert titles(client.get(HOME, {"q": "welcome", "kind": "sound"})) == []
    for odd in ("\0", "'; drop table", "x" * 5000, "<script>alert(1)</script>"):
        page = client.get(HOME, {"q": odd})
        assert page.status_code == 200
        assert b"<script>alert" not in page.content


def test_pages_go_on_where_the_last_one_ended(
    team: Team, owner: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 3)
    names = [makers.asset(team, name=f"n{number}.png").name for number in range(7)][::-1]
    client, seen, url = client_of(owner), [], HOME + "?q=n"
    while url:
        response = client.get(url)
        seen.append(titles(response))
        url = response.context["older_url"]
        makers.asset(team, name=f"n-late-{len(seen)}.png")  # a new file does not shift the pages
    assert seen == [names[:3], names[3:6], names[6:]]
    back = client.get(response.context["newer_url"])
    assert titles(back) == names[3:6]
    assert "q=n" in back.context["newer_url"]
    first = client.get(client.get(back.context["newer_url"]).context["newer_url"])
    assert titles(first) == ["n-late-3.png", "n-late-2.png", "n-late-1.png"]
    assert first.context["newer_url"] == ""
    assert (
        client.get(HOME, {"older": "nothing"}).status_code
        == client.get(HOME, {"newer": "a\0"}).status_code
        == 200
    )


def test_a_pages_queries_do_not_grow_with_the_files(
    team: Team, owner: User, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    client = client_of(owner)
    for _number in range(3):
        for kind in ("image", "audio", "video"):
            makers.asset(team, kind, owner=owner)
    client.get(HOME)
    with django_assert_max_num_queries(12) as few:
        client.get(HOME)
    for _number in range(4):
        for kind in ("image", "audio", "video"):
            makers.asset(team, kind, owner=owner)
    with django_assert_max_num_queries(len(few)):
        assert len(titles(client.get(HOME))) == 21


# ── what a file is good for ───────────────────────────────────────────────────────────────────────


def test_tags_tell_limits_and_known_verdicts(team: Team, django_assert_num_queries: Any) -> None:
    account = makers.account(team)
    fresh, small, known, half = (
        makers.asset(team, **more) for more in ({}, {"width": 300, "height": 300}, {}, {})
    )
    makers.check(known, account, chosen={"ratio": "1:1"})
    makers.check(
        known,
        account,
        chosen={"ratio": "3:4"},
        state="refused",
        sentence="The person is too small.",
    )
    makers.check(half, account, "animate-anyone-detect-gen2", facts={"bodystyle": "half"})
    speech, long = makers.asset(team, "audio"), makers.asset(team, "audio", milliseconds=61_000)
    dance, slow = makers.asset(team, "video"), makers.asset(team, "video", fps=20.0)
    makers.template(team, account, dance)
    video = makers.asset(team, "video", origin="result")
    with django_assert_num_queries(2):
        tags = suitability([fresh, small, known, half, speech, long, dance, slow, video])
    short = {pk: [(words, fit) for words, fit, _reason in found] for pk, found in tags.items()}
    assert short[fresh.pk] == [("EMO", "maybe"), ("Dance", "maybe")]
    assert short[small.pk] == [("EMO", "no"), ("Dance", "maybe")]
    assert short[known.pk] == [("EMO 1:1", "yes"), ("EMO 3:4", "no"), ("Dance", "maybe")]
    assert short[half.pk] == [("EMO", "maybe"), ("Dance, half body", "yes")]
    assert short[speech.pk] == [("EMO", "yes")]
    assert short[long.pk] == [("EMO", "no")]
    assert short[dance.pk] == [("Dance template made", "yes")]
    assert short[slow.pk] == [("Dance template", "no")]
    assert video.pk not in tags
    assert all(
        reason.endswith(".")
        for found in tags.values()
        for _words, fit, reason in found
        if fit != "yes"
    )
    assert ("EMO 3:4", "no", "The person is too small.") in tags[known.pk]


def test_verdicts_of_another_team_are_not_shown(team: Team, stranger: User) -> None:
    other = stranger.teams.get()
    theirs = makers.asset(other, content=b"same")
    makers.check(theirs, makers.account(other))
    ours = makers.asset(team, content=b"same")
    assert [words for words, _fit, _reason in suitability([ours])[ours.pk]] == ["EMO", "Dance"]


def test_cards_show_what_files_are_good_for_and_do_without(
    team: Team, owner: User, client_of: ClientOf, settings: Any
) -> None:
    makers.asset(team, width=300, height=300)
    assert 'data-fit="no"' in client_of(owner).get(HOME).content.decode()
    settings.ASSET_SUITABILITY = ""
    assert "data-fit" not in client_of(owner).get(HOME).content.decode()


# ── uploading without a script ────────────────────────────────────────────────────────────────────


def test_several_files_in_one_form(team: Team, creator: User, client_of: ClientOf) -> None:
    client = client_of(creator)
    response = send(
        client,
        ("p.png", files.png(500, 500)),
        ("speech.wav", files.wav(1.0)),
        ("page.jpg", files.html()),
    )
    assert response.status_code == 302
    assert response["Location"] == HOME
    assert sorted(team.assets.values_list("name", "owner__email")) == [
        ("p.png", creator.email),
        ("speech.wav", creator.email),
    ]
    said = sentences(response)
    assert any("page.jpg" in text and "web page" in text for text in said)
    assert any("p.png, speech.wav" in text for text in said)
    again = send(client, ("other.png", files.png(500, 500)))
    assert any("“p.png” is here already" in text for text in sentences(again)[len(said) :])
    assert team.assets.count() == 2


def test_the_form_refuses_too_large_and_nothing(
    team: Team, creator: User, client_of: ClientOf, settings: Any
) -> None:
    client = client_of(creator)
    assert "No file came" in sentences(send(client))[0]
    settings.UPLOAD_MAX_BYTES = 1000
    assert "larger than" in sentences(send(client, ("p.png", bytes(1001))))[-1]
    assert not Asset.objects.exists()


@pytest.mark.parametrize(
    ("after", "location"),
    [
        ("/t/north/make/portrait/", "/t/north/make/portrait/"),
        ("https://evil.example/", HOME),
        ("//evil.example", HOME),
        ("javascript:x", HOME),
    ],
)
def test_the_form_goes_back_to_this_site_only(
    team: Team, creator: User, client_of: ClientOf, after: str, location: str
) -> None:
    assert (
        send(client_of(creator), ("p.png", files.png(500, 500)), next=after)["Location"] == location
    )


def test_only_creators_upload(
    team: Team, viewer: User, stranger: User, client_of: ClientOf
) -> None:
    assert send(client_of(viewer), ("p.png", files.png(500, 500))).status_code == 403
    assert send(client_of(stranger), ("p.png", files.png(500, 500))).status_code == 404
    assert client_of(viewer).get(HOME + "upload/").status_code == 405
    assert not Asset.objects.exists()
