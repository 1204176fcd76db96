"""A picture is cropped."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.models import Check
from studio.models import Asset, Team, User
from tests import makers
from tests.html import parse
from tests.jobs.pages.create.fixes.pictures import CROP, HX, ClientOf


def test_the_crop_has_fields_shapes_and_its_price(
    client_of: ClientOf, creator: User, team: Team, portrait: dict[str, str]
) -> None:
    html = (
        client_of(creator)
        .get(reverse("jobs:portrait", args=[team.slug]), portrait)
        .content.decode()
    )
    crop = parse(html).one("details[data-crop]")
    assert crop.values("[name^=crop_]", "name") == [
        "crop_angle",
        "crop_left",
        "crop_top",
        "crop_width",
        "crop_height",
    ]
    assert crop.values("option", "value") == [
        "512:512",
        "512:704",
        "free",
        "3:4",
        "9:16",
        "600:800",
    ]
    assert 'data-least="400"' in html
    assert "0 80 600 600" in crop.values("option", "data-frames"), (
        "without a face the largest square, a little above the middle"
    )
    assert "Face closer" not in crop.text
    assert "Crop and check — $0.0006" in crop.text


def test_a_known_face_can_be_come_closer_to(
    client_of: ClientOf, creator: User, team: Team, account: Any, portrait: dict[str, str]
) -> None:
    picture = Asset.objects.get(public_id=portrait["image_url"])
    makers.check(
        picture,
        account,
        facts={"face_bbox": [250, 200, 350, 320], "ext_bbox": [0, 0, 600, 600]},
        chosen={"ratio": "3:4"},
    )
    html = (
        client_of(creator)
        .get(reverse("jobs:portrait", args=[team.slug]), portrait)
        .content.decode()
    )
    assert "Face closer" in html
    frames = [
        [int(n) for n in frame.split()]
        for frame in parse(html).one("option[value='512:512']")["data-frames"].split(";")
    ]
    assert len(frames) > 1
    for left, top, width, height in frames:
        assert left <= 250 < 350 <= left + width
        assert top <= 200 < 320 <= top + height
        assert min(width, height) >= 400


def test_a_crop_is_made_and_checked_and_the_way_back_is_free(
    client_of: ClientOf,
    creator: User,
    team: Team,
    url: str,
    portrait: dict[str, str],
    rung: list[int],
) -> None:
    client = client_of(creator)
    html = client.post(url, portrait | CROP, **HX).content.decode()
    made = Asset.objects.get(origin="edit")
    assert (made.width, made.height, made.recipe["box"]) == (450, 500, [10, 20, 460, 520])
    assert Check.objects.get().asset == made
    back = parse(html).named("button[name=pick_image_url]", "Back to the original")["value"]
    assert back == portrait["image_url"]
    assert "Cropped" in html
    price = reverse("jobs:price", args=[team.slug])
    html = client.get(
        price, portrait | {"image_url": made.public_id, "pick_image_url": back}, **HX
    ).content.decode()
    assert f'name="image_url" value="{back}"' in html
    assert "Back to the original" not in html


def test_a_refused_picture_can_be_cropped_and_straightened(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Any,
    url: str,
    portrait: dict[str, str],
    rung: list[int],
) -> None:
    makers.check(
        Asset.objects.get(),
        account,
        state="refused",
        sentence="The face is too small.",
        answered_at=timezone.now(),
    )
    client = client_of(creator)
    assert (
        'value="crop:image_url"'
        in client.get(reverse("jobs:portrait", args=[team.slug]), portrait).content.decode()
    )
    client.post(
        url, portrait | CROP | {"crop_angle": "2.5", "crop_left": "0", "crop_top": "0"}, **HX
    )
    made = Asset.objects.get(origin="edit")
    assert made.recipe["angle"] == 2.5
    assert Check.objects.filter(asset=made, state="waiting").exists()


def test_a_frame_that_reaches_over_the_edge_ends_there(
    client_of: ClientOf,
    creator: User,
    team: Team,
    url: str,
    portrait: dict[str, str],
    rung: list[int],
) -> None:
    client_of(creator).post(
        url, portrait | CROP | {"crop_width": "5000", "crop_height": "700"}, **HX
    )
    made = Asset.objects.get(origin="edit")
    assert (made.width, made.height) == (590, 700)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"crop_width": "wide"}, "Say where the picture is to be cut"),
        ({"crop_left": "-4"}, "Say where the picture is to be cut"),
        ({"crop_angle": "90"}, "Say where the picture is to be cut"),
        ({"crop_angle": "nan"}, "Say where the picture is to be cut"),
        (
            {"crop_left": "0", "crop_top": "0", "crop_width": "600", "crop_height": "800"},
            "nothing would change",
        ),
        ({"crop_width": "399"}, "1 px short of the 400 px that its short side needs"),
        ({"crop_left": "700"}, "holds no part of the"),
    ],
)
def test_a_crop_that_cannot_be_is_refused_with_a_sentence_and_costs_nothing(
    client_of: ClientOf,
    creator: User,
    team: Team,
    url: str,
    portrait: dict[str, str],
    told: dict[str, str],
    sentence: str,
) -> None:
    answer = client_of(creator).post(url, portrait | CROP | told, **HX)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert f'name="image_url" value="{portrait["image_url"]}"' in answer.content.decode()
    assert (Asset.objects.count(), Check.objects.count()) == (1, 0)


def test_over_the_limit_the_crop_is_there_and_only_the_check_is_missing(
    client_of: ClientOf, creator: User, team: Team, url: str, portrait: dict[str, str]
) -> None:
    from jobs.models import Budget

    Budget.objects.create(team=team, member=creator, micros=100)
    html = client_of(creator).post(url, portrait | CROP, **HX).content.decode()
    made = Asset.objects.get(origin="edit")
    assert f'name="image_url" value="{made.public_id}"' in html
    assert "limit" in html
    assert not Check.objects.exists()
