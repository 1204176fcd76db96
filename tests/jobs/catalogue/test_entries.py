from __future__ import annotations

from decimal import Decimal

import pytest

from jobs.catalogue import entries
from jobs.catalogue.entries import BadChoice, Kind


@pytest.mark.parametrize("model", entries.MODELS.values(), ids=lambda m: m.name)
def test_each_declaration_is_whole(model: entries.Model) -> None:
    assert model.prices
    assert {price.currency for price in model.prices} >= {"USD", "CNY"}
    if model.kind is Kind.CHECK:
        assert model.verdict
        assert model.inputs_of("image")
    else:
        assert model.result
        assert model.input(model.length_of)
        assert model.concurrency == 1
    if model.check:
        check = entries.get(model.check)
        assert check.kind is Kind.CHECK
        for box in model.inputs_of("box"):
            assert box.from_check in check.facts
    if model.variant:
        variants = {price.variant for price in model.prices}
        assert {word for _, word in model.variant.words} == variants
        assert {model.variant_of({model.variant.chosen: value}) for value in variants} == variants
    for name in model.successors:
        entries.get(name)


def test_body_is_the_seeds_body() -> None:
    body = entries.body(
        entries.EMO,
        "emo-v1",
        {
            "image_url": "https://a/p.png",
            "audio_url": "https://a/s.mp3",
            "face_bbox": [302, 286, 610, 593],
            "ext_bbox": [71, 9, 840, 778],
        },
        {"ratio": "1:1", "style_level": "normal"},
    )
    assert body == {
        "model": "emo-v1",
        "input": {
            "image_url": "https://a/p.png",
            "audio_url": "https://a/s.mp3",
            "face_bbox": [302, 286, 610, 593],
            "ext_bbox": [71, 9, 840, 778],
        },
        "parameters": {"style_level": "normal"},
    }


def test_a_ratio_without_effect_is_not_sent() -> None:
    inputs = {"image_url": "https://a/p.png", "template_id": "AACT.1"}
    video = entries.body(
        entries.AA, "animate-anyone-gen2", inputs, {"use_ref_img_bg": False, "video_ratio": "3:4"}
    )
    picture = entries.body(
        entries.AA, "animate-anyone-gen2", inputs, {"use_ref_img_bg": True, "video_ratio": "3:4"}
    )
    assert video["parameters"] == {"use_ref_img_bg": False}
    assert picture["parameters"] == {"use_ref_img_bg": True, "video_ratio": "3:4"}


def test_watermark_goes_into_input() -> None:
    body = entries.body(
        entries.MOVE,
        "wan2.2-animate-move",
        {"image_url": "https://a/p", "video_url": "https://a/v"},
        {"mode": "wan-pro", "watermark": True},
    )
    assert body["input"]["watermark"] is True
    assert body["parameters"] == {"mode": "wan-pro", "check_image": True}


def test_choices_from_the_command_line_are_read() -> None:
    assert entries.clean_choices(entries.AA, {"use_ref_img_bg": "true"})["use_ref_img_bg"] is True
    with pytest.raises(BadChoice, match=r"ratio cannot be “2:1”; it may be 1:1, 3:4"):
        entries.clean_choices(entries.EMO, {"ratio": "2:1"})
    with pytest.raises(BadChoice, match="no parameter “speed”"):
        entries.clean_choices(entries.EMO, {"speed": "2"})


@pytest.mark.parametrize(
    ("said", "units"),
    [
        (13.93, Decimal("13.93")),
        (5, Decimal(5)),
        ("10.23", Decimal("10.23")),
        (None, None),
        (True, None),
        (float("nan"), None),
        (-1, None),
        ({}, None),
    ],
)
def test_billed_seconds_are_read_exactly(said: object, units: Decimal | None) -> None:
    assert entries.billed_units(entries.EMO, {"video_duration": said}) == units


def test_results_differ_by_model() -> None:
    assert (
        entries.result_of(entries.EMO, {"results": {"video_url": "http://x/1.mp4"}})
        == "http://x/1.mp4"
    )
    assert entries.result_of(entries.AA, {"video_url": "http://x/1.mp4"}) == "http://x/1.mp4"
    assert entries.result_of(entries.AA_TEMPLATE, {"template_id": "AACT.1"}) == "AACT.1"
    assert entries.result_of(entries.EMO, {"results": [1]}) is None
