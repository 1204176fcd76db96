"""What the service says: refusals, replies and the texts of its error tables (CONTRACT §2, §11)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ONE_PERSON = "Please upload other image with single person."
CLIP = "Please choose another clip."
PIECES = "please upload other image"

# One message per code, verbatim. Where a code has several, the one of this product family.
MESSAGES: dict[str, str] = {
    "InvalidFile.NoHuman": f"The input image has no human body. {ONE_PERSON}",
    "InvalidFile.MultiHuman": f"The input image has multi human bodies. {ONE_PERSON}",
    "InvalidFile.BodyProportion": "The proportion of the detected person in the picture is too "
    f"large or too small, {PIECES}.",
    "InvalidFile.Value": "The value of the image is invalid, please upload other clearer image.",
    "InvalidFile.FrontBody": f"The pose of the detected person is invalid, {PIECES} with the front "
    "view.",
    "InvalidFile.FullFace": f"The pose of the detected face is invalid, {PIECES} with whole face.",
    "InvalidFile.FacePose": f"The pose of the detected face is invalid, {PIECES} with the expected "
    "oriention.",
    "InvalidFile.FullBody": f"The pose of the detected person is invalid, {PIECES} with whole "
    "body, or change the ratio parameter to 1:1.",
    "InvalidFile.BodyPose": f"The pose of the detected person is invalid, {PIECES} with whole body "
    "and expected orientation.",
    "InvalidFile.Content": f"The first frame of input video has no human body. {CLIP}",
    "InvalidFile.Openerror": "Invalid file, cannot open file as video/audio/image.",
    # the comma of the original
    "InvalidFile.Format": "Invalid file format，the request file format is one of the following "
    "types: "
    "MP4, AVI, MOV, MP3, WAV, AAC, JPEG, JPG, PNG, BMP, and WEBP.",
    "InvalidFile.FPS": "Invalid video FPS. The video FPS must be 15 ~ 60.",
    "InvalidFile.ImageSize": "The size of image is beyond limit.",
    "InvalidFile.Template.Content": "Invalid template content.",
    "InvalidURL": "Required URL is missing or invalid, please check the request URL.",
    "InvalidApiKey": "Invalid API-key provided.",
    "AccessDenied": "Access denied.",
    "AllocationQuota.FreeTierOnly": "The free tier of the model has been exhausted. If you wish to "
    "continue access the model on a paid basis, "
    "please disable the “use free tier only” mode in the management console.",
    "Arrearage": "Access denied, please make sure your account is in good standing.",
    "ModelNotFound": "Model can not be found.",
    "Throttling.RateQuota": "Requests rate limit exceeded, please try again later.",
    "DataInspectionFailed": "Input or output data may contain inappropriate content.",
    "InternalError": "An internal error has occured, please try again later or contact service "
    "support.",
    "InternalError.Algo": "inference internal error.",
    "InternalError.Timeout": "An internal timeout error has occured during execution, please try "
    "again later or contact service support.",
    "InternalError.Upload": "Failed to upload result.",
    "UnsupportedOperation": "Failed to cancel the task, please confirm if the task is in PENDING "
    "status.",
    "InvalidParameter.DataInspection": "Unable to download the media resource during the data "
    "inspection process.",
    "InvalidParameter": "The request parameter is invalid, please check the request parameter.",
}
NEEDS_ASYNC = "current user api does not support synchronous calls."
NEEDS_SYNC = "Current user api does not support asynchronous calls."
WRONG_PATH = "url error, please check url!"
NO_KEY = "No API-key provided."
BAD_BODY = "Required body invalid, please check the request body format."
BAD_BBOX = "Invalid bbox input"
BAD_FRAME = "Invalid ext_bbox."
OSS_UNREAD = "The media format is not supported or incorrect for the data inspection."
OSS_WRONG = (
    "InternalError.Algo.InvalidParameter: The provided URL does not appear to be valid. "
    "Ensure it is correctly formatted."
)
BAD_IMAGE_URL = (
    "The request URL is invalid, please check the request URL is available and the request image "
    "format is one of the following types: "
    "JPEG, JPG, PNG, BMP, and WEBP."
)


class Refusal(Exception):
    """The service says no: `status` is the HTTP status of a request refused at once, `code` and
    `message` its words.

    The same refusal raised while a task is worked on becomes the code and message of a FAILED task
    (CONTRACT §11.1).
    """

    def __init__(self, status: int, code: str, message: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message or MESSAGES.get(code, MESSAGES["InternalError"])
        super().__init__(f"{status} {code}: {self.message}")


@dataclass(slots=True)
class Reply:
    """One HTTP answer. `file` is sent instead of `body` when it is set (with Range)."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    file: Path | None = None


def new_id() -> str:
    return str(uuid.uuid4())


def json_reply(content: Mapping[str, Any], status: int = 200) -> Reply:
    return Reply(status, json.dumps(content, ensure_ascii=False).encode())


def refusal_reply(refusal: Refusal, request_id: str) -> Reply:
    """Envelope a of CONTRACT §11.1."""
    return json_reply(
        {"code": refusal.code, "message": refusal.message, "request_id": request_id}, refusal.status
    )


def xml_reply(status: int, code: str, message: str, request_id: str) -> Reply:
    """The storage answers in XML, not JSON (CONTRACT §9)."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>{code}</Code>\n  '
        f"<Message>{message}</Message>\n"
        f"  <RequestId>{request_id}</RequestId>\n  <HostId>simulator</HostId>\n</Error>\n"
    )
    return Reply(status, text.encode(), "application/xml")
