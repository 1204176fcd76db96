"""An answer means one kind of error, and that says what happens next."""

from __future__ import annotations

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
    from_response,
    of_task_failure,
)
from tests.jobs.modelstudio.errors.codes import MEDIA_CODES

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
