"""One press makes a file fit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.models import Account, Check, LedgerEntry
from studio.files import edit_queue
from studio.models import Asset, Consent, Team, User
from tests import makers
from tests.html import parse, text
from tests.jobs.pages.create.fixes.pictures import CROP, HX, ClientOf


def test_under_the_sentence_stands_what_can_be_done_and_what_it_costs(
    client_of: ClientOf, creator: User, team: Team, webp: dict[str, str]
) -> None:
    html = client_of(creator).get(reverse("jobs:dance", args=[team.slug]), webp).content.decode()
    assert "The file is WebP; this model takes JPG, PNG, BMP." in html
    assert "Convert it to JPG and check — $0.0006" in text(html)
    assert f'formaction="{reverse("jobs:fix", args=[team.slug])}"' in html
    assert "Check the picture" not in text(html), "the check comes with the fix"


def test_one_press_converts_the_picture_and_has_it_checked(
    client_of: ClientOf, creator: User, team: Team, url: str, webp: dict[str, str], rung: list[int]
) -> None:
    answer = client_of(creator).post(url, webp | {"fix": "auto:image_url"}, **HX)
    made = Asset.objects.get(origin="edit")
    assert (made.format, made.parent.public_id, made.owner) == ("jpeg", webp["image_url"], creator)
    check = Check.objects.get()
    assert (check.asset, check.model, check.state) == (
        made,
        "animate-anyone-detect-gen2",
        "waiting",
    )
    assert [entry.held for entry in LedgerEntry.objects.all()] == [574]
    html = answer.content.decode()
    assert f'name="image_url" value="{made.public_id}"' in html
    assert f"image_url={made.public_id}" in answer["HX-Replace-Url"]
    assert "Checking the picture" in text(html)
    assert "this model takes" not in html


def test_the_same_fix_again_is_free_because_its_verdict_is_known(
    client_of: ClientOf, creator: User, team: Team, url: str, webp: dict[str, str], rung: list[int]
) -> None:
    client = client_of(creator)
    client.post(url, webp | {"fix": "auto:image_url"}, **HX)
    Check.objects.update(state="refused", sentence="Nobody is in the picture.")
    html = client.get(reverse("jobs:dance", args=[team.slug]), webp).content.decode()
    assert "Convert it to JPG — free" in text(html)
    html = client.post(url, webp | {"fix": "auto:image_url"}, **HX).content.decode()
    assert (
        Asset.objects.filter(origin="edit").count(),
        Check.objects.count(),
        LedgerEntry.objects.count(),
    ) == (1, 1, 1)
    assert "Nobody is in the picture." in html


def test_without_a_script_the_button_leads_back_to_the_draft(
    client_of: ClientOf, creator: User, team: Team, url: str, webp: dict[str, str], rung: list[int]
) -> None:
    answer = client_of(creator).post(url, webp | {"fix": "auto:image_url", "title": "Spring"})
    made = Asset.objects.get(origin="edit")
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("jobs:dance", args=[team.slug]))
    assert f"image_url={made.public_id}" in answer["Location"]
    assert "title=Spring" in answer["Location"]


def test_a_model_without_a_check_says_that_the_fix_is_free(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    picture = makers.asset(team, width=5000, height=5000)
    html = client_of(creator).get(
        reverse("jobs:dance", args=[team.slug]),
        {"model": "wan2.2-animate-move", "image_url": picture.public_id},
    )
    assert "Scale it to 4096 px — free" in text(html.content.decode())


def test_what_cannot_be_mended_has_no_button_and_cannot_be_asked_for(
    client_of: ClientOf, creator: User, team: Team, url: str, account: Any
) -> None:
    small = makers.asset(team, width=300, height=300)
    fields = {"page": "portrait", "image_url": small.public_id}
    assert (
        'value="auto:'
        not in client_of(creator)
        .get(reverse("jobs:portrait", args=[team.slug]), fields)
        .content.decode()
    )
    answer = client_of(creator).post(url, fields | {"fix": "auto:image_url"}, **HX)
    assert "Nothing can be done about this file here." in answer.content.decode()
    assert Asset.objects.count() == 1


@pytest.mark.parametrize("fix", ["auto:image_url", "auto:nothing", "", "crop", ":::"])
def test_nonsense_gets_a_sentence(
    client_of: ClientOf, creator: User, team: Team, url: str, account: Any, fix: str
) -> None:
    answer = client_of(creator).post(url, {"page": "portrait", "fix": fix}, **HX)
    assert (answer.status_code, "Choose a file first." in answer.content.decode()) == (200, True)


def test_a_file_of_another_team_is_not_edited(
    client_of: ClientOf, creator: User, stranger: User, url: str, account: Any
) -> None:
    foreign = makers.asset(stranger.teams.get())
    client_of(creator).post(url, CROP | {"page": "portrait", "image_url": foreign.public_id}, **HX)
    assert not Asset.objects.filter(origin="edit").exists()


def test_cards_say_what_can_be_mended_and_may_be_picked(
    client_of: ClientOf, creator: User, team: Team, account: Any
) -> None:
    makers.asset(team, name="small.jpg", width=100, height=100)
    makers.asset(team, name="odd.webp", extension="webp", format="webp")
    makers.asset(team, name="fits.jpg")
    html = (
        client_of(creator)
        .get(reverse("jobs:dance", args=[team.slug]), {"page": "dance"})
        .content.decode()
    )
    names = ["fits.jpg", "odd.webp", "small.jpg"]
    cards = [card for card in parse(html).all("li") if any(name in card.text for name in names)]
    fits, odd, small = cards
    assert [name in card.text for name, card in zip(names, cards, strict=True)] == [True] * 3
    assert [card.has("input[disabled]") for card in cards] == [False, False, True]
    assert "can be fixed here" in odd.text
    assert "100 × 100 px; the short side needs" in small.text
    assert "can be fixed here" not in fits.text


def test_a_tick_for_the_picture_holds_for_its_crop(
    client_of: ClientOf,
    creator: User,
    team: Team,
    url: str,
    portrait: dict[str, str],
    rung: list[int],
) -> None:
    answer = client_of(creator).post(
        url, portrait | CROP | {"consent_image_url": portrait["image_url"]}, **HX
    )
    made = Asset.objects.get(origin="edit")
    assert f"consent_image_url={made.public_id}" in answer["HX-Replace-Url"]
    assert not Consent.objects.exists(), "it is written at the click that makes the video"


def test_pages_of_edits_keep_the_strict_policy(
    client_of: ClientOf,
    creator: User,
    team: Team,
    url: str,
    moves: dict[str, str],
    webp: dict[str, str],
    rung: list[int],
) -> None:
    for html in (
        client_of(creator).post(url, moves | {"fix": "auto:video_url"}, **HX).content.decode(),
        client_of(creator).get(reverse("jobs:dance", args=[team.slug]), webp).content.decode(),
    ):
        parse(html).obeys_the_policy()
        ids = parse(html).values("*", "id")
        assert len(ids) == len(set(ids))


def test_a_viewer_edits_nothing(
    client_of: ClientOf, viewer: User, team: Team, url: str, portrait: dict[str, str]
) -> None:
    assert client_of(viewer).post(url, portrait | CROP).status_code == 403
    assert client_of(viewer).get(url, portrait).status_code == 403


def test_the_page_of_a_file_shows_what_it_was_made_from_and_what_was_made_of_it(
    client_of: ClientOf, viewer: User, creator: User, team: Team, portrait: dict[str, str]
) -> None:
    parent = Asset.objects.get()
    edit_queue.consent(parent, creator, "The team may use this person’s likeness.")
    child = edit_queue.change(
        parent, {"do": "picture", "box": [0, 0, 450, 450], "angle": 2.0}, creator
    )
    client = client_of(viewer)
    html = client.get(child.get_absolute_url()).content.decode()
    assert (
        f'Made from</dt><dd><a href="{parent.get_absolute_url()}">Mia.jpg</a>: straightened, '
        "cropped" in html
    )
    assert "Chidi on " in html
    assert "The team may use this person’s likeness." in html
    html = client.get(parent.get_absolute_url()).content.decode()
    assert "Made from" not in html
    assert (
        f'<a href="{child.get_absolute_url()}">Mia, straightened, cropped 1:1.jpg</a>: '
        "straightened, cropped" in html
    )


def test_a_file_without_a_word_says_nothing_of_it(
    client_of: ClientOf, viewer: User, team: Team, portrait: dict[str, str]
) -> None:
    assert (
        "Consent</dt>"
        not in client_of(viewer).get(Asset.objects.get().get_absolute_url()).content.decode()
    )


@pytest.mark.parametrize(
    "spec",
    [model for page in ("portrait", "dance") for model in models_of(page)],
    ids=lambda spec: spec.name,
)
def test_what_a_swap_leaves_alone_can_be_found_by_htmx(
    client_of: ClientOf, creator: User, team: Team, account: Account, spec: entries.Model
) -> None:
    page = "portrait" if spec in models_of("portrait") else "dance"
    fields = {"model": spec.name, spec.inputs_of("image")[0].name: makers.asset(team).public_id}
    html = (
        client_of(creator).get(reverse(f"jobs:{page}", args=[team.slug]), fields).content.decode()
    )
    kept = parse(html).values("[hx-preserve]", "id")
    assert len(kept) >= 2
    assert [one for one in kept if not re.fullmatch(r"[A-Za-z][\w-]*", one)] == []
