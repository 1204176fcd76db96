"""The template library and its place in the making of a dance: uses, cost per use, what the service
forgot, and other accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from jobs.catalogue import entries as catalogue
from jobs.common.states import State
from jobs.models import Account, Check, Job, Price, Template
from jobs.pages.create.draft_form import DraftForm
from jobs.pages.template_cards import TemplateCard, template_cards
from studio.files import edit_queue
from studio.models import Team, User
from tests import makers
from tests.html import parse
from tests.html import text as words

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}
MAKER, DANCE = "animate-anyone-template-gen2", "animate-anyone-gen2"


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:templates", args=[team.slug])


@pytest.fixture
def dance(team: Team) -> str:
    return reverse("jobs:dance", args=[team.slug])


@pytest.fixture
def second(team: Team) -> Account:
    return makers.account(team, label="South-2", key="sk-test-0002")


@pytest.fixture
def character(team: Team, account: Account) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    return {"page": "dance", "image_url": picture.public_id}


def agreed(team: Team, by: User) -> None:
    """Nobody has to be asked about the rights to any file."""
    for asset in team.assets.all():
        edit_queue.consent(asset, by, "yes")


def links(page: Any) -> dict[str, str]:
    """Words of every button that is a link → where it leads."""
    return {link.text: link["href"] for link in parse(page).all("a.btn")}


def can_be_made(page: Any) -> bool:
    """Whether the button that makes it is there and on."""
    return parse(page).has("#generate:not([disabled])")


def made(
    team: Team,
    by: User,
    account: Account,
    *,
    dances: int = 0,
    settled: int = 116_984,
    seconds: float = 10.2,
    **fields: Any,
) -> Template:
    """A template with the job that made it, and `dances` with it."""
    video = makers.asset(team, "video", milliseconds=round(seconds * 1000))
    row = makers.template(team, account, video, **fields)
    makers.job(
        team,
        by,
        MAKER,
        State.SUCCEEDED,
        account,
        template=row,
        files={"video_url": video},
        milliseconds=video.milliseconds,
        settled_micros=settled,
    )
    for _ in range(dances):
        makers.job(team, by, DANCE, account=account, template=row, milliseconds=video.milliseconds)
    return row


def entry(team: Team, row: Template) -> TemplateCard:
    rows = Template.objects.select_related("account", "asset").filter(pk=row.pk)
    return template_cards(team, list(rows))[0]


# ── the page ──────────────────────────────────────────────────────────────────────────────────────


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


# ── made again ────────────────────────────────────────────────────────────────────────────────────


def test_forgotten_template_is_offered_again_with_its_price(
    client_of: ClientOf, creator: User, team: Team, account: Account, second: Account, page: str
) -> None:
    moves = made(team, creator, second, name="Kick line", forgotten=True)
    text = client_of(creator).get(page).content.decode()
    assert "Forgotten by the service" in text
    assert not any(words.startswith("Use it") for words in links(text))
    url = links(text)["Make it again — $0.1170 Kick line"]
    data = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert urlsplit(url).path == reverse("jobs:template", args=[team.slug])
    draft = DraftForm(data, spec=catalogue.get(MAKER), team=team).draft
    assert (draft.files, draft.account) == ({"video_url": moves.asset}, second)
    made_page = client_of(creator).get(url)
    assert (made_page.status_code, "$0.1170" in made_page.content.decode()) == (200, True)


def test_other_account_is_offered_until_it_has_the_template_too(
    client_of: ClientOf, creator: User, team: Team, account: Account, second: Account, page: str
) -> None:
    moves = made(team, creator, account, name="Side wave")
    # the same Alibaba account under another name knows it already, one without a key cannot make
    # it, one elsewhere has no such model
    twin = makers.account(team, label="Twin", key="sk-test-0003")
    Account.objects.filter(pk=twin.pk).update(same_as=account)
    Account.objects.create(team=team, label="No key")
    far = makers.account(team, label="Far", key="sk-test-0004")
    Account.objects.filter(pk=far.pk).update(region="ap-southeast-1")
    found = links(client_of(creator).get(page).content.decode())
    assert [words for words in found if words.startswith("Make it on")] == [
        "Make it on South-2 too — $0.1170 Side wave"
    ]
    query = parse_qs(urlsplit(found["Make it on South-2 too — $0.1170 Side wave"]).query)
    assert (query["video_url"], query["account"]) == ([moves.asset.public_id], [second.public_id])
    assert entry(team, moves).again is None
    makers.template(team, second, moves.asset)
    assert entry(team, moves).elsewhere == []


def test_without_a_price_or_a_video_nothing_is_promised(
    team: Team, creator: User, account: Account
) -> None:
    moves = made(team, creator, account, forgotten=True)
    Price.objects.filter(model=MAKER).update(effective_from="2030-01-01")
    found = entry(team, moves).anew
    assert found is not None
    assert (found.price, found.label) == ("", "Make it again")
    Template.objects.filter(pk=moves.pk).update(asset=None)
    bare = entry(team, moves)
    assert (bare.anew, bare.loop_url, bare.poster_url) == (None, "", "")


def test_forgotten_one_that_was_made_again_needs_nothing(
    client_of: ClientOf, creator: User, team: Team, account: Account, page: str
) -> None:
    old = made(team, creator, account, name="Old", forgotten=True)
    makers.template(team, account, old.asset, name="New")
    found = entry(team, old)
    assert (found.replaced, found.anew, found.again) == (True, None, None)
    assert "Make it again" not in client_of(creator).get(page).content.decode()


# ── in the making of a dance ──────────────────────────────────────────────────────────────────────


def test_dance_cards_have_loop_and_cost_per_use(
    client_of: ClientOf, creator: User, team: Team, account: Account, dance: str
) -> None:
    made(team, creator, account, dances=2, name="Raised arms")
    text = client_of(creator).get(dance).content.decode()
    assert "$0.1170 paid once, $0.0585 a use after 2" in words(text)
    assert parse(text).has("li.card[data-loops] > video[muted][playsinline][loop]")
    assert "js/loops.js" in text


def test_forgotten_template_becomes_its_video_with_the_price_of_making_it_anew(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    second: Account,
    dance: str,
    character: dict[str, str],
) -> None:
    gone = made(team, creator, second, name="Kick line", forgotten=True)
    agreed(team, creator)
    answer = client_of(creator).get(
        reverse("jobs:price", args=[team.slug]), character | {"template": gone.public_id}, **HX
    )
    address = answer["HX-Replace-Url"]
    query = parse_qs(urlsplit(address).query)
    assert "template" not in query
    assert (query["template_video"], query["account"]) == (
        [gone.asset.public_id],
        [second.public_id],
    )
    sentence = (
        "The service has forgotten the template “Kick line”. It is made anew from its video "
        "for $0.1170, then the dance."
    )
    assert sentence in words(answer.content.decode())
    # and the reload says the same
    text = client_of(creator).get(address).content.decode()
    assert sentence in words(text)
    assert can_be_made(text)
    assert "$0.2340" in text
    # a page that was opened before it was forgotten showed the price of the dance alone
    late = client_of(creator).post(
        dance, character | {"template": gone.public_id, "do": "make", "key": "a"}
    )
    assert late.status_code == 422
    assert "so the price is another one. Look at it, then click again." in words(
        late.content.decode()
    )
    assert can_be_made(late)
    assert not Job.objects.filter(state=State.QUEUED).exists()
    client_of(creator).post(
        address, {name: values[0] for name, values in query.items()} | {"do": "make", "key": "a"}
    )
    job, maker = (
        Job.objects.get(model=DANCE, state=State.QUEUED),
        Job.objects.get(model=MAKER, state=State.QUEUED),
    )
    assert (job.needs, job.account, job.template) == (maker, second, None)
    assert maker.inputs.get().asset == gone.asset
    # while it is being made nothing is paid a second time, so no price is told
    text = client_of(creator).get(address).content.decode()
    assert sentence not in words(text)


def test_forgotten_template_that_was_made_again_is_replaced_by_the_new_one(
    client_of: ClientOf, creator: User, team: Team, account: Account, character: dict[str, str]
) -> None:
    gone = makers.template(team, account, forgotten=True)
    new = makers.template(team, account, gone.asset)
    answer = client_of(creator).get(
        reverse("jobs:price", args=[team.slug]), character | {"template": gone.public_id}, **HX
    )
    assert f"template={new.public_id}" in answer["HX-Replace-Url"]


def test_forgotten_template_without_its_video_says_why_it_cannot_be_used(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    dance: str,
    character: dict[str, str],
) -> None:
    gone = makers.template(team, account, forgotten=True)
    Template.objects.filter(pk=gone.pk).update(asset=None)
    text = client_of(creator).get(dance, character | {"template": gone.public_id}).content.decode()
    assert "its video is not here to make it anew" in words(text)
    assert parse(text).has(f"[value='{gone.public_id}'][disabled]")
    assert (
        client_of(creator)
        .post(dance, character | {"template": gone.public_id, "do": "make", "key": "a"})
        .status_code
        == 422
    )
    assert not Job.objects.exists()


def test_video_known_on_another_account_is_offered_there_for_nothing(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    second: Account,
    dance: str,
    character: dict[str, str],
) -> None:
    moves = made(team, creator, account, name="Side wave")
    chosen = character | {"template_video": moves.asset.public_id, "account": second.public_id}
    text = client_of(creator).get(dance, chosen).content.decode()
    sentence = (
        f"The template “Side wave” of this video is known on account {account.label}. On "
        "South-2 it is made anew for $0.1170."
    )
    assert sentence in words(text)
    assert "$0.2340" in text
    button = parse(text).one("button[name=pick_template]")
    for url, data in ((reverse("jobs:price", args=[team.slug]), HX), (dance, {})):
        sent = chosen | {"pick_template": button["value"]}
        client = client_of(creator)
        answer = client.get(url, sent, **data) if data else client.post(url, sent | {"do": ""})
        query = parse_qs(urlsplit(answer["HX-Replace-Url"] if data else answer["Location"]).query)
        assert query["template"] == [moves.public_id]
        assert "template_video" not in query
    # nobody chose an account, or the one that is the same at Alibaba: then it is simply used
    Account.objects.filter(pk=second.pk).update(same_as=account)
    for fields in (chosen, character | {"template_video": moves.asset.public_id}):
        text = client_of(creator).get(dance, fields).content.decode()
        assert "is the video of the template “Side wave”" in words(text)
        assert "$0.1170" in text


def test_template_on_an_account_without_a_key_is_not_offered(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    second: Account,
    dance: str,
    character: dict[str, str],
) -> None:
    moves = makers.template(team, second)
    agreed(team, creator)
    second.keys.update(active=False)
    text = (
        client_of(creator)
        .get(dance, character | {"template_video": moves.asset.public_id})
        .content.decode()
    )
    assert "is the video of the template" not in text
    assert can_be_made(text)


def test_half_body_is_advised_against_beside_the_background_with_one_click(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    dance: str,
    character: dict[str, str],
) -> None:
    Check.objects.update(facts={"bodystyle": "half"})
    fields = character | {"template": makers.template(team, account).public_id}
    text = client_of(creator).get(dance, fields).content.decode()
    shown = parse(text)
    button = shown.named("button[name^=pick_]", "Use the picture’s background")
    parts = shown.all("legend, .notice, #price")
    background = parts.index(shown.named("legend", "Background"))
    advice = parts.index(shown.named(".notice", "has to invent the legs"))
    assert background < advice < parts.index(shown.one("#price"))
    # the radio that is set the other way comes with the same form
    sent = fields | {"use_ref_img_bg": "false", button["name"]: button["value"]}
    answer = client_of(creator).get(reverse("jobs:price", args=[team.slug]), sent, **HX)
    assert "use_ref_img_bg=true" in answer["HX-Replace-Url"]
    assert "has to invent the legs" not in answer.content.decode()
    assert '<legend class="label">Shape</legend>' in answer.content.decode()
    assert "use_ref_img_bg=true" in client_of(creator).post(dance, sent)["Location"]


def test_nonsense_in_a_button_of_a_choice_falls_back(
    client_of: ClientOf, creator: User, dance: str, character: dict[str, str]
) -> None:
    answer = client_of(creator).get(
        dance,
        character | {"pick_use_ref_img_bg": "sideways", "pick_template": "x", "pick_key": "y"},
    )
    assert answer.status_code == 200
