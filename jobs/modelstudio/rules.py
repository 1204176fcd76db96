"""What we know of the service's codes and messages, and what is said of each to people (CONTRACT
§2, §11).

Rules are tried in order; the first that fits speaks. A rule fits when the code starts with one of
its codes (compared without case, `_`, `-` and blanks; () is any code) and the message contains one
of its fragments (compared without case; () is any message).
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.common.translatable import Sentence, phrase, together


@dataclass(frozen=True, slots=True)
class Explanation:
    """`fault`: input, ours, service or account. `sentence` says what happened, `advice` what to
    do."""

    fault: str
    sentence: Sentence
    advice: Sentence


@dataclass(frozen=True, slots=True)
class Rule:
    codes: tuple[str, ...]
    fragments: tuple[str, ...]
    says: Explanation


def plain(code: str) -> str:
    """A code for comparison: `invalid_api_key` and `InvalidApiKey` are one."""
    return code.lower().replace("_", "").replace("-", "").replace(" ", "")


def _rule(
    fault: str, codes: str, fragments: tuple[str, ...], sentence: Sentence, advice: Sentence
) -> Rule:
    return Rule(
        tuple(plain(code) for code in codes.split()),
        tuple(f.lower() for f in fragments),
        Explanation(fault, sentence, advice),
    )


ONE_PERSON = phrase("Use a picture of one person with the whole face visible.")
_AGAIN_FREE = phrase("Try again. What failed costs nothing.")
OPERATOR = phrase("Ask whoever runs this site to look at the log.")
_OTHER_CLIP = phrase(
    "Use a clip that shows one person from head to toe, facing the camera, from its first frame on."
)
_SPENT = phrase("What the console allots to the account for this model is used up.")
_RAISE = phrase(
    "Raise the quota or budget in the Model Studio console. What waits goes on by itself."
)
_REACH = phrase(
    "The next try often works. If it does not, the site’s files have to be reachable from mainland "
    "China, or the temporary storage used."
)

RULES: tuple[Rule, ...] = (
    # what never got an answer, or none that can be read (codes of our own)
    _rule(
        "ours",
        "StorageAway",
        (),
        phrase("The studio could not read its own copy of the file. Nothing was sent."),
        phrase("It is tried again by itself."),
    ),
    _rule(
        "service",
        "ConnectionFailed",
        (),
        phrase("The service could not be reached. Nothing was sent."),
        phrase("It is tried again by itself."),
    ),
    _rule(
        "service",
        "ReadTimeout",
        (),
        phrase("The service did not answer in time."),
        phrase("The task list shows whether it took the order."),
    ),
    _rule(
        "service",
        "ConnectionCut",
        (),
        phrase("The connection broke before the answer came."),
        phrase("The task list shows whether it took the order."),
    ),
    _rule(
        "service",
        "NotJson BadAnswer AnswerTooLong",
        (),
        phrase("The service gave an answer that cannot be read."),
        phrase("The task list shows whether it took the order."),
    ),
    _rule(
        "ours",
        "Redirected",
        (),
        phrase("The service’s address sends us elsewhere."),
        phrase("Check the address of the service in the settings."),
    ),
    _rule(
        "ours", "BadTaskId", (), phrase("The task has an id that cannot be asked for."), OPERATOR
    ),
    _rule(
        "input",
        "FileTooLarge EntityTooLarge",
        (),
        phrase("The file is larger than the temporary storage takes."),
        phrase("Use a smaller file."),
    ),
    # the account
    _rule(
        "account",
        "",
        ("free allocated quota exceeded",),
        phrase("The account’s free quota is used up."),
        phrase("Switch off “free quota only” in the console, or use another account."),
    ),
    _rule(
        "account",
        "AllocationQuota.FreeTierOnly",
        (),
        phrase("The account’s free quota is used up, and it is set to use nothing else."),
        phrase("Switch off “free quota only” in the console, or use another account."),
    ),
    _rule(
        "account",
        "InvalidApiKey",
        ("no api-key",),
        phrase("The request had no API key."),
        phrase("Enter the account’s API key again."),
    ),
    _rule(
        "account",
        "InvalidApiKey",
        (),
        phrase("The service does not accept the API key."),
        phrase("Enter a valid key of the same region as the service’s address."),
    ),
    _rule(
        "account",
        "Arrearage PrepaidBillOverdue PostpaidBillOverdue",
        (),
        phrase("The account has an unpaid bill."),
        phrase("Pay it in the Alibaba Cloud console."),
    ),
    _rule(
        "account",
        "CommodityNotPurchased",
        (),
        phrase("The account has not bought the service."),
        phrase("Activate Model Studio in the Alibaba Cloud console."),
    ),
    _rule(
        "account",
        "AccessDenied.Unpurchased",
        (),
        phrase("The account has not activated this model."),
        phrase("Activate the model in the Model Studio console."),
    ),
    _rule(
        "account",
        "Model.AccessDenied Workspace.AccessDenied App.AccessDenied NotAuthorized "
        "WorkSpaceNotFound",
        (),
        phrase("The key’s workspace may not use this model."),
        phrase(
            "Give the workspace the right to the model in the console, or use a key of the default "
            "workspace."
        ),
    ),
    _rule(
        "account",
        "ModelNotFound InvalidParameter",
        (
            "model not found",
            "model can not be found",
            "model xxx does not exist",
            "does not exist or you do not have access",
        ),
        phrase("The service does not offer this model to the account."),
        phrase("Use its successor, or check the account’s region."),
    ),
    _rule(
        "account",
        "ModelNotFound",
        (),
        phrase("The service does not offer this model to the account."),
        phrase("Use its successor, or check the account’s region."),
    ),
    # how we asked
    _rule(
        "ours",
        "AccessDenied",
        ("does not support synchronous", "does not support asynchronous"),
        phrase("We asked for the model in the wrong way."),
        OPERATOR,
    ),
    _rule(
        "ours",
        "",
        ("policy expired",),
        phrase("The leave to upload ran out before the file was there."),
        phrase("It is tried again by itself."),
    ),
    _rule(
        "account",
        "AccessDenied",
        (),
        phrase("The service denies the account access."),
        phrase("Check the rights of the key and its workspace in the console."),
    ),
    _rule(
        "ours",
        "",
        ("no connection adapters were found",),
        phrase("The service did not look up our uploaded file."),
        OPERATOR,
    ),
    _rule(
        "ours",
        "InvalidParameter",
        ("url error",),
        phrase("The model does not live at the address that was asked."),
        OPERATOR,
    ),
    _rule(
        "ours",
        "InvalidParameter",
        ("field required", "required body invalid", "missing required parameters", "bbox"),
        phrase("The order lacked something or had it in the wrong form."),
        OPERATOR,
    ),
    # how busy it is
    _rule("account", "Throttling.AllocationQuota insufficient_quota", (), _SPENT, _RAISE),
    _rule(
        "account", "", ("allocated quota exceeded", "exceeded your current quota"), _SPENT, _RAISE
    ),
    _rule(
        "service",
        "Throttling limit_requests limit_burst_rate",
        (),
        phrase("The service asks us to slow down."),
        phrase("It goes on by itself in a moment."),
    ),
    _rule(
        "service",
        "ModelServingError ModelUnavailable",
        (),
        phrase("The service has no capacity right now."),
        phrase("It goes on by itself later."),
    ),
    # files that did not arrive there
    _rule(
        "service",
        "InvalidURL.ConnectionRefused",
        (),
        phrase("The service was refused when it fetched the file."),
        _REACH,
    ),
    _rule(
        "service",
        "InvalidURL.Timeout",
        (),
        phrase("The service waited too long for the file."),
        _REACH,
    ),
    _rule(
        "service",
        "InvalidParameter.DataInspection",
        ("media format",),
        phrase("The service could not read the file when it inspected it."),
        phrase("Save the file again in a common format, for example JPEG, MP3 or MP4."),
    ),
    _rule(
        "service",
        "InvalidParameter.DataInspection BadRequest.InputDownloadFailed InvalidFile.DownloadFailed",
        (),
        phrase("The service could not fetch the file."),
        _REACH,
    ),
    _rule(
        "service",
        "",
        (
            "failed to download",
            "unable to download",
            "download the media resource timed out",
            "check the request url is available",
        ),
        phrase("The service could not fetch the file."),
        _REACH,
    ),
    # moderation
    _rule(
        "input",
        "DataInspectionFailed",
        (),
        phrase("The service’s content check refused the picture, the speech or the film."),
        phrase("Use other content. The same files are refused again."),
    ),
    _rule(
        "input",
        "IPInfringementSuspect",
        (),
        phrase("The service suspects that the content belongs to someone else."),
        phrase("Use content that you have the rights to."),
    ),
    _rule(
        "input",
        "CustomRoleBlocked FaqRuleBlocked",
        (),
        phrase("A content rule of the account refused the content."),
        phrase("Use other content."),
    ),
    # videos
    _rule(
        "input",
        "",
        ("first frame of input video has no human",),
        phrase("No person is in the video’s first frame."),
        _OTHER_CLIP,
    ),
    _rule(
        "input",
        "",
        ("too small in the first frame",),
        phrase("The person is too small in the video’s first frame."),
        _OTHER_CLIP,
    ),
    _rule(
        "input",
        "",
        ("not clear in the first frame",),
        phrase("The person is not clear in the video’s first frame."),
        _OTHER_CLIP,
    ),
    _rule(
        "input",
        "",
        ("not fullbody in the first frame",),
        phrase("The video’s first frame does not show the whole body."),
        _OTHER_CLIP,
    ),
    _rule(
        "input",
        "",
        ("invalid video resolution",),
        phrase("The video is too large or too small in pixels."),
        phrase("Use a video whose sides have 200 to 2048 pixels."),
    ),
    _rule(
        "input",
        "InvalidFile.FPS",
        (),
        phrase("The video has too few or too many frames a second."),
        phrase("Use a video with 24 to 60 frames a second."),
    ),
    _rule(
        "input",
        "InvalidFile.FaceNotMatch",
        (),
        phrase("No face in the video matches the picture."),
        phrase("Use a picture of a person who is in the video."),
    ),
    _rule(
        "input",
        "InvalidFile.Template.Content",
        (),
        phrase("The dance template is not valid for this account, or no longer."),
        phrase("Make the template again from its video."),
    ),
    # people in pictures
    _rule(
        "input",
        "",
        ("no human body or multi human",),
        phrase("There is no person in the picture, or more than one."),
        ONE_PERSON,
    ),
    _rule(
        "input",
        "",
        ("has unclear human body",),
        phrase("No person can be made out clearly in the picture."),
        phrase("Use a sharp, well-lit picture of one person."),
    ),
    _rule(
        "input",
        "InvalidFile.NoHuman InvalidImage.NoHumanFace",
        (),
        phrase("No person was found in the picture."),
        ONE_PERSON,
    ),
    _rule(
        "input",
        "",
        ("has no human body", "no human face"),
        phrase("No person was found in the picture."),
        ONE_PERSON,
    ),
    _rule(
        "input",
        "InvalidFile.MultiHuman",
        (),
        phrase("More than one person is in the picture."),
        ONE_PERSON,
    ),
    _rule(
        "input",
        "",
        ("multi human bodies",),
        phrase("More than one person is in the picture."),
        ONE_PERSON,
    ),
    _rule(
        "input",
        "InvalidPerson",
        (),
        phrase("There is no person in the picture, or more than one."),
        ONE_PERSON,
    ),
    _rule(
        "input",
        "InvalidFile.BodyProportion",
        (),
        phrase("The person is too large or too small in the picture."),
        phrase("Crop the picture closer, or use one with more room around the person."),
    ),
    _rule(
        "input",
        "",
        ("proportion of the detected person",),
        phrase("The person is too large or too small in the picture."),
        phrase("Crop the picture closer, or use one with more room around the person."),
    ),
    _rule(
        "input",
        "InvalidFile.FrontBody",
        (),
        phrase("The person does not face the camera."),
        phrase("Use a picture taken from the front."),
    ),
    _rule(
        "input",
        "InvalidFile.FullFace",
        (),
        phrase("The face is not wholly visible."),
        phrase("Use a picture with the whole face visible, with nothing in front of it."),
    ),
    _rule(
        "input",
        "InvalidFile.FacePose",
        (),
        phrase("The head is turned or tilted too far."),
        phrase("Use a picture with the head upright, looking at the camera."),
    ),
    _rule(
        "input",
        "InvalidFile.BodyPose",
        (),
        phrase("The body’s pose does not suit the model."),
        phrase(
            "Use a picture of the whole body from the front, standing, with shoulders and ankles "
            "visible."
        ),
    ),
    _rule(
        "input",
        "",
        ("with whole body and expected orientation",),
        phrase("The body’s pose does not suit the model."),
        phrase(
            "Use a picture of the whole body from the front, standing, with shoulders and ankles "
            "visible."
        ),
    ),
    _rule(
        "input",
        "InvalidFile.FullBody",
        (),
        phrase("Too little of the person is in the picture."),
        phrase(
            "For 3:4 show the person from the hips up; or choose the shape 1:1, which needs only "
            "the head."
        ),
    ),
    _rule(
        "input",
        "InvalidFile.Value",
        (),
        phrase("The picture is too dark or not clear."),
        phrase("Use a sharper, brighter picture."),
    ),
    _rule(
        "input",
        "InvalidFile.Content",
        (),
        phrase("The file does not show what the model needs."),
        ONE_PERSON,
    ),
    # sizes and forms of files
    _rule(
        "input",
        "InvalidFile.Resolution",
        ("400",),
        phrase("The picture is too large or too small in pixels."),
        phrase("Use a picture whose sides have 400 to 7000 pixels."),
    ),
    _rule(
        "input",
        "InvalidFile.Resolution InvalidFile.ImageSize InvalidImage.ImageSize "
        "InvalidImageResolution InvalidInputLength",
        (),
        phrase("The picture is too large or too small in pixels, or too long and narrow."),
        phrase(
            "Use a picture within the model’s limits: for AnimateAnyone sides of 225 to 4096 "
            "pixels, the longer at most twice the shorter."
        ),
    ),
    _rule(
        "input",
        "",
        ("aspect ratio is smaller than",),
        phrase("The picture is too long and narrow, or too large in pixels."),
        phrase(
            "Crop it: for AnimateAnyone the longer side is at most twice the shorter, and at most "
            "4096 pixels."
        ),
    ),
    _rule(
        "input",
        "InvalidFile.AspectRatio",
        (),
        phrase("The file is too long and narrow."),
        phrase("Crop it closer to a square."),
    ),
    _rule(
        "input",
        "InvalidFile.Size",
        (),
        phrase("The file has too many megabytes."),
        phrase("Use a smaller file: video under 200 MB, speech under 15 MB, picture under 5 MB."),
    ),
    _rule(
        "input",
        "InvalidFile.Duration InvalidFile.AudioLengthError",
        (),
        phrase("The file is too long or too short."),
        phrase("Cut it to a length that the model takes."),
    ),
    _rule(
        "input",
        "InvalidFile.Openerror",
        (),
        phrase("The service cannot open the file."),
        phrase("Save it again in a common format, for example JPEG, MP3 or MP4."),
    ),
    _rule(
        "input",
        "InvalidFile.Format InvalidImage.FileFormat InvalidImageFormat "
        "InvalidParameter.UnsupportedFileFormat BadRequest.UnsupportedFileFormat",
        (),
        phrase("The service does not take this kind of file."),
        phrase("Use JPEG or PNG for pictures, WAV or MP3 for speech, MP4 for videos."),
    ),
    _rule(
        "input",
        "InvalidParameter",
        ("input files format not supported",),
        phrase("The service does not take this kind of file."),
        phrase("Use JPEG or PNG for pictures, WAV or MP3 for speech, MP4 for videos."),
    ),
    # speech, which the service reports under InvalidURL
    _rule(
        "input",
        "InvalidURL",
        ("audio is longer",),
        phrase("The speech is too long."),
        phrase("Cut it: EMO takes at most 60 seconds."),
    ),
    _rule(
        "input",
        "InvalidURL",
        ("file size is larger",),
        phrase("The speech file has too many megabytes."),
        phrase("Save it as MP3, or cut it: at most 15 MB."),
    ),
    _rule(
        "input",
        "InvalidURL",
        ("file type is not supported",),
        phrase("The speech is not a WAV or MP3 file."),
        phrase("Save the speech as WAV or MP3."),
    ),
    _rule(
        "input",
        "InvalidURL",
        ("is an image",),
        phrase("What the service fetched is not a picture that it can read."),
        phrase("Save the picture again as JPEG or PNG."),
    ),
    _rule(
        "input",
        "InvalidURL",
        (),
        phrase("The service cannot use the file behind an address."),
        phrase("Upload the file again as JPEG, PNG, WAV, MP3 or MP4."),
    ),
    # choices
    _rule(
        "input",
        "InvalidParameter",
        ("style_level",),
        phrase("The service does not know this style."),
        phrase("Choose calm, normal or active."),
    ),
    _rule(
        "input",
        "InvalidParameter",
        ("video_ratio",),
        phrase("The service does not know this shape."),
        phrase("Choose 9:16 or 3:4."),
    ),
    _rule(
        "input",
        "InvalidParameter",
        (),
        phrase("The service does not accept one of the choices or files."),
        phrase("Check what was chosen, then make a new film."),
    ),
    _rule("ours", "BadRequest", (), phrase("The service could not read our order."), OPERATOR),
    _rule(
        "ours",
        "UnsupportedOperation",
        (),
        phrase("The task has already begun and cannot be called back."),
        phrase("It ends by itself."),
    ),
    _rule(
        "input",
        "InvalidFile InvalidImage",
        (),
        phrase("The service refuses the file."),
        phrase("Use another file."),
    ),
    # its own troubles
    _rule(
        "service",
        "InternalError.Timeout",
        (),
        phrase("The service did not finish within three hours."),
        _AGAIN_FREE,
    ),
    _rule(
        "service",
        "InternalError.Algo",
        (),
        phrase("The service failed while it made the film."),
        together(_AGAIN_FREE, phrase("If it happens twice, use another picture.")),
    ),
    _rule(
        "service",
        "InternalError.FileUpload InternalError.Upload",
        (),
        phrase("The service could not store the film that it made."),
        _AGAIN_FREE,
    ),
    _rule(
        "service",
        "InternalError SystemError ModelServiceFailed",
        (),
        phrase("Something failed inside the service."),
        _AGAIN_FREE,
    ),
    _rule("service", "RequestTimeOut", (), phrase("The service took too long."), _AGAIN_FREE),
)
