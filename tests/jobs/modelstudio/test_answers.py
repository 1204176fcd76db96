"""Verdicts of a check, and looks at a task."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import (
    AccountTrouble,
    ModelGone,
    NoAnswer,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
)
from tests.jobs.modelstudio.server import (
    BOX,
    CHECK_BODY,
    Answer,
    Handler,
    Server,
    at,
    in_turn,
    says,
)


def test_a_pass_copies_the_declared_facts(server: Server) -> None:
    output = {
        "check_pass": True,
        "face_bbox": BOX,
        "ext_bbox": [71, 9, 840, 778],
        "humanoid": True,
        "new": 1,
    }
    server.answer = says({"output": output, "usage": {"image_count": 1}, "request_id": "r"})
    told = at(server).detect(entries.EMO_DETECT, CHECK_BODY)
    assert told.passed
    assert told.units == Decimal(1)
    assert told.request_id == "r"
    assert (told.code, told.message) == ("", "")
    assert told.facts == {"face_bbox": BOX, "ext_bbox": [71, 9, 840, 778], "humanoid": True}


NO_HUMAN = {
    "code": "InvalidFile.NoHuman",
    "message": "The input image has no human body. Please upload other image with single person.",
}


@pytest.mark.parametrize(
    ("model", "status", "payload", "code", "message", "units"),
    [
        (
            "emo-detect-v1",
            200,
            {
                "output": {"check_pass": False, "humanoid": False, "code": "", "message": ""},
                "usage": {"image_count": 1},
            },
            "",
            "",
            1,
        ),
        (
            "emo-detect-v1",
            200,
            {"output": {"check_pass": False, **NO_HUMAN}, "usage": {"image_count": 1}},
            NO_HUMAN["code"],
            NO_HUMAN["message"],
            1,
        ),
        ("emo-detect-v1", 400, NO_HUMAN, NO_HUMAN["code"], NO_HUMAN["message"], 0),
        ("emo-detect-v1", 400, {"output": NO_HUMAN}, NO_HUMAN["code"], NO_HUMAN["message"], 0),
        ("emo-detect-v1", 200, NO_HUMAN, NO_HUMAN["code"], NO_HUMAN["message"], 0),
        (
            "emo-detect-v1",
            400,
            {"code": "InvalidPerson", "message": "many"},
            "InvalidPerson",
            "many",
            0,
        ),
        (
            "emo-detect-v1",
            400,
            {"code": "InvalidImage.NoHumanFace", "message": "none"},
            "InvalidImage.NoHumanFace",
            "none",
            0,
        ),
        (
            "emo-detect-v1",
            200,
            {"output": {"pass": False, "message": "No human face detected."}},
            "",
            "No human face detected.",
            None,
        ),
        (
            "emo-detect-v1",
            200,
            {"output": NO_HUMAN, "usage": {"image_count": 1}},
            NO_HUMAN["code"],
            NO_HUMAN["message"],
            1,
        ),
        (
            "animate-anyone-detect-gen2",
            200,
            {
                "output": {"check_pass": False, "reason": NO_HUMAN["message"], "bodystyle": ""},
                "usage": {"image_count": 1},
            },
            "",
            NO_HUMAN["message"],
            1,
        ),
    ],
)
def test_every_shape_of_a_negative_verdict(
    server: Server,
    model: str,
    status: int,
    payload: Any,
    code: str,
    message: str,
    units: int | None,
) -> None:
    server.answer = says({**payload, "request_id": "r"}, status)
    told = at(server).detect(entries.get(model), CHECK_BODY)
    assert (told.passed, told.code, told.message, told.request_id) == (False, code, message, "r")
    if status == 200 and "output" not in payload:
        assert told.units in (None, Decimal(0))
    else:
        assert told.units == (None if units is None else Decimal(units))


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [
        (
            400,
            {
                "code": "DataInspectionFailed",
                "message": "Input data may contain inappropriate content.",
            },
            Rejected,
        ),
        (
            400,
            {"code": "InvalidParameter", "message": "The request parameter is invalid"},
            Rejected,
        ),
        (401, {"code": "InvalidApiKey", "message": "No API-key provided."}, AccountTrouble),
        (404, {"code": "ModelNotFound", "message": "Model can not be found."}, ModelGone),
        (503, {"code": "ModelServingError", "message": "Too many requests."}, RetryLater),
        (500, {"code": "InternalError", "message": "x"}, NoAnswer),
        (500, NO_HUMAN, NoAnswer),
        (200, {"output": {"bodystyle": "full"}}, NoAnswer),
        (200, {"output": {"code": "DataInspectionFailed", "message": "x"}}, Rejected),
        (200, {"output": {"check_pass": "perhaps"}}, NoAnswer),
    ],
)
def test_what_is_no_verdict_is_raised(
    server: Server, status: int, payload: Any, kind: type[WireError]
) -> None:
    server.answer = says(payload, status)
    with pytest.raises(kind):
        at(server).detect(entries.EMO_DETECT, CHECK_BODY)
    assert len(server.seen) == 1


# ── looking ───────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_task(server: Server) -> None:
    output = {
        "task_id": "t-1",
        "task_status": "SUCCEEDED",
        "submit_time": "2025-09-11 14:33:38.716",
        "scheduled_time": "2025-09-11 14:33:53.089",
        "end_time": "2025-09-11 14:35:51.541",
        "results": {"video_url": "http://r.example/x.mp4?Expires=1"},
    }
    server.answer = says(
        {
            "request_id": "r",
            "output": output,
            "usage": {"video_duration": 13.93, "video_ratio": "1:1"},
        }
    )
    told = at(server).get("t-1")
    assert told.finished
    assert not told.unknown
    assert told.request_id == "r"
    assert told.end_time == datetime(2025, 9, 11, 6, 35, 51, 541000, tzinfo=UTC)
    assert told.scheduled_time
    assert told.submit_time
    assert told.scheduled_time > told.submit_time
    assert entries.result_of(entries.EMO, told.output) == "http://r.example/x.mp4?Expires=1"
    assert entries.billed_units(entries.EMO, told.usage) == Decimal("13.93")


def test_a_failed_task_is_an_answer_not_an_error(server: Server) -> None:
    server.answer = says(
        {
            "output": {
                "task_id": "t-1",
                "task_status": "FAILED",
                "code": "InvalidURL",
                "message": "The input audio is longer than 60s.",
            }
        }
    )
    told = at(server).get("t-1")
    assert (told.finished, told.code, told.message) == (
        True,
        "InvalidURL",
        "The input audio is longer than 60s.",
    )
    assert told.end_time is None
    assert told.usage == {}


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        ("PENDING", False),
        ("PRE-PROCESSING", False),
        ("SUSPENDED", False),
        ("NEVER-SEEN", False),
        ("CANCELED", True),
        ("UNKNOWN", True),
    ],
)
def test_states_never_seen_are_still_working(server: Server, status: str, finished: bool) -> None:
    server.answer = says(
        {"output": {"task_id": "t-1", "task_status": status, "end_time": "soon", "submit_time": 17}}
    )
    told = at(server).get("t-1")
    assert (told.finished, told.unknown, told.end_time, told.submit_time) == (
        finished,
        status == "UNKNOWN",
        None,
        None,
    )


def test_an_answer_about_another_task_is_not_believed(server: Server) -> None:
    server.answer = says({"output": {"task_id": "t-2", "task_status": "SUCCEEDED"}})
    with pytest.raises(NoAnswer, match="about task t-2"):
        at(server).get("t-1")


@pytest.mark.parametrize(
    "trouble",
    [Handler.cut, says(b"<html>", 502), says({"code": "InternalError"}, 500), says(b'{"out')],
)
def test_gets_are_asked_again_twice(server: Server, trouble: Answer) -> None:
    good = says({"output": {"task_id": "t-1", "task_status": "RUNNING"}})
    server.answer = in_turn(trouble, trouble, good)
    assert at(server).get("t-1").status == "RUNNING"
    server.seen.clear()
    server.answer = trouble
    with pytest.raises(NoAnswer):
        at(server).get("t-1")
    assert len(server.seen) == 3


def test_429_on_a_get_is_not_asked_again(server: Server) -> None:
    server.answer = says({"code": "Throttling.RateQuota", "message": "slow"}, 429, Retry_After="2")
    with pytest.raises(RetryLater) as told:
        at(server).get("t-1")
    assert told.value.retry_after == 2.0
    assert len(server.seen) == 1


def test_cancel_too_late_is_false_and_other_errors_raise(server: Server) -> None:
    server.answer = says(
        {
            "code": "UnsupportedOperation",
            "message": "Failed to cancel the task, please confirm if the task is in PENDING "
            "status.",
        },
        400,
    )
    assert at(server).cancel("t-1") is False
    server.answer = says({"code": "InvalidParameter", "message": "x"}, 400)
    with pytest.raises(Rejected):
        at(server).cancel("t-1")
    server.answer = Handler.cut
    with pytest.raises(NoAnswer):
        at(server).cancel("t-1")
    assert len(server.seen) == 3


def test_the_probe_tells_a_good_key_from_a_bad_one(server: Server) -> None:
    server.answer = lambda handler: handler.reply(
        {"output": {"task_id": handler.path.rsplit("/", 1)[1], "task_status": "UNKNOWN"}}
    )
    at(server).probe()
    server.answer = says({"code": "InvalidApiKey", "message": "Invalid API-key provided."}, 401)
    with pytest.raises(AccountTrouble) as told:
        at(server).probe()
    assert told.value.reason == "key"
    server.answer = says(b"<html>a web site</html>", 404)
    with pytest.raises(OurFault):
        at(server).probe()
