"""The judgement of a picture, in the shapes of each check model (CONTRACT §2, §4, §13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.catalogue.entries import Model
from jobs.simulator.answers import MESSAGES, Refusal
from jobs.simulator.face_detection import Box, Face, People
from jobs.simulator.request_bodies import aspect_of

HALF_BODY_BELOW = 2.0  # face heights that must be visible below the chin
FULL_BODY_BELOW = 5.0


def check_facts(model: Model, people: People, choices: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that a passing picture gets, named as in `model.facts`. Raises Refusal (400
    InvalidFile.*) for one that fails."""
    if "bodystyle" in model.facts:
        face = _person(people)
        return {"bodystyle": _bodystyle(people, face)}
    face = _person(people)
    if face.height < people.height / 14 or face.height > 0.95 * people.height:
        raise Refusal(400, "InvalidFile.BodyProportion")
    if _cut_off(people, face):
        raise Refusal(400, "InvalidFile.FullFace")
    facts: dict[str, Any] = {"face_bbox": list(face.box), "humanoid": True}
    if "ext_bbox" in model.facts:
        facts["ext_bbox"] = list(_frame(people, face, str(choices.get("ratio", "1:1"))))
    return {name: facts[name] for name in model.facts if name in facts}


def pass_output(model: Model, facts: Mapping[str, Any]) -> dict[str, Any]:
    """`output` of a pass."""
    return {model.verdict: True, **facts}


def refusal_output(model: Model, refusal: Refusal, *, words: bool = True) -> dict[str, Any]:
    """`output` of a refusal with HTTP 200. `words` False: empty code and message, as in the
    documented sample."""
    if model.reasons[0] == "reason":
        return {model.verdict: False, "reason": refusal.message, "bodystyle": ""}
    return {
        model.verdict: False,
        "humanoid": False,
        "code": refusal.code if words else "",
        "message": refusal.message if words else "",
    }


def require_person(people: People) -> None:
    """Raise Refusal unless exactly one person faces the camera; for a video whose picture was not
    checked before."""
    _person(people)


def require_person_in_video(people: People) -> None:
    """The same for the first frame of a video (CONTRACT §5, §11.3)."""
    if people.several:
        raise Refusal(400, "InvalidFile.MultiHuman")
    face = people.face
    if face is None and not people.bodies:
        raise Refusal(400, "InvalidFile.Content")
    if face is not None and face.height < people.height / 30:
        raise Refusal(
            400,
            "InvalidFile.Content",
            "The human is too small in the first frame of input video. Please choose another clip.",
        )
    if face is not None and (people.height - face.box[3]) < HALF_BODY_BELOW * face.height:
        raise Refusal(
            400,
            "InvalidFile.FullBody",
            "The human is not fullbody in the first frame of input video. Please choose another "
            "clip.",
        )


def _person(people: People) -> Face:
    if people.several:
        raise Refusal(400, "InvalidFile.MultiHuman")
    if people.face is not None:
        return people.face
    if people.faces:
        raise Refusal(400, "InvalidFile.FacePose")
    if people.light < 14 or people.detail < 0.4:
        # A black or empty picture has nobody in it for a machine, so say what is wrong only when
        # there is something dark to see.
        raise Refusal(400, "InvalidFile.Value" if people.detail >= 0.4 else "InvalidFile.NoHuman")
    raise Refusal(400, "InvalidFile.NoHuman")


def _bodystyle(people: People, face: Face) -> str:
    below = (people.height - face.box[3]) / face.height
    stands = any(
        b[0] < face.box[0] and face.box[2] < b[2] and b[3] - b[1] > 4 * face.height
        for b in people.bodies
    )
    if below >= FULL_BODY_BELOW or (stands and below >= FULL_BODY_BELOW - 1):
        return "full"
    if below >= HALF_BODY_BELOW:
        return "half"
    raise Refusal(400, "InvalidFile.BodyPose", MESSAGES["InvalidFile.BodyPose"])


def _cut_off(people: People, face: Face) -> bool:
    """A face at the very edge of the picture is not whole."""
    edge = max(2, face.height // 40)
    return (
        face.box[0] < edge
        or face.box[1] < edge
        or people.width - face.box[2] < edge
        or people.height - face.box[3] < edge
    )


def _frame(people: People, face: Face, ratio: str) -> Box:
    """The part of the picture that EMO shows: 2.5 face widths, as in the documented sample, of the
    asked ratio and inside the picture.

    For 3:4 the body must be visible to the chest at least, else FullBody (“change the ratio
    parameter to 1:1”).
    """
    aspect = aspect_of(ratio)
    size = face.box[2] - face.box[0]
    middle_x, middle_y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    if aspect < 1 and people.height - face.box[3] < 1.0 * face.height:
        raise Refusal(400, "InvalidFile.FullBody")
    width = min(2.5 * size, people.width, people.height * aspect)
    unit = max(1, int(width / (3 if aspect < 1 else 1)))  # whole multiples keep the aspect exact
    wide, high = (3 * unit, 4 * unit) if aspect < 1 else (unit, unit)
    up = 0.56 if aspect == 1 else 0.42  # share of the frame above the middle of the face
    left = round(min(max(0.0, middle_x - wide / 2), people.width - wide))
    top = round(min(max(0.0, middle_y - high * up), people.height - high))
    if (
        left > face.box[0]
        or top > face.box[1]
        or left + wide < face.box[2]
        or top + high < face.box[3]
    ):
        raise Refusal(400, "InvalidFile.FullFace")
    return left, top, left + wide, top + high
