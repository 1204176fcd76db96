"""Retired models: what is said and when, the way on with its price, and that what was chosen goes
along as far as the successor takes it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from jobs.catalogue import entries
from jobs.catalogue.create_pages import page_of
from jobs.common.errors import Refused
from jobs.models import Account
from jobs.orders import plan, trim
from jobs.pages.create import model_retirement
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import file_fields, form_value
from jobs.pages.create.draft_form import DraftForm
from jobs.pages.create.successor_draft import SuccessorDraft
from studio.models import Asset, Team, User
from tests import makers
from tests.html import text as shown

ClientOf = Callable[[User], Client]
WAYS = [
    (model.name, to.name)
    for model in entries.MODELS.values()
    if model.retires_at is not None and page_of(model)
    for to in model_retirement.successors_of(model)
]


def draft_of(team: Team, model: str, **fields: Any) -> Draft:
    data = {name: getattr(value, "public_id", value) for name, value in fields.items()}
    return DraftForm(data, spec=entries.get(model), team=team).draft


def read(team: Team, url: str) -> Draft:
    """The draft that the page at `url` would have."""
    data = {
        name: values[-1]
        for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()
    }
    return DraftForm(data, spec=entries.get(data["model"]), team=team).draft


def files_by_kind(draft: Draft) -> dict[str, Asset]:
    found = {asset.kind: asset for asset in draft.files.values()}
    video = draft.template_video or (draft.template.asset if draft.template is not None else None)
    return found | ({"video": video} if video is not None else {})


def test_every_retired_model_that_a_page_makes_has_a_way_on() -> None:
    assert {model for model, _to in WAYS} == {
        "emo-v1",
        "animate-anyone-gen2",
        "animate-anyone-template-gen2",
    }
    assert ("emo-v1", "wan2.2-s2v") in WAYS
    assert {to for model, to in WAYS if model == "animate-anyone-gen2"} == {
        "wan2.2-animate-move",
        "wan2.2-animate-mix",
    }


def drafts(team: Team, account: Account, model: str) -> list[Draft]:
    """Drafts of `model` with nothing, with one file, with all files short and long, with parts of a
    speech, and each choice once."""
    spec = entries.get(model)
    files = {
        ("image", 0): makers.asset(team),
        ("audio", 0): makers.asset(team, "audio", milliseconds=6_000),
        ("audio", 1): makers.asset(team, "audio", milliseconds=70_000),
        ("video", 0): makers.asset(team, "video", milliseconds=6_000),
        ("video", 1): makers.asset(team, "video", milliseconds=55_000),
    }
    found: list[dict[str, Any]] = [{}]
    for long in (0, 1):
        given = {
            field.name: files.get((field.kind, long), files.get((field.kind, 0)))
            for field in file_fields(spec)
        }
        found += [given, dict(list(given.items())[:1])]
        found += [
            {**given, f"keep_{field.name}": "1000-4000.5000-60000"}
            for field in file_fields(spec)
            if field.kind == "audio" and long
        ]
    full = found[1]
    found += [{**full, p.name: form_value(value)} for p in spec.choices() for value in p.values]
    found += [{**full, "title": "Ünder & over?", "account": account}]
    found += [{**full, **{f"consent_{name}": file for name, file in full.items()}}]
    if spec.makes:
        picture = {"image_url": files["image", 0]}
        for forgotten in (False, True):
            moves = makers.template(
                team, account, makers.asset(team, "video", milliseconds=40_000), forgotten=forgotten
            )
            found.append({**picture, "template": moves})
        nowhere = makers.template(team, account, name="adopted")
        nowhere.asset = None
        nowhere.save(update_fields=["asset"])
        found.append({**picture, "template": nowhere})
    return [draft_of(team, model, **fields) for fields in found]


@pytest.mark.parametrize(("model", "to"), WAYS)
def test_translation_leads_to_a_page_with_the_same_files_by_kind(
    client_of: ClientOf, creator: User, team: Team, account: Account, model: str, to: str
) -> None:
    client, there = client_of(creator), entries.get(to)
    kinds = {field.kind for field in file_fields(there)}
    for number, draft in enumerate(drafts(team, account, model)):
        way = SuccessorDraft(draft, there, account)
        answer = client.get(way.url)
        assert answer.status_code == 200, (number, way.url)
        assert there.label in answer.content.decode()
        found = read(team, way.url)
        assert found.spec is there
        mine = files_by_kind(draft)
        assert files_by_kind(found) == {
            kind: asset for kind, asset in mine.items() if kind in kinds
        }
        assert found.title == draft.title
        assert {found.asset(name) for name in found.consented} == {
            draft.asset(name) for name in draft.consented
        } & set(files_by_kind(found).values())
        for file in way.carried:
            most = trim.longest(file.field.limits, file.whole)
            assert file.milliseconds <= most
            if file.parts is not None:
                assert found.trims[file.field.name] == file.parts
                assert not found.problems.get(file.field.name), (
                    "a speech is cut to what the successor takes"
                )
        for parameter, other in itertools.product(draft.spec.choices(), there.choices()):
            if parameter.name == other.name and draft.chosen[parameter.name] in other.values:
                assert found.chosen[other.name] == draft.chosen[parameter.name]
        if found.milliseconds is not None and not found.problems:
            assert found.milliseconds == way.milliseconds


@pytest.mark.parametrize(("model", "to"), WAYS)
def test_price_that_is_told_is_the_price_there(
    creator: User, team: Team, account: Account, model: str, to: str
) -> None:
    priced = 0
    for draft in drafts(team, account, model):
        way = SuccessorDraft(draft, entries.get(to), account)
        try:
            there = plan.estimate(read(team, way.url).order(creator))
        except Refused:
            continue
        priced += 1
        assert way.quote is not None
        assert way.quote.micros == there.micros
        assert way.total
        assert way.total in way.price(None)
    assert priced or not entries.get(model).inputs_of("image"), (
        "a template's draft has no picture, so the video there has no price yet"
    )


def test_speech_of_ten_seconds_with_its_difference_in_price(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    speech = makers.asset(team, "audio", milliseconds=10_000)
    fields = {"image_url": makers.asset(team).public_id, "audio_url": speech.public_id}
    page = shown(
        client_of(creator).get(reverse("jobs:portrait", args=[team.slug]), fields).content.decode()
    )
    # 10 s × $0.071684 is $0.71684; here 10 s × $0.011469
    assert "Wan speech to video $0.7168 for these 10.0 s, +$0.6022" in page.replace("\xa0", " ")
    assert "Make the same with Wan speech to video" in page
    assert "Does not go along: Shape: 1:1 head, Style: Normal." in page
    assert "Its own check of the picture costs $0.0006, once." in page


def test_check_that_is_known_there_costs_nothing_more(team: Team, account: Account) -> None:
    picture = makers.asset(team)
    makers.check(picture, account, "wan2.2-s2v-detect")
    way = SuccessorDraft(
        draft_of(team, "emo-v1", image_url=picture), entries.get("wan2.2-s2v"), account
    )
    assert way.check_note == ""


def test_long_speech_says_how_much_of_it_is_kept(team: Team, account: Account) -> None:
    speech = makers.asset(team, "audio", milliseconds=41_200)
    draft = draft_of(
        team,
        "emo-v1",
        image_url=makers.asset(team),
        audio_url=speech,
        keep_audio_url="1200-11200.15200-41200",
    )
    way = SuccessorDraft(draft, entries.get("wan2.2-s2v"), account)
    assert way.fields["keep_audio_url"] == "1200-11200.15200-25199"
    assert way.milliseconds == 19_999
    assert (
        way.notes[0].replace("\xa0", " ")
        == "It takes less than 20 s: the first 20.0 s of the 36.0 s go along."
    )
    assert (
        way.price(None)
        .replace("\xa0", " ")
        .startswith("$1.4336 for 20.0 s of these 36.0 s, +$1.02")
    )


def test_long_video_goes_along_whole_and_is_cut_there_with_one_click(
    creator: User, team: Team, account: Account
) -> None:
    moves = makers.template(team, account, makers.asset(team, "video", milliseconds=45_000))
    draft = draft_of(team, "animate-anyone-gen2", image_url=makers.asset(team), template=moves)
    for name in ("wan2.2-animate-move", "wan2.2-animate-mix"):
        way = SuccessorDraft(draft, entries.get(name), account)
        assert way.fields["video_url"] == moves.asset.public_id
        # its last frame must not stand over the limit of 30 s
        assert way.milliseconds == 29_950
        assert (
            way.notes[0].replace("\xa0", " ")
            == "It takes at most 30 s: the first 30.0 s of the 45.0 s can be kept there with one "
            "click."
        )
    assert way.lost == ["Background: Video"]


def test_template_whose_video_is_gone_is_told(team: Team, account: Account) -> None:
    moves = makers.template(team, account, name="Adopted moves")
    moves.asset = None
    moves.save(update_fields=["asset"])
    draft = draft_of(
        team, "animate-anyone-gen2", template=moves, use_ref_img_bg="true", video_ratio="3:4"
    )
    way = SuccessorDraft(draft, entries.get("wan2.2-animate-mix"), account)
    assert way.lost == [
        "Background: Picture",
        "Shape: 3:4",
        "the template “Adopted moves”, whose video is not here",
    ]
    assert "video_url" not in way.fields


def test_what_does_not_fit_there_is_told(team: Team, account: Account) -> None:
    wide = makers.asset(team, width=1400, height=350)
    draft = draft_of(team, "emo-v1", image_url=wide)
    assert (
        SuccessorDraft(draft, entries.get("wan2.2-s2v"), account)
        .notes[0]
        .startswith("Portrait: The picture is 1400 × 350 px; the short side")
    )


def test_choice_that_both_know_is_carried_and_an_unknown_value_is_not(
    team: Team, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = entries.get("wan2.2-s2v")
    style = entries.get("emo-v1").parameter("style_level")
    for words, expected in ((style.words, "calm"), (style.words[1:], "normal")):
        there = replace(spec, parameters=(*spec.parameters, replace(style, words=words)))
        way = SuccessorDraft(draft_of(team, "emo-v1", style_level="calm"), there, account)
        assert way.chosen["style_level"] == expected
        assert ("Style: Calm" in way.lost) == (expected != "calm")


def test_account_goes_along_where_it_has_the_model(team: Team, account: Account) -> None:
    second = makers.account(team, label="South", key="sk-test-0002")
    far = makers.account(team, label="Far", key="sk-test-0003")
    far.region = "ap-southeast-1"
    far.save(update_fields=["region"])
    to = entries.get("wan2.2-s2v")
    assert (
        model_retirement.translate(draft_of(team, "emo-v1", account=second), to)["account"]
        == second.public_id
    )
    assert "account" not in model_retirement.translate(draft_of(team, "emo-v1", account=far), to)
    assert "account" not in model_retirement.translate(draft_of(team, "emo-v1"), to)
    moves = makers.template(team, second)
    assert model_retirement.translate(
        draft_of(team, "animate-anyone-gen2", template=moves), entries.get("wan2.2-animate-move")
    )["account"] == (second.public_id)


def test_video_that_is_being_made_over_goes_along_with_its_edit(
    team: Team, account: Account, creator: User
) -> None:
    video = makers.asset(team, "video", fps=20.0)
    edit = team.edits.create(asset=video, recipe={"do": "film", "fps": 24}, word="w", owner=creator)
    draft = draft_of(team, "animate-anyone-gen2", template_video=video, edit_template_video=edit)
    assert draft.edits
    found = read(team, SuccessorDraft(draft, entries.get("wan2.2-animate-move"), account).url)
    assert found.edits == {"video_url": edit}
