"""Every error has a sentence."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from jobs.modelstudio import (
    AccountTrouble,
    NoAnswer,
    Rejected,
    RetryLater,
    explain,
    from_response,
)
from jobs.modelstudio.rules import RULES
from tests.jobs.modelstudio.errors.codes import MEDIA_CODES


@pytest.mark.parametrize(
    ("code", "message", "fault", "sentence", "advice"),
    [
        (
            "InvalidFile.NoHuman",
            "x",
            "input",
            "No person was found in the picture.",
            "Use a picture of one person with the whole face visible.",
        ),
        (
            "",
            "The input image has no human body. Please upload other image with single person.",
            "input",
            "No person was found in the picture.",
            "",
        ),
        (
            "",
            "The input image has no human body or multi human bodies.",
            "input",
            "There is no person in the picture, or more than one.",
            "",
        ),
        (
            "InvalidFile.Content",
            "The input image has multi human bodies. Please",
            "input",
            "More than one person is in the picture.",
            "",
        ),
        (
            "InvalidFile.Content",
            "The first frame of input video has no human body.",
            "input",
            "No person is in the video’s first frame.",
            "",
        ),
        (
            "InvalidFile.FullBody",
            "The human is not fullbody in the first frame of input video.",
            "input",
            "The video’s first frame does not show the whole body.",
            "",
        ),
        (
            "InvalidFile.FullBody",
            "…or change the ratio parameter to 1:1.",
            "input",
            "Too little of the person is in the picture.",
            "",
        ),
        (
            "InvalidFile.Resolution",
            "…smaller than 7000, and … larger than 400.",
            "input",
            "The picture is too large or too small in pixels.",
            "",
        ),
        (
            "InvalidFile.Resolution",
            "Invalid video resolution. The height or width",
            "input",
            "The video is too large or too small in pixels.",
            "",
        ),
        (
            "InvalidURL",
            "The input audio is longer than 60s.",
            "input",
            "The speech is too long.",
            "",
        ),
        (
            "InvalidFile.Template.Content",
            "Invalid template content.",
            "input",
            "The dance template is not valid for this connection, or no longer.",
            "",
        ),
        ("Arrearage", "x", "account", "The Alibaba account has an unpaid bill.", ""),
        (
            "Throttling.AllocationQuota",
            "Free allocated quota exceeded.",
            "account",
            "The Alibaba account’s free quota is used up.",
            "",
        ),
        (
            "Throttling.AllocationQuota",
            "Allocated quota exceeded, please increase your quota limit.",
            "account",
            "What the console allots to the Alibaba account for this model is used up.",
            "",
        ),
        (
            "Throttling.RateQuota",
            "Requests rate limit exceeded",
            "service",
            "The service asks us to slow down.",
            "",
        ),
        (
            "AccessDenied",
            "current user api does not support synchronous calls.",
            "ours",
            "We asked for the model in the wrong way.",
            "",
        ),
        (
            "InternalError.Timeout",
            "x",
            "service",
            "The service did not finish within three hours.",
            "Try again. What failed costs nothing.",
        ),
        ("", "", "input", "The service refuses the picture and does not say why.", ""),
        ("BrandNew", "word for word", "service", "The service says “BrandNew: word for word”.", ""),
    ],
)
def test_sentences(code: str, message: str, fault: str, sentence: str, advice: str) -> None:
    told = explain(code, message)
    assert (told.fault, told.sentence) == (fault, sentence)
    assert told.advice == advice if advice else told.advice


def test_every_media_code_of_the_contract_has_its_own_words() -> None:
    for code in MEDIA_CODES:
        assert not explain(code, "x").sentence.startswith("The service says"), code
        assert explain(code, "x").fault == "input"
        assert explain(code, "x").sentence != "The service refuses the file.", code


def test_the_fault_of_an_unknown_code_follows_the_status() -> None:
    faults = {
        status: explain("New", "x", status).fault
        for status in (400, 401, 403, 404, 405, 429, 500, None)
    }
    assert faults == {
        400: "input",
        401: "account",
        403: "account",
        404: "ours",
        405: "ours",
        429: "service",
        500: "service",
        None: "service",
    }


def test_no_sentence_is_hidden_by_an_earlier_one() -> None:
    """Every rule speaks for at least one of its own codes with one of its own fragments."""
    for rule in RULES:
        tries = [
            (code, fragment)
            for code in rule.codes or ("x",)
            for fragment in rule.messages or ("x",)
        ]
        assert any(explain(code, fragment) == rule.explanation for code, fragment in tries), rule


def test_the_house_style_of_sentences() -> None:
    for rule in RULES:
        for text in (rule.sentence, rule.advice):
            assert text.endswith("."), text
            assert not any(word in text.lower() for word in ("!", "please", "oops")), text
        assert all(part == part.lower() for part in rule.messages)


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    def wait(value: str) -> float | None:
        error = from_response(429, {"code": "Throttling"}, {"retry-after": value})
        assert isinstance(error, RetryLater)
        return error.retry_after

    soon = wait(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert soon is not None
    assert 25 < soon <= 30
    assert wait(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) == 0.0
    assert wait("-3") == 0.0
    assert wait("inf") is None
    assert wait("nan") is None
    assert wait("") is None


def test_errors_survive_a_pickle() -> None:
    for error in (
        AccountTrouble("A", "b", "c", 401, reason="key"),
        RetryLater("A", "b", "c", 429, retry_after=2.5),
        NoAnswer("A", "b"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == str(error)


def test_an_error_of_another_envelope_is_found() -> None:
    nested = {
        "error": {"code": "invalid_api_key", "message": "Incorrect API key provided."},
        "request_id": "r",
    }
    assert isinstance(from_response(401, nested, {}), AccountTrouble)
    inner = from_response(400, {"output": {"code": "InvalidFile.NoHuman", "message": "m"}}, {})
    assert (type(inner), inner.code, inner.message) == (Rejected, "InvalidFile.NoHuman", "m")


def test_long_and_odd_texts_are_made_fit() -> None:
    error = from_response(
        400,
        {"code": "InvalidParameter", "message": "a\x00b" + "x" * 9000, "request_id": ["no"]},
        {},
    )
    assert "\x00" not in error.message
    assert len(error.message) == 2000
    assert error.request_id == ""
