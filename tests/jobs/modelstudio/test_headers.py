"""What goes out and what is told: headers, addresses, secrets; and what a submit makes of each
answer."""

from __future__ import annotations

import json
import logging

import pytest

from jobs.catalogue import entries
from jobs.modelstudio import (
    Client,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
    without_query,
)
from tests.jobs.modelstudio.server import BODY, BOX, CHECK_BODY, CREATED, KEY, Server, at, says


def test_headers_of_each_kind_of_call(server: Server) -> None:
    wire = at(server, workspace="llm-team_1")
    wire.submit(entries.EMO, BODY)
    server.answer = says({"output": {"check_pass": True, "face_bbox": BOX, "ext_bbox": BOX}})
    wire.detect(
        entries.EMO_DETECT,
        {**CHECK_BODY, "input": {"image_url": "oss://dashscope-instant/x/p.png"}},
    )
    server.answer = says({"request_id": "r"})
    assert wire.cancel("t-1") is True
    server.answer = says({"output": {"task_id": "t-1", "task_status": "RUNNING"}})
    wire.get("t-1")
    submit, detect, cancel, get = server.seen
    for seen in server.seen:
        assert seen.told["authorization"] == f"Bearer {KEY}"
        assert seen.told["x-dashscope-workspace"] == "llm-team_1"
    assert submit.told["x-dashscope-async"] == "enable"
    assert submit.told["content-type"] == detect.told["content-type"] == "application/json"
    assert "x-dashscope-ossresourceresolve" not in submit.told
    assert detect.told["x-dashscope-ossresourceresolve"] == "enable"
    for seen in (detect, cancel, get):
        assert "x-dashscope-async" not in seen.told
    assert json.loads(submit.body) == BODY
    assert submit.sent_to == "/api/v1/services/aigc/image2video/video-synthesis"
    assert detect.sent_to == "/api/v1/services/aigc/image2video/face-detect"
    assert (cancel.sent_to, cancel.body, cancel.told["content-length"]) == (
        "/api/v1/tasks/t-1/cancel",
        b"",
        "0",
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://dashscope.aliyuncs.com", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com/", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com/api/v1//", "https://dashscope.aliyuncs.com/api/v1"),
        ("http://127.0.0.1:8010/other", "http://127.0.0.1:8010/other"),
    ],
)
def test_addresses_are_completed(given: str, kept: str) -> None:
    assert Client(given, KEY).base_url == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "dashscope.aliyuncs.com",
        "ftp://a.example",
        "http://",
        "http://a.example:port",
        "http://u:p@a.example",
        "http://a/?q=1",
    ],
)
def test_addresses_that_cannot_be_used_are_refused_with_a_sentence(given: str) -> None:
    with pytest.raises(ValueError, match=r"address of the service.*\.$"):
        Client(given, KEY)


@pytest.mark.parametrize("key", ["", " ", "sk-a b", "sk-a\r\nX: y", "schlüssel"])
def test_keys_that_cannot_be_sent_are_refused_without_repeating_them(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as told:
        Client("http://a.example", key)
    assert not key.strip() or key not in str(told.value)


def test_task_ids_stay_one_step_of_the_path(server: Server) -> None:
    wire = at(server)
    server.answer = says({"output": {"task_id": "a/../b?c#d", "task_status": "RUNNING"}})
    wire.get("a/../b?c#d")
    assert server.seen[0].sent_to == "/api/v1/tasks/a%2F..%2Fb%3Fc%23d"
    for wrong in ("", "..", ".", "a\nb", "a b", "ü", "x" * 201):
        with pytest.raises(OurFault):
            wire.get(wrong)
        with pytest.raises(OurFault):
            wire.cancel(wrong)
    assert len(server.seen) == 1


def test_neither_errors_nor_logs_tell_secrets(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = (
        "Download https://u:p@a.example/p.png?Signature=secret timeout, Incorrect API key "
        f"provided: {KEY}."
    )
    wire = at(server)
    for status in (400, 401, 500):
        server.answer = says(
            {"code": "InvalidURL.Timeout", "message": message, "request_id": "r"}, status
        )
        with pytest.raises(WireError) as told:
            wire.submit(entries.EMO, BODY)
        assert "a.example/p.png" in str(told.value)
        for text in (str(told.value), repr(told.value), repr(vars(told.value)), repr(wire)):
            assert "secret" not in text
            assert "u:p" not in text
            assert KEY not in text
        assert told.value.__context__ is None
    assert KEY not in caplog.text
    assert "secret" not in caplog.text
    assert without_query("https://u:p@h/x?a=1#b") == "https://h/x"


def test_redirects_are_not_followed(server: Server) -> None:
    wire = at(server)
    server.answer = says(b"", 307, Location=f"http://127.0.0.1:{server.server_port}/elsewhere")
    with pytest.raises(OurFault):
        wire.submit(entries.EMO, BODY)
    with pytest.raises(OurFault):
        wire.get("t-1")
    assert [seen.verb for seen in server.seen] == ["POST", "GET"]


# ── submit ────────────────────────────────────────────────────────────────────────────────────────


def test_submit_tells_the_task(server: Server) -> None:
    told = at(server).submit(entries.EMO, BODY)
    assert (told.task_id, told.status, told.request_id) == ("t-1", "PENDING", "r-1")


def test_a_created_task_is_never_dropped_for_a_code_beside_it(server: Server) -> None:
    server.answer = says({**CREATED, "code": "Odd"})
    assert at(server).submit(entries.EMO, BODY).task_id == "t-1"


def test_429_on_a_submit_proves_that_nothing_was_created(server: Server) -> None:
    for headers, seconds in (
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after_ms": "1500", "Retry_After": "7"}, 1.5),
        ({}, None),
        ({"Retry_After": "x"}, None),
    ):
        server.answer = says(
            {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"},
            429,
            **headers,
        )
        with pytest.raises(RetryLater) as told:
            at(server).submit(entries.EMO, BODY)
        assert told.value.retry_after == seconds
    server.answer = says(b"<html>slow down</html>", 429)
    with pytest.raises(RetryLater):
        at(server).submit(entries.EMO, BODY)
    assert len(server.seen) == 5


def test_an_error_in_a_200_is_an_error(server: Server) -> None:
    server.answer = says(
        {
            "code": "InvalidParameter.UnsupportedFileFormat",
            "message": "Input files format not supported.",
            "request_id": "r",
        }
    )
    with pytest.raises(Rejected) as told:
        at(server).submit(entries.EMO, BODY)
    assert (told.value.code, told.value.request_id, told.value.status) == (
        "InvalidParameter.UnsupportedFileFormat",
        "r",
        200,
    )
