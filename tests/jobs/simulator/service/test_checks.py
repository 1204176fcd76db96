"""Checks of pictures by the simulator."""

from __future__ import annotations

import pytest

from jobs.simulator import Simulator
from tests.jobs.simulator.service.caller import (
    check,
    said,
)


def test_portrait_passes_in_both_shapes(sim: Simulator, host: str) -> None:
    for ratio, aspect in (("1:1", 1), ("3:4", 0.75)):
        content = check(sim, host + "portrait.jpg", ratio=ratio).json()
        output = content["output"]
        assert output["check_pass"] is True
        assert content["usage"] == {"image_count": 1}
        left, top, right, bottom = output["ext_bbox"]
        assert (right - left) / (bottom - top) == pytest.approx(aspect, abs=0.002)
        face = output["face_bbox"]
        assert left <= face[0]
        assert top <= face[1]
        assert face[2] <= right <= 960
        assert face[3] <= bottom <= 1200
        assert abs((face[0] + face[2]) / 2 - 480) < 40  # the drawn head is in the middle


def test_characters_are_full_and_half(sim: Simulator, host: str) -> None:
    for name, style in (("character.png", "full"), ("character-half.png", "half")):
        assert check(sim, host + name, "animate-anyone-detect-gen2").json()["output"] == {
            "check_pass": True,
            "bodystyle": style,
        }


def test_nobody_is_refused_and_billed(sim: Simulator, host: str) -> None:
    before = sim.total_micros("sk-nobody")
    content = check(sim, host + "nobody.jpg", key="sk-nobody").json()
    assert content["output"]["check_pass"] is False
    assert content["output"]["code"] == "InvalidFile.NoHuman"
    dance = check(sim, host + "nobody.jpg", "animate-anyone-detect-gen2", key="sk-nobody").json()[
        "output"
    ]
    assert dance["bodystyle"] == ""
    assert dance["reason"] == content["output"]["message"]
    assert sim.total_micros("sk-nobody") - before == 2 * 574


def test_refusal_by_status_is_not_billed(host: str) -> None:
    with Simulator(refusal="alternate") as sim:
        first, second = check(sim, host + "nobody.jpg"), check(sim, host + "nobody.jpg")
        assert first.status_code == 200
        assert said(second)[:2] == (400, "InvalidFile.NoHuman")
        assert len(sim.bill()) == 1


def test_small_picture_is_a_verdict_and_a_broken_one_a_fault(sim: Simulator, host: str) -> None:
    assert check(sim, host + "small.png").json()["output"]["code"] == "InvalidFile.Resolution"
    assert said(check(sim, host + "text.png"))[:2] == (400, "InvalidURL")
    assert said(check(sim, host + "portrait.jpg", ratio="9:16"))[:2] == (400, "InvalidParameter")


def test_host_must_say_length_and_type(sim: Simulator, host: str) -> None:
    for name in ("nolength.png", "wrongtype", "missing.png"):
        assert said(check(sim, host + name))[:2] == (400, "InvalidParameter.DataInspection"), name
    assert said(check(sim, "http://127.0.0.1:1/a.png"))[:2] == (400, "InvalidURL.ConnectionRefused")
