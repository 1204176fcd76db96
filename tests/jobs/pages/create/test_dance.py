"""The page of the dancing character: template from the library or from a new video, background and
shape, and advice that refuses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.common.states import Code
from jobs.models import Check, Job, LedgerEntry
from studio.models import Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]
HX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:dance", args=[team.slug])


@pytest.fixture
def character(team: Team, account: Any) -> dict[str, str]:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    return {"page": "dance", "image_url": picture.public_id}


def test_templates_are_shown_with_account_and_uses_and_one_can_be_taken(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Any,
    page: str,
    character: dict[str, str],
) -> None:
    moves = makers.template(team, account, name="Raised arms", milliseconds=10_200)
    makers.job(team, creator, "animate-anyone-gen2", template=moves)
    gone = makers.template(team, account, name="Kick line", forgotten=True)
    html = client_of(creator).get(page, character).content.decode()
    assert f"{account.label} · used once" in html
    radios = parse(html).all("input[name=template]")
    offered = [one["value"] for one in radios if one["value"] in (moves.public_id, gone.public_id)]
    assert offered == [moves.public_id, gone.public_id]
    assert "The service has forgotten it. Made anew from its video: $0.0459." in html
    assert "disabled" not in parse(html).one(f"input[name=template][value='{gone.public_id}']")
    html = client_of(creator).get(page, character | {"template": moves.public_id}).content.decode()
    assert "10.2 s × $0.011469" in html
    assert parse(html).has(f"input[name=template][value='{moves.public_id}'][checked]")
    assert "$0.1170" in html
    client_of(creator).post(
        page, character | {"template": moves.public_id, "do": "make", "key": "a"}
    )
    job = Job.objects.latest("id")
    assert (job.template, job.needs, job.quote_micros) == (moves, None, 116_984)


def test_new_video_shows_both_prices_and_the_dance_waits_for_its_template(
    client_of: ClientOf, creator: User, team: Team, page: str, character: dict[str, str]
) -> None:
    video = makers.asset(team, "video", milliseconds=10_000)
    fields = character | {"template_video": video.public_id}
    html = client_of(creator).get(page, fields).content.decode()
    assert text(html).count("10 s × $0.011469") == 2
    assert "$0.2294" in html
    assert "the dance waits for it" in html
    client_of(creator).post(page, fields | {"do": "make", "key": "b"})
    dance, template = (
        Job.objects.get(model="animate-anyone-gen2"),
        Job.objects.get(model="animate-anyone-template-gen2"),
    )
    assert (dance.needs, dance.code) == (template, Code.NEEDS_TEMPLATE)
    assert sorted(LedgerEntry.objects.values_list("held", flat=True)) == [114_690, 114_690]


def test_video_of_a_known_template_is_not_paid_again(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Any,
    page: str,
    character: dict[str, str],
) -> None:
    moves = makers.template(team, account, name="Side wave")
    html = (
        client_of(creator)
        .get(page, character | {"pick_template_video": moves.asset.public_id})
        .content.decode()
    )
    assert "is the video of the template “Side wave”" in html
    assert (
        f"template={moves.public_id}"
        in client_of(creator).get(
            reverse("jobs:price", args=[team.slug]),
            character | {"pick_template_video": moves.asset.public_id},
            **HX,
        )["HX-Replace-Url"]
    )


def test_newest_choice_wins_between_template_and_video(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Any,
    page: str,
    character: dict[str, str],
) -> None:
    moves, video = makers.template(team, account), makers.asset(team, "video")
    both = character | {"template": moves.public_id, "template_video": video.public_id}
    price = reverse("jobs:price", args=[team.slug])
    # a template that is checked came after the video, because choosing a video takes the mark away
    assert (
        f"template={moves.public_id}" in client_of(creator).get(price, both, **HX)["HX-Replace-Url"]
    )
    assert (
        f"template_video={video.public_id}"
        in client_of(creator).get(
            price,
            character | {"template": moves.public_id, "pick_template_video": video.public_id},
            **HX,
        )["HX-Replace-Url"]
    )


def test_slow_video_is_refused_before_anything_is_paid(
    client_of: ClientOf, creator: User, team: Team, page: str, character: dict[str, str]
) -> None:
    slow = makers.asset(team, "video", fps=20.0)
    html = (
        client_of(creator)
        .get(page, character | {"template_video": slow.public_id})
        .content.decode()
    )
    assert "20 frames per second; 24 or more are needed" in html
    assert (
        client_of(creator)
        .post(page, character | {"template_video": slow.public_id, "do": "make", "key": "c"})
        .status_code
        == 422
    )
    assert not Job.objects.exists()


def test_shape_is_asked_only_for_the_picture_as_background(
    client_of: ClientOf, creator: User, page: str, character: dict[str, str]
) -> None:
    legend = '<legend class="label">Shape</legend>'
    assert legend not in client_of(creator).get(page, character).content.decode()
    html = (
        client_of(creator)
        .get(page, character | {"use_ref_img_bg": "true", "video_ratio": "3:4"})
        .content.decode()
    )
    assert legend in html
    # and it is remembered while it does not count
    html = client_of(creator).get(page, character | {"video_ratio": "3:4"}).content.decode()
    assert '<input type="hidden" name="video_ratio" value="3:4">' in html


def test_half_body_with_the_video_as_background_is_advised_against_and_not_refused(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Any,
    page: str,
    character: dict[str, str],
) -> None:
    Check.objects.update(facts={"bodystyle": "half"})
    fields = character | {"template": makers.template(team, account).public_id}
    html = client_of(creator).get(page, fields).content.decode()
    assert "has to invent the legs" in html
    assert "Half body" in html
    assert (
        "invent the legs"
        not in client_of(creator).get(page, fields | {"use_ref_img_bg": "true"}).content.decode()
    )
    assert client_of(creator).post(page, fields | {"do": "make", "key": "d"}).status_code == 302


def test_page_says_that_the_video_is_silent(client_of: ClientOf, creator: User, page: str) -> None:
    assert "The video has no sound." in client_of(creator).get(page).content.decode()


def test_successor_works_from_its_declaration_alone(
    client_of: ClientOf, creator: User, team: Team, account: Any, page: str
) -> None:
    picture, video = makers.asset(team), makers.asset(team, "video")
    fields = {
        "page": "dance",
        "model": "wan2.2-animate-mix",
        "image_url": picture.public_id,
        "video_url": video.public_id,
        "mode": "wan-pro",
    }
    html = client_of(creator).get(page, fields).content.decode()
    assert "Professional" in html
    assert not any("Check the picture" in said for said in parse(html).texts("button"))
    assert "New template from a video" not in html
    client_of(creator).post(page, fields | {"do": "make", "key": "e"})
    job = Job.objects.get()
    assert (job.variant, {i.name for i in job.inputs.all()}) == (
        "wan-pro",
        {"image_url", "video_url"},
    )


def test_only_a_template(client_of: ClientOf, creator: User, team: Team, account: Any) -> None:
    page = reverse("jobs:template", args=[team.slug])
    video = makers.asset(team, "video", milliseconds=10_000)
    html = client_of(creator).get(page, {"video_url": video.public_id}).content.decode()
    assert "$0.1147" in html
    answer = client_of(creator).post(
        page, {"video_url": video.public_id, "do": "make", "key": "f", "title": "Stairs"}
    )
    job = Job.objects.get()
    assert (job.model, job.title) == ("animate-anyone-template-gen2", "Stairs")
    assert answer["Location"] == job.get_absolute_url()
