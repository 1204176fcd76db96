"""Is a request body what its model takes (CONTRACT §2 to §6, §13)? Everything derives from the
catalogue."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.catalogue.entries import MODELS, Model, Parameter
from jobs.simulator.answers import BAD_BBOX, BAD_BODY, BAD_FRAME, MESSAGES, Refusal
from jobs.simulator.database import Database
from jobs.simulator.fetch import check_address, check_upload

Box = tuple[int, int, int, int]
ASPECT_TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a good request asks for: addresses and ids by input name, boxes by input name, choices
    with defaults filled in."""

    model: Model
    inputs: dict[str, str]
    boxes: dict[str, Box]
    choices: dict[str, Any]

    @property
    def frame(self) -> Box | None:
        """The part of the picture that becomes the video; None for a model that takes none."""
        return next((box for name, box in self.boxes.items() if _is_frame(name)), None)

    @property
    def face(self) -> Box | None:
        return next((box for name, box in self.boxes.items() if not _is_frame(name)), None)

    @property
    def variant(self) -> str:
        """Our word for what decides the price: an own choice, or the shape of the frame; "" for a
        model with one price."""
        if self.model.variant is None:
            return ""
        if self.model.variant.chosen in self.choices:
            return str(self.choices[self.model.variant.chosen])
        words = [word for _, word in self.model.variant.words]
        frame = self.frame
        return (
            min(words, key=lambda word: abs(aspect_of(word) - _aspect(frame)))
            if frame
            else words[0]
        )


def _is_frame(name: str) -> bool:
    return name.startswith("ext")


def _aspect(box: Box) -> float:
    return (box[2] - box[0]) / (box[3] - box[1])


def aspect_of(word: str) -> float:
    """Width ÷ height of a shape such as "3:4"; 1 for a word that is no shape."""
    match = re.fullmatch(r"(\d+):(\d+)", word)
    return int(match[1]) / int(match[2]) if match else 1.0


def read_body(raw: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object of a POST. Raises Refusal for anything else."""
    if content_type.split(";")[0].strip().lower() != "application/json":
        raise Refusal(400, "InvalidParameter", BAD_BODY)
    try:
        content = json.loads(raw)
    except ValueError:
        raise Refusal(400, "InvalidParameter", BAD_BODY) from None
    if not isinstance(content, dict):
        raise Refusal(400, "BadRequest.IllegalInput", "The input parameter requires json format.")
    return content


def model_named(content: Mapping[str, Any], gone: frozenset[str]) -> Model:
    """The model that the body names. Raises 400 BadRequest.EmptyModel or 404 ModelNotFound."""
    name = content.get("model")
    if not name:
        raise Refusal(
            400, "BadRequest.EmptyModel", 'Required parameter "model" missing from request.'
        )
    if not isinstance(name, str) or name not in MODELS or name in gone:
        raise Refusal(404, "ModelNotFound")
    return MODELS[name]


def read_request(model: Model, content: Mapping[str, Any]) -> ModelRequest:
    """Check the form of every field of `content` for `model`. Raises Refusal with the documented
    code and message."""
    given = content.get("input")
    if not given:
        raise Refusal(
            400, "BadRequest.EmptyInput", 'Required parameter "input" missing from request.'
        )
    parameters = content.get("parameters")
    if parameters is None:
        parameters = {}
        if any(
            parameter.required and parameter.place == "parameters" for parameter in model.parameters
        ):
            raise Refusal(
                400,
                "BadRequest.EmptyParameters",
                'Required parameter "parameters" missing from request.',
            )
    if not isinstance(given, dict) or not isinstance(parameters, dict):
        raise Refusal(400, "BadRequest.IllegalInput", "The input parameter requires json format.")
    inputs: dict[str, str] = {}
    for item in model.inputs_of("image", "audio", "video"):
        check_address(given.get(item.name), item.name)
        inputs[item.name] = given[item.name]
    for item in model.inputs_of("template"):
        inputs[item.name] = _template(given.get(item.name), item.name)
    boxes = {item.name: _box(given.get(item.name)) for item in model.inputs_of("box")}
    request = ModelRequest(model, inputs, boxes, _choices(model, given, parameters))
    _check_frame(request)
    return request


def check_references(
    request: ModelRequest, *, resolve: bool, database: Database, account: str
) -> None:
    """Check what `request` points to: uploads for this model and account, templates of this
    account.

    `resolve` is the X-DashScope-OssResourceResolve header. Checked once, when the request comes: a
    task that is already queued outlives its upload.
    """
    for item in request.model.inputs_of("image", "audio", "video"):
        check_upload(
            request.inputs[item.name],
            resolve=resolve,
            database=database,
            account=account,
            model=request.model.name,
        )
    for item in request.model.inputs_of("template"):
        if database.template(request.inputs[item.name], account) is None:
            raise Refusal(400, "InvalidFile.Template.Content")


def _template(value: Any, field: str) -> str:
    if value is None:
        raise Refusal(400, "InvalidParameter", f"Field required: input.{field}")
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,256}", value):
        raise Refusal(400, "InvalidFile.Template.Content")
    return value


def _box(value: Any) -> Box:
    if (
        not isinstance(value, list)
        or len(value) != 4
        or not all(type(edge) is int for edge in value)
    ):
        raise Refusal(400, "InvalidParameter", BAD_BBOX)
    left, top, right, bottom = value
    if left < 0 or top < 0 or right <= left or bottom <= top:
        raise Refusal(400, "InvalidParameter", BAD_BBOX)
    return left, top, right, bottom


def _check_frame(request: ModelRequest) -> None:
    frame, face = request.frame, request.face
    if frame is None:
        return
    shapes = [aspect_of(word) for word, _, _ in request.model.output.frames]
    if shapes and all(abs(_aspect(frame) / shape - 1) > ASPECT_TOLERANCE for shape in shapes):
        raise Refusal(400, "InvalidParameter", BAD_FRAME)
    if face and (
        face[0] >= frame[2] or face[2] <= frame[0] or face[1] >= frame[3] or face[3] <= frame[1]
    ):
        raise Refusal(400, "InvalidParameter", BAD_FRAME)


def check_frame_inside(frame: Box | None, width: int, height: int) -> None:
    """The frame must lie inside the picture of `width` × `height` px; this can be told only after
    the download."""
    if frame and (frame[2] > width or frame[3] > height):
        raise Refusal(400, "InvalidParameter", BAD_FRAME)


def _choices(
    model: Model, given: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for parameter in model.parameters:
        if parameter.only_when and chosen.get(parameter.only_when[0]) != parameter.only_when[1]:
            chosen[parameter.name] = parameter.default
            continue
        place = given if parameter.place == "input" else parameters
        if parameter.required and parameter.name not in place:
            raise Refusal(
                400, "InvalidParameter", f"Field required: {parameter.place}.{parameter.name}"
            )
        value = place.get(parameter.name, parameter.default)
        if not any(value == known and type(value) is type(known) for known in parameter.values):
            raise Refusal(400, "InvalidParameter", _wrong_value(model, parameter))
        chosen[parameter.name] = value
    return chosen


def _wrong_value(model: Model, parameter: Parameter) -> str:
    if not model.asynchronous:
        return MESSAGES["InvalidParameter"]
    if parameter.name == "style_level":
        # the one documented text that does not follow the pattern below
        return "The style_level is invalid."
    words = " or ".join(
        str(value).lower() if isinstance(value, bool) else str(value) for value in parameter.values
    )
    return f"{parameter.place}.{parameter.name} must be {words}."
