"""Who may call, and what a body must have."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from jobs.catalogue.entries import MODELS
from jobs.simulator import Simulator
from jobs.simulator.answers import (
    NEEDS_ASYNC,
    NEEDS_SYNC,
    NO_KEY,
    OSS_UNREAD,
    WRONG_PATH,
)
from tests.jobs.simulator.service.caller import (
    DETECT,
    SYNTHESIS,
    TEMPLATE,
    emo,
    get,
    post,
    said,
)


def test_key_is_asked_for(sim: Simulator, host: str) -> None:
    assert said(post(sim, SYNTHESIS, emo(host), headers={"Authorization": ""})) == (
        401,
        "InvalidApiKey",
        NO_KEY,
    )
    for key in ("nonsense", "sk-refused-1", "sk-sp-plan"):
        assert said(post(sim, SYNTHESIS, emo(host), key=key))[:2] == (401, "InvalidApiKey")
    assert said(requests.get(sim.url + "/tasks/", timeout=9)) == (401, "InvalidApiKey", NO_KEY)


def test_money_keys_are_refused_only_where_money_is_spent(sim: Simulator, host: str) -> None:
    assert said(post(sim, SYNTHESIS, emo(host), key="sk-arrears"))[:2] == (400, "Arrearage")
    assert said(post(sim, SYNTHESIS, emo(host), key="sk-quota"))[:2] == (
        403,
        "AllocationQuota.FreeTierOnly",
    )
    assert get(sim, "/tasks/", key="sk-arrears")["total"] == 0


def test_async_header_is_required_or_forbidden(sim: Simulator, host: str) -> None:
    assert said(post(sim, SYNTHESIS, emo(host), headers={"X-DashScope-Async": ""})) == (
        403,
        "AccessDenied",
        NEEDS_ASYNC,
    )
    body = {
        "model": "emo-detect-v1",
        "input": {"image_url": host + "portrait.jpg"},
        "parameters": {"ratio": "1:1"},
    }
    assert said(post(sim, DETECT, body, headers={"X-DashScope-Async": "enable"})) == (
        403,
        "AccessDenied",
        NEEDS_SYNC,
    )


def test_path_and_model_must_match(sim: Simulator, host: str) -> None:
    assert said(post(sim, TEMPLATE, emo(host))) == (400, "InvalidParameter", WRONG_PATH)
    assert said(post(sim, SYNTHESIS, emo(host) | {"model": "emo-v9"}))[:2] == (404, "ModelNotFound")
    assert said(post(sim, SYNTHESIS, emo(host) | {"model": ""}))[1] == "BadRequest.EmptyModel"


def test_body_must_be_json(sim: Simulator) -> None:
    headers = {"Authorization": "Bearer sk-a", "X-DashScope-Async": "enable"}
    for content_type, text in (
        ("text/plain", "{}"),
        ("application/json", "{"),
        ("application/json", "[]"),
    ):
        answer = requests.post(
            sim.url + SYNTHESIS,
            data=text,
            headers=headers | {"Content-Type": content_type},
            timeout=9,
        )
        assert answer.status_code == 400
        assert answer.json()["code"] in ("InvalidParameter", "BadRequest.IllegalInput")


def test_every_model_of_the_catalogue_is_served(sim: Simulator) -> None:
    for model in MODELS.values():
        answer = post(sim, model.path, {"model": model.name, "input": {"x": 1}, "parameters": {}})
        assert answer.status_code == 400, model.name
        assert answer.json()["code"] == "InvalidParameter", (model.name, answer.text)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"image_url": None}, "InvalidParameter", "Field required: input.image_url"),
        (
            {"audio_url": ""},
            "InvalidURL",
            "Required URL is missing or invalid, please check the request URL.",
        ),
        ({"image_url": "ftp://x/y.png"}, "InvalidURL", "Invalid URL provided in your request."),
        ({"image_url": "http://x/é.png"}, "InvalidURL", "Invalid URL provided in your request."),
        ({"face_bbox": None}, "InvalidParameter", "Invalid bbox input"),
        ({"face_bbox": [1, 2, 3]}, "InvalidParameter", "Invalid bbox input"),
        ({"face_bbox": [1.5, 2, 300, 400]}, "InvalidParameter", "Invalid bbox input"),
        ({"face_bbox": [True, 2, 300, 400]}, "InvalidParameter", "Invalid bbox input"),
        ({"ext_bbox": [900, 0, 7, 950]}, "InvalidParameter", "Invalid bbox input"),
        ({"ext_bbox": [0, 0, 900, 500]}, "InvalidParameter", "Invalid ext_bbox."),
        (
            {"image_url": "oss://dashscope-instant/a/b.png"},
            "InvalidParameter.DataInspection",
            OSS_UNREAD,
        ),
    ],
)
def test_inputs_of_emo(
    sim: Simulator, host: str, changes: dict[str, Any], code: str, message: str
) -> None:
    before = len(sim.tasks)
    assert said(post(sim, SYNTHESIS, emo(host, **changes))) == (400, code, message)
    assert len(sim.tasks) == before


def test_parameters(sim: Simulator, host: str) -> None:
    bad_style = emo(host) | {"parameters": {"style_level": "wild"}}
    assert said(post(sim, SYNTHESIS, bad_style)) == (
        400,
        "InvalidParameter",
        "The style_level is invalid.",
    )
    dance = {
        "model": "animate-anyone-gen2",
        "input": {"image_url": host + "character.png", "template_id": "AACT.x"},
    }
    assert said(post(sim, SYNTHESIS, dance)) == (
        400,
        "InvalidFile.Template.Content",
        "Invalid template content.",
    )
    wrong = dance | {"parameters": {"use_ref_img_bg": True, "video_ratio": "1:1"}}
    assert said(post(sim, SYNTHESIS, wrong))[2] == "parameters.video_ratio must be 9:16 or 3:4."
    ignored = dance | {"parameters": {"use_ref_img_bg": False, "video_ratio": "1:1"}}
    assert said(post(sim, SYNTHESIS, ignored))[1] == "InvalidFile.Template.Content"
    assert (
        said(post(sim, SYNTHESIS, dance | {"parameters": {"use_ref_img_bg": "yes"}}))[1]
        == "InvalidParameter"
    )
    move = {
        "model": "wan2.2-animate-move",
        "input": {"image_url": host + "a.png", "video_url": host + "dance.mp4"},
        "parameters": {"check_image": True},
    }
    assert said(post(sim, SYNTHESIS, move))[2] == "Field required: parameters.mode"
