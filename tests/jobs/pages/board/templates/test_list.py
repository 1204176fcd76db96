"""The page of templates, and the page of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from jobs.common.states import State
from jobs.models import Account, Job
from jobs.pages.template_cards import template_cards
from studio.models import Team, User
from tests import makers
from tests.html import parse
from tests.html import text as words
from tests.jobs.pages.board.templates.made import DANCE, MAKER, ClientOf, entry, links, made


def test_card_has_uses_cost_last_use_and_leads_to_a_dance_with_it(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    character: dict[str, str],
) -> None:
    moves = made(team, creator, account, dances=4, name="Raised arms")
    Job.objects.filter(model=DANCE).update(created_at=datetime(2026, 11, 3, tzinfo=UTC))
    text = client_of(creator).get(page).content.decode()
    assert "$0.1170 paid once, $0.0292 a use after 4" in words(text)
    assert f"{account.label} · used 4 times, last on 3 Nov 2026" in words(text)
    assert "10.2 s" in words(text)
    assert "Known to the service" in text
    video = parse(text).one("video[muted][playsinline][loop][preload=none]:not([autoplay])")
    assert reverse("asset_file", args=[team.slug, moves.asset.public_id, "original"]) in video.html
    url = links(text)["Use it Raised arms"]
    chosen = client_of(creator).get(url, character).content.decode()
    assert parse(client_of(creator).get(url)).has(f"[value='{moves.public_id}'][checked]")
    assert chosen


def test_cost_is_what_was_billed_and_vain_dances_are_no_uses(
    team: Team, creator: User, account: Account
) -> None:
    moves = made(team, creator, account, dances=2, settled=117_328)
    for state in (State.FAILED, State.CANCELED):
        makers.job(team, creator, DANCE, state, account, template=moves)
    found = entry(team, moves)
    assert (found.uses, found.summary.paid) == (2, 117_328)
    assert found.cost == "$0.1173 paid once, $0.0587 a use after 2"
    assert entry(team, made(team, creator, account)).cost == "$0.1170 paid once"
    # no job made it here, so nobody knows
    assert entry(team, makers.template(team, account)).cost == ""


def test_templates_are_counted_in_a_few_statements(
    team: Team, creator: User, account: Account, second: Account, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        made(team, creator, (account, second)[number % 2], dances=number)
    rows = list(team.templates.select_related("account", "asset"))
    with django_assert_max_num_queries(8):
        found = template_cards(team, rows)
        assert [one.uses for one in found] == [5, 4, 3, 2, 1, 0]
        assert all(len(one.elsewhere) == 1 and one.elsewhere[0].label for one in found)


def test_filter_by_account_and_name(
    client_of: ClientOf, creator: User, team: Team, account: Account, second: Account, page: str
) -> None:
    for row, where in (("Side wave", account), ("Wave hands", second), ("Kick line", second)):
        makers.template(team, where, name=row)
    client = client_of(creator)

    def shown(**query: str) -> set[str]:
        return set(parse(client.get(page, query)).texts("h3.clip > a"))

    assert shown() == {"Side wave", "Wave hands", "Kick line"}
    assert shown(q="wave") == {"Side wave", "Wave hands"}
    assert shown(account=second.public_id) == {"Wave hands", "Kick line"}
    assert shown(account=second.public_id, q="WAVE") == {"Wave hands"}
    assert shown(account="nonsense\x00") == {"Side wave", "Wave hands", "Kick line"}
    assert "Nothing found" in client.get(page, {"q": "twist"}).content.decode()


def test_pages_of_templates_lead_through_all_of_them(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.pages.board.template_views.PAGE", 2)
    video = makers.asset(team, "video")
    for number in range(5):
        makers.template(team, account, video, name=f"T{number}")
    client, url, seen = client_of(creator), page + "?q=T", []
    while url:
        found = parse(client.get(url))
        seen += found.texts("h3.clip > a")
        url = "".join(found.values("a[rel=next]", "href"))
    assert seen == ["T4", "T3", "T2", "T1", "T0"]


def test_empty_library_says_what_comes_here(
    client_of: ClientOf, creator: User, viewer: User, page: str
) -> None:
    assert "Make a template" in client_of(creator).get(page).content.decode()
    text = client_of(viewer).get(page).content.decode()
    assert "No template yet" in text
    assert "Make a template" not in text


def test_creators_rename_and_viewers_do_not(
    client_of: ClientOf, creator: User, viewer: User, team: Team, account: Account, page: str
) -> None:
    moves = makers.template(team, account, name="Dance 1")
    url = reverse("jobs:template_detail", args=[team.slug, moves.public_id])
    answer = client_of(creator).post(url, {"name": "  Raised\n arms ", "next": page + "?q=a"})
    assert (answer.status_code, answer["Location"]) == (302, page + "?q=a")
    moves.refresh_from_db()
    assert moves.name == "Raised arms"
    assert (
        client_of(creator).post(url, {"name": "x", "next": "https://evil.example/"})["Location"]
        == url
    )
    bad = client_of(creator).post(url, {"name": "  "})
    assert (bad.status_code, "Give it a name." in bad.content.decode()) == (422, True)
    assert client_of(viewer).post(url, {"name": "Mine"}).status_code == 403
    text = client_of(viewer).get(page).content.decode()
    assert "Rename" not in text
    assert "Use it" not in text
    moves.refresh_from_db()
    assert moves.name == "x"


def test_stranger_and_another_team_find_nothing(
    client_of: ClientOf, creator: User, stranger: User, team: Team, account: Account, page: str
) -> None:
    moves = makers.template(team, account)
    theirs = stranger.teams.get()
    for url in (page, reverse("jobs:template_detail", args=[team.slug, moves.public_id])):
        assert client_of(stranger).get(url).status_code == 404
        assert client_of(stranger).post(url, {"name": "x"}).status_code == 404
    url = reverse("jobs:template_detail", args=[theirs.slug, moves.public_id])
    assert client_of(stranger).get(url).status_code == 404
    assert client_of(stranger).post(url, {"name": "x"}).status_code == 404
    assert (
        "Moves"
        not in client_of(stranger)
        .get(reverse("jobs:templates", args=[theirs.slug]))
        .content.decode()
    )


def test_own_page_lists_its_dances_and_who_made_it(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    moves, other = made(team, creator, account, name="Side wave"), makers.template(team, account)
    mine = makers.job(team, creator, DANCE, template=moves, title="Spring steps")
    makers.job(team, creator, DANCE, template=other, title="Another one")
    text = (
        client_of(creator)
        .get(reverse("jobs:template_detail", args=[team.slug, moves.public_id]))
        .content.decode()
    )
    assert mine.get_absolute_url() in text
    assert "Another one" not in text
    maker = Job.objects.get(model=MAKER)
    assert maker.get_absolute_url() in text
    assert f'id="job-{maker.public_id}"' not in text, "the job that made it is no dance with it"
    assert moves.template_id in text


def test_library_tab_leads_there(
    client_of: ClientOf, creator: User, team: Team, page: str, dance: str, account: Account
) -> None:
    library = reverse("library", args=[team.slug])
    assert (
        f'href="{page}"' in client_of(creator).get(library, {"kind": "templates"}).content.decode()
    )
    assert f'href="{page}"' not in client_of(creator).get(library).content.decode()
    makers.template(team, account)
    assert f'href="{page}"' in client_of(creator).get(dance).content.decode()
