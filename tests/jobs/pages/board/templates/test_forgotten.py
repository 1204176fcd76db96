"""A template that the service forgot, and dances with it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.urls import reverse

from jobs.catalogue import entries as catalogue
from jobs.common.states import State
from jobs.models import Account, Check, Job, Price, Template
from jobs.pages.create.draft_form import DraftForm
from studio.files import edit_queue
from studio.models import Team, User
from tests import makers
from tests.html import parse
from tests.html import text as words
from tests.jobs.pages.board.templates.made import DANCE, MAKER, ClientOf, entry, links, made

HX = {"headers": {"HX-Request": "true"}}


def agreed(team: Team, by: User) -> None:
    """Nobody has to be asked about the rights to any file."""
    for asset in team.assets.all():
        edit_queue.consent(asset, by, "yes")


def can_be_made(page: Any) -> bool:
    """Whether the button that makes it is there and on."""
    return parse(page).has("#generate:not([disabled])")


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
        f"The template “Side wave” of this video is known on connection {account.label}. On "
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
