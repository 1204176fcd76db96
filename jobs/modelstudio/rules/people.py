"""What the service sees, or does not see, of the person in a picture or video (CONTRACT §11.3)."""

from __future__ import annotations

from jobs.modelstudio.rules.rule import USE_ONE_PERSON, Rule
from studio.common.translatable import phrase

USE_ANOTHER_CLIP = phrase(
    "Use a clip that shows one person from head to toe, facing the camera, from its first frame on."
)

VIDEO = (
    Rule(
        fault="input",
        messages=("first frame of input video has no human",),
        sentence=phrase("No person is in the video’s first frame."),
        advice=USE_ANOTHER_CLIP,
    ),
    Rule(
        fault="input",
        messages=("too small in the first frame",),
        sentence=phrase("The person is too small in the video’s first frame."),
        advice=USE_ANOTHER_CLIP,
    ),
    Rule(
        fault="input",
        messages=("not clear in the first frame",),
        sentence=phrase("The person is not clear in the video’s first frame."),
        advice=USE_ANOTHER_CLIP,
    ),
    Rule(
        fault="input",
        messages=("not fullbody in the first frame",),
        sentence=phrase("The video’s first frame does not show the whole body."),
        advice=USE_ANOTHER_CLIP,
    ),
    Rule(
        fault="input",
        messages=("invalid video resolution",),
        sentence=phrase("The video is too large or too small in pixels."),
        advice=phrase("Use a video whose sides have 200 to 2048 pixels."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.FPS",),
        sentence=phrase("The video has too few or too many frames a second."),
        advice=phrase("Use a video with 24 to 60 frames a second."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.FaceNotMatch",),
        sentence=phrase("No face in the video matches the picture."),
        advice=phrase("Use a picture of a person who is in the video."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.Template.Content",),
        sentence=phrase("The dance template is not valid for this connection, or no longer."),
        advice=phrase("Make the template again from its video."),
    ),
)

PICTURE = (
    Rule(
        fault="input",
        messages=("no human body or multi human",),
        sentence=phrase("There is no person in the picture, or more than one."),
        advice=USE_ONE_PERSON,
    ),
    Rule(
        fault="input",
        messages=("has unclear human body",),
        sentence=phrase("No person can be made out clearly in the picture."),
        advice=phrase("Use a sharp, well-lit picture of one person."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.NoHuman", "InvalidImage.NoHumanFace"),
        sentence=phrase("No person was found in the picture."),
        advice=USE_ONE_PERSON,
    ),
    Rule(
        fault="input",
        messages=("has no human body", "no human face"),
        sentence=phrase("No person was found in the picture."),
        advice=USE_ONE_PERSON,
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.MultiHuman",),
        sentence=phrase("More than one person is in the picture."),
        advice=USE_ONE_PERSON,
    ),
    Rule(
        fault="input",
        messages=("multi human bodies",),
        sentence=phrase("More than one person is in the picture."),
        advice=USE_ONE_PERSON,
    ),
    Rule(
        fault="input",
        codes=("InvalidPerson",),
        sentence=phrase("There is no person in the picture, or more than one."),
        advice=USE_ONE_PERSON,
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.BodyProportion",),
        sentence=phrase("The person is too large or too small in the picture."),
        advice=phrase("Crop the picture closer, or use one with more room around the person."),
    ),
    Rule(
        fault="input",
        messages=("proportion of the detected person",),
        sentence=phrase("The person is too large or too small in the picture."),
        advice=phrase("Crop the picture closer, or use one with more room around the person."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.FrontBody",),
        sentence=phrase("The person does not face the camera."),
        advice=phrase("Use a picture taken from the front."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.FullFace",),
        sentence=phrase("The face is not wholly visible."),
        advice=phrase("Use a picture with the whole face visible, with nothing in front of it."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.FacePose",),
        sentence=phrase("The head is turned or tilted too far."),
        advice=phrase("Use a picture with the head upright, looking at the camera."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.BodyPose",),
        sentence=phrase("The body’s pose does not suit the model."),
        advice=phrase(
            "Use a picture of the whole body from the front, standing, with shoulders and ankles "
            "visible."
        ),
    ),
    Rule(
        fault="input",
        messages=("with whole body and expected orientation",),
        sentence=phrase("The body’s pose does not suit the model."),
        advice=phrase(
            "Use a picture of the whole body from the front, standing, with shoulders and ankles "
            "visible."
        ),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.FullBody",),
        sentence=phrase("Too little of the person is in the picture."),
        advice=phrase(
            "For 3:4 show the person from the hips up; or choose the shape 1:1, which needs only "
            "the head."
        ),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.Value",),
        sentence=phrase("The picture is too dark or not clear."),
        advice=phrase("Use a sharper, brighter picture."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.Content",),
        sentence=phrase("The file does not show what the model needs."),
        advice=USE_ONE_PERSON,
    ),
)
