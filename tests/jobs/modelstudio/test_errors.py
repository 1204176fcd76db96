"""Every code and wording that the contract names, and what happens next."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from jobs.modelstudio import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
    explain,
    from_response,
    of_task_failure,
)
from jobs.modelstudio.rules import RULES

MEDIA_CODES = [
    "InvalidFile.NoHuman",
    "InvalidFile.MultiHuman",
    "InvalidFile.BodyProportion",
    "InvalidFile.FacePose",
    "InvalidFile.FullFace",
    "InvalidFile.FrontBody",
    "InvalidFile.BodyPose",
    "InvalidFile.FullBody",
    "InvalidFile.Value",
    "InvalidFile.Resolution",
    "InvalidFile.FPS",
    "InvalidFile.Content",
    "InvalidFile.Size",
    "InvalidFile.Duration",
    "InvalidFile.ImageSize",
    "InvalidImage.ImageSize",
    "InvalidFile.AspectRatio",
    "InvalidFile.Openerror",
    "InvalidFile.Format",
    "InvalidFile.Template.Content",
    "InvalidFile.FaceNotMatch",
    "InvalidFile.AudioLengthError",
    "InvalidImage.NoHumanFace",
    "InvalidImage.FileFormat",
    "InvalidImageFormat",
    "InvalidImageResolution",
    "InvalidPerson",
    "InvalidInputLength",
]

# HTTP, code, message, class, reason of the account's trouble
TABLE: list[tuple[int, str, str, type[WireError], str]] = [
    *((400, code, "The file is not good.", Rejected, "") for code in MEDIA_CODES),
    (
        400,
        "InvalidParameter",
        "The request is missing required parameters or in a wrong format",
        Rejected,
        "",
    ),
    (400, "InvalidParameter", "The style_level is invalid.", Rejected, ""),
    (400, "InvalidParameter", "parameters.video_ratio must be 9:16 or 3:4.", Rejected, ""),
    (400, "InvalidParameter", "Invalid ext_bbox.", Rejected, ""),
    (400, "InvalidParameter", "Input files format not supported.", Rejected, ""),
    (
        400,
        "InvalidParameter",
        "Required body invalid, please check the request body format.",
        OurFault,
        "",
    ),
    (400, "InvalidParameter", "Field required: input", OurFault, ""),
    (400, "InvalidParameter", "url error, please check url!", OurFault, ""),
    (400, "InvalidParameter", "Failed to download input files.", MediaUnreachable, ""),
    (
        400,
        "InvalidParameter",
        "Download the media resource timed out during the data inspection process.",
        MediaUnreachable,
        "",
    ),
    (400, "InvalidParameter", "Model not found", ModelGone, ""),
    (
        400,
        "invalid_parameter_error",
        "InternalError.Algo.InvalidParameter: The provided URL does not appear to be valid.",
        Rejected,
        "",
    ),
    (
        400,
        "InvalidParameter.DataInspection",
        "Unable to download the media resource during the data inspection process.",
        MediaUnreachable,
        "",
    ),
    (
        400,
        "InvalidParameter.UnsupportedFileFormat",
        "Input files format not supported.",
        Rejected,
        "",
    ),
    (400, "BadRequest.EmptyInput", "Required input missing from request.", OurFault, ""),
    (400, "BadRequest.EmptyParameters", "Required parameters missing from request.", OurFault, ""),
    (400, "BadRequest.EmptyModel", "Required model missing from request.", OurFault, ""),
    (400, "BadRequest.IllegalInput", "The input parameter requires json format.", OurFault, ""),
    (400, "BadRequest.TooLarge", "Payload Too Large.", OurFault, ""),
    (
        400,
        "BadRequest.InputDownloadFailed",
        "Failed to download the input file.",
        MediaUnreachable,
        "",
    ),
    (400, "BadRequest.UnsupportedFileFormat", "File format unsupported.", Rejected, ""),
    (
        400,
        "InvalidURL",
        "Required URL is missing or invalid, please check the request URL.",
        Rejected,
        "",
    ),
    (400, "InvalidURL", "Invalid URL provided in your request.", Rejected, ""),
    (
        400,
        "InvalidURL",
        "The request URL is invalid, make sure the url is correct and is an image.",
        Rejected,
        "",
    ),
    (400, "InvalidURL", "The input audio is longer than 60s.", Rejected, ""),
    (400, "InvalidURL", "File size is larger than 15MB.", Rejected, ""),
    (400, "InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3.", Rejected, ""),
    (
        400,
        "InvalidURL",
        "The request URL is invalid, please check the request URL is available and …",
        MediaUnreachable,
        "",
    ),
    (
        400,
        "InvalidURL.ConnectionRefused",
        "Connection to xxx refused, please provide available URL.",
        MediaUnreachable,
        "",
    ),
    (
        400,
        "InvalidURL.Timeout",
        "Download xxx timeout, please check network connection.",
        MediaUnreachable,
        "",
    ),
    (400, "InvalidFile.DownloadFailed", "x", MediaUnreachable, ""),
    (
        400,
        "DataInspectionFailed",
        "Input or output data may contain inappropriate content.",
        Rejected,
        "",
    ),
    (
        400,
        "data_inspection_failed",
        "Input image data may contain inappropriate content.",
        Rejected,
        "",
    ),
    (
        400,
        "IPInfringementSuspect",
        "Input data is suspected of being involved in IP infringement.",
        Rejected,
        "",
    ),
    (400, "CustomRoleBlocked", "policy", Rejected, ""),
    (400, "FaqRuleBlocked", "policy", Rejected, ""),
    (
        400,
        "Arrearage",
        "Access denied, please make sure your account is in good standing.",
        AccountTrouble,
        "arrears",
    ),
    (401, "InvalidApiKey", "Invalid API-key provided.", AccountTrouble, "key"),
    (401, "invalid_api_key", "Incorrect API key provided.", AccountTrouble, "key"),
    (401, "SomethingNew", "x", AccountTrouble, "key"),
    (401, "NOT AUTHORIZED", "Access denied: workspace", AccountTrouble, "access"),
    (403, "AccessDenied", "current user api does not support synchronous calls.", OurFault, ""),
    (403, "AccessDenied", "Current user api does not support asynchronous calls.", OurFault, ""),
    (403, "AccessDenied", "Access denied.", AccountTrouble, "access"),
    (403, "AccessDenied", "Invalid according to Policy: Policy expired.", RetryLater, ""),
    (403, "AccessDenied.Unpurchased", "Access to model denied.", AccountTrouble, "access"),
    (403, "Model.AccessDenied", "Model access denied.", AccountTrouble, "access"),
    (403, "Workspace.AccessDenied", "Workspace access denied.", AccountTrouble, "access"),
    (403, "App.AccessDenied", "App access denied.", AccountTrouble, "access"),
    (
        403,
        "AllocationQuota.FreeTierOnly",
        "The free tier of the model has been exhausted.",
        AccountTrouble,
        "quota",
    ),
    (404, "ModelNotFound", "Model can not be found.", ModelGone, ""),
    (
        404,
        "model_not_found",
        "The model xxx does not exist or you do not have access to it.",
        ModelGone,
        "",
    ),
    (404, "WorkSpaceNotFound", "x", AccountTrouble, "access"),
    (404, "NotFound", "Not found", OurFault, ""),
    (405, "", "Method not allowed", OurFault, ""),
    (409, "Conflict", "x", OurFault, ""),
    (415, "UnsupportedMediaType", "x", OurFault, ""),
    (429, "Throttling", "Requests throttling triggered.", RetryLater, ""),
    (
        429,
        "Throttling.RateQuota",
        "Requests rate limit exceeded, please try again later.",
        RetryLater,
        "",
    ),
    (429, "LimitRequests", "You have exceeded your request limit.", RetryLater, ""),
    (429, "limit_burst_rate", "Request rate increased too quickly", RetryLater, ""),
    (
        429,
        "Throttling.BurstRate",
        "Request rate increased too quickly. Please slow down.",
        RetryLater,
        "",
    ),
    (
        429,
        "Throttling.AllocationQuota",
        "Allocated quota exceeded, please increase your quota limit.",
        AccountTrouble,
        "budget",
    ),
    (
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        AccountTrouble,
        "budget",
    ),
    (
        429,
        "Throttling",
        "Allocated quota exceeded, please increase your quota limit.",
        AccountTrouble,
        "budget",
    ),
    (
        400,
        "Throttling.AllocationQuota",
        "Allocated quota exceeded, please increase your quota limit.",
        AccountTrouble,
        "budget",
    ),
    (429, "insufficient_quota", "Free allocated quota exceeded.", AccountTrouble, "quota"),
    (400, "Throttling.AllocationQuota", "Free allocated quota exceeded.", AccountTrouble, "quota"),
    (429, "CommodityNotPurchased", "x", AccountTrouble, "arrears"),
    (429, "PrepaidBillOverdue", "x", AccountTrouble, "arrears"),
    (429, "PostpaidBillOverdue", "x", AccountTrouble, "arrears"),
    (429, "NewWord", "x", RetryLater, ""),
    (429, "InvalidParameter", "odd but 429", RetryLater, ""),
    (400, "ModelServingError", "Too many requests.", RetryLater, ""),
    (400, "NewWord", "never seen", Rejected, ""),
    (500, "InternalError", "An internal error has occured", NoAnswer, ""),
    (500, "InternalError.Algo", "inference internal error.", NoAnswer, ""),
    (500, "InternalError.Timeout", "timeout error", NoAnswer, ""),
    (500, "SystemError", "x", NoAnswer, ""),
    (500, "RequestTimeOut", "x", NoAnswer, ""),
    (400, "InternalError", "odd but 400", NoAnswer, ""),
    (408, "", "", NoAnswer, ""),
]


@pytest.mark.parametrize(("status", "code", "message", "kind", "reason"), TABLE)
@pytest.mark.parametrize("submit", [False, True])
def test_class_of_an_answer(
    status: int, code: str, message: str, kind: type[WireError], reason: str, submit: bool
) -> None:
    error = from_response(
        status, {"code": code, "message": message, "request_id": "r-1"}, {}, submit=submit
    )
    assert type(error) is kind
    assert error.status == status
    assert error.request_id == "r-1"
    assert error.code == code
    assert getattr(error, "reason", "") == reason
    said = error.explain()
    assert said.fault in ("input", "ours", "service", "account")
    assert said.sentence
    assert said.advice
    if isinstance(error, AccountTrouble):
        assert said.fault == "account"
    if isinstance(error, RetryLater) and status == 429 and code.startswith("Throttling"):
        assert said.fault == "service"


@pytest.mark.parametrize("code", ["ModelServingError", "ModelUnavailable"])
def test_no_capacity_is_uncertain_on_a_submit_only(code: str) -> None:
    told: dict[str, Any] = {"code": code, "message": "try again later"}
    assert type(from_response(503, told, {})) is RetryLater
    assert type(from_response(503, told, {}, submit=True)) is NoAnswer


def test_free_quota_is_an_account_matter_whatever_the_status() -> None:
    for status in (200, 400, 429, 500):
        error = from_response(
            status, {"code": "X", "message": "Free allocated quota exceeded."}, {}, submit=True
        )
        assert isinstance(error, AccountTrouble)
        assert error.reason == "quota"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("InvalidURL", "The input audio is longer than 60s.", Rejected),
        ("InvalidFile.NoHuman", "x", Rejected),
        ("InvalidURL.Timeout", "Download x timeout", MediaUnreachable),
        ("InternalError.Timeout", "timeout error", RetryLater),
        ("InternalError.Algo", "Inference error: Inference error.", RetryLater),
        ("InternalError.Upload", "Failed to upload result.", RetryLater),
        ("internal_error", "x", RetryLater),
        ("ModelServiceFailed", "x", RetryLater),
        ("DataInspectionFailed", "Output data may contain inappropriate content.", Rejected),
        ("Arrearage", "x", AccountTrouble),
        ("InvalidParameter", "No connection adapters were found for 'oss://a/b'", OurFault),
        ("BrandNew", "never seen", Rejected),
        ("", "", Rejected),
    ],
)
def test_class_of_a_failed_task(code: str, message: str, kind: type[WireError]) -> None:
    assert type(of_task_failure(code, message)) is kind


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
            "The dance template is not valid for this account, or no longer.",
            "",
        ),
        ("Arrearage", "x", "account", "The account has an unpaid bill.", ""),
        (
            "Throttling.AllocationQuota",
            "Free allocated quota exceeded.",
            "account",
            "The account’s free quota is used up.",
            "",
        ),
        (
            "Throttling.AllocationQuota",
            "Allocated quota exceeded, please increase your quota limit.",
            "account",
            "What the console allots to the account for this model is used up.",
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
