"""Sentences for people about what the service says (CONTRACT §2, §11). Rules are tried in order; the first that fits speaks.

A rule fits when the code starts with one of its codes (compared without case, `_`, `-` and blanks; () is any code) and the
message contains one of its fragments (compared without case; () is any message).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`fault`: input, ours, service or account. `sentence` says what happened, `advice` what to do."""

    fault: str
    sentence: str
    advice: str


@dataclass(frozen=True, slots=True)
class _Rule:
    codes: tuple[str, ...]
    fragments: tuple[str, ...]
    says: Explanation


def plain(code: str) -> str:
    """A code for comparison: `invalid_api_key` and `InvalidApiKey` are one."""
    return code.lower().replace("_", "").replace("-", "").replace(" ", "")


def _rule(fault: str, codes: str, fragments: tuple[str, ...], sentence: str, advice: str) -> _Rule:
    return _Rule(tuple(plain(code) for code in codes.split()), tuple(f.lower() for f in fragments), Explanation(fault, sentence, advice))


_ONE_PERSON = "Use a picture of one person with the whole face visible."
_AGAIN_FREE = "Try again. What failed costs nothing."
_OPERATOR = "Ask whoever runs this site to look at the log."
_OTHER_CLIP = "Use a clip that shows one person from head to toe, facing the camera, from its first frame on."
_SPENT = "What the console allots to the account for this model is used up."
_RAISE = "Raise the quota or budget in the Model Studio console. What waits goes on by itself."
_REACH = "The next try often works. If it does not, the site’s files have to be reachable from mainland China, or the temporary storage used."

_RULES: tuple[_Rule, ...] = (
    # what never got an answer, or none that can be read (codes of our own)
    _rule("ours", "StorageAway", (), "The studio could not read its own copy of the file. Nothing was sent.", "It is tried again by itself."),
    _rule("service", "ConnectionFailed", (), "The service could not be reached. Nothing was sent.", "It is tried again by itself."),
    _rule("service", "ReadTimeout", (), "The service did not answer in time.", "The task list shows whether it took the order."),
    _rule("service", "ConnectionCut", (), "The connection broke before the answer came.", "The task list shows whether it took the order."),
    _rule(
        "service",
        "NotJson BadAnswer AnswerTooLong",
        (),
        "The service gave an answer that cannot be read.",
        "The task list shows whether it took the order.",
    ),
    _rule("ours", "Redirected", (), "The service’s address sends us elsewhere.", "Check the address of the service in the settings."),
    _rule("ours", "BadTaskId", (), "The task has an id that cannot be asked for.", _OPERATOR),
    _rule("input", "FileTooLarge EntityTooLarge", (), "The file is larger than the temporary storage takes.", "Use a smaller file."),
    # the account
    _rule(
        "account",
        "",
        ("free allocated quota exceeded",),
        "The account’s free quota is used up.",
        "Switch off “free quota only” in the console, or use another account.",
    ),
    _rule(
        "account",
        "AllocationQuota.FreeTierOnly",
        (),
        "The account’s free quota is used up, and it is set to use nothing else.",
        "Switch off “free quota only” in the console, or use another account.",
    ),
    _rule("account", "InvalidApiKey", ("no api-key",), "The request had no API key.", "Enter the account’s API key again."),
    _rule(
        "account",
        "InvalidApiKey",
        (),
        "The service does not accept the API key.",
        "Enter a valid key of the same region as the service’s address.",
    ),
    _rule(
        "account",
        "Arrearage PrepaidBillOverdue PostpaidBillOverdue",
        (),
        "The account has an unpaid bill.",
        "Pay it in the Alibaba Cloud console.",
    ),
    _rule(
        "account",
        "CommodityNotPurchased",
        (),
        "The account has not bought the service.",
        "Activate Model Studio in the Alibaba Cloud console.",
    ),
    _rule(
        "account",
        "AccessDenied.Unpurchased",
        (),
        "The account has not activated this model.",
        "Activate the model in the Model Studio console.",
    ),
    _rule(
        "account",
        "Model.AccessDenied Workspace.AccessDenied App.AccessDenied NotAuthorized WorkSpaceNotFound",
        (),
        "The key’s workspace may not use this model.",
        "Give the workspace the right to the model in the console, or use a key of the default workspace.",
    ),
    _rule(
        "account",
        "ModelNotFound InvalidParameter",
        ("model not found", "model can not be found", "model xxx does not exist", "does not exist or you do not have access"),
        "The service does not offer this model to the account.",
        "Use its successor, or check the account’s region.",
    ),
    _rule(
        "account",
        "ModelNotFound",
        (),
        "The service does not offer this model to the account.",
        "Use its successor, or check the account’s region.",
    ),
    # how we asked
    _rule(
        "ours",
        "AccessDenied",
        ("does not support synchronous", "does not support asynchronous"),
        "We asked for the model in the wrong way.",
        _OPERATOR,
    ),
    _rule("ours", "", ("policy expired",), "The leave to upload ran out before the file was there.", "It is tried again by itself."),
    _rule(
        "account",
        "AccessDenied",
        (),
        "The service denies the account access.",
        "Check the rights of the key and its workspace in the console.",
    ),
    _rule("ours", "", ("no connection adapters were found",), "The service did not look up our uploaded file.", _OPERATOR),
    _rule("ours", "InvalidParameter", ("url error",), "The model does not live at the address that was asked.", _OPERATOR),
    _rule(
        "ours",
        "InvalidParameter",
        ("field required", "required body invalid", "missing required parameters", "bbox"),
        "The order lacked something or had it in the wrong form.",
        _OPERATOR,
    ),
    # how busy it is
    _rule("account", "Throttling.AllocationQuota insufficient_quota", (), _SPENT, _RAISE),
    _rule("account", "", ("allocated quota exceeded", "exceeded your current quota"), _SPENT, _RAISE),
    _rule(
        "service",
        "Throttling limit_requests limit_burst_rate",
        (),
        "The service asks us to slow down.",
        "It goes on by itself in a moment.",
    ),
    _rule("service", "ModelServingError ModelUnavailable", (), "The service has no capacity right now.", "It goes on by itself later."),
    # files that did not arrive there
    _rule("service", "InvalidURL.ConnectionRefused", (), "The service was refused when it fetched the file.", _REACH),
    _rule("service", "InvalidURL.Timeout", (), "The service waited too long for the file.", _REACH),
    _rule(
        "service",
        "InvalidParameter.DataInspection",
        ("media format",),
        "The service could not read the file when it inspected it.",
        "Save the file again in a common format, for example JPEG, MP3 or MP4.",
    ),
    _rule(
        "service",
        "InvalidParameter.DataInspection BadRequest.InputDownloadFailed InvalidFile.DownloadFailed",
        (),
        "The service could not fetch the file.",
        _REACH,
    ),
    _rule(
        "service",
        "",
        ("failed to download", "unable to download", "download the media resource timed out", "check the request url is available"),
        "The service could not fetch the file.",
        _REACH,
    ),
    # moderation
    _rule(
        "input",
        "DataInspectionFailed",
        (),
        "The service’s content check refused the picture, the speech or the film.",
        "Use other content. The same files are refused again.",
    ),
    _rule(
        "input",
        "IPInfringementSuspect",
        (),
        "The service suspects that the content belongs to someone else.",
        "Use content that you have the rights to.",
    ),
    _rule("input", "CustomRoleBlocked FaqRuleBlocked", (), "A content rule of the account refused the content.", "Use other content."),
    # videos
    _rule("input", "", ("first frame of input video has no human",), "No person is in the video’s first frame.", _OTHER_CLIP),
    _rule("input", "", ("too small in the first frame",), "The person is too small in the video’s first frame.", _OTHER_CLIP),
    _rule("input", "", ("not clear in the first frame",), "The person is not clear in the video’s first frame.", _OTHER_CLIP),
    _rule("input", "", ("not fullbody in the first frame",), "The video’s first frame does not show the whole body.", _OTHER_CLIP),
    _rule(
        "input",
        "",
        ("invalid video resolution",),
        "The video is too large or too small in pixels.",
        "Use a video whose sides have 200 to 2048 pixels.",
    ),
    _rule("input", "InvalidFile.FPS", (), "The video has too few or too many frames a second.", "Use a video with 24 to 60 frames a second."),
    _rule(
        "input",
        "InvalidFile.FaceNotMatch",
        (),
        "No face in the video matches the picture.",
        "Use a picture of a person who is in the video.",
    ),
    _rule(
        "input",
        "InvalidFile.Template.Content",
        (),
        "The dance template is not valid for this account, or no longer.",
        "Make the template again from its video.",
    ),
    # people in pictures
    _rule("input", "", ("no human body or multi human",), "There is no person in the picture, or more than one.", _ONE_PERSON),
    _rule(
        "input",
        "",
        ("has unclear human body",),
        "No person can be made out clearly in the picture.",
        "Use a sharp, well-lit picture of one person.",
    ),
    _rule("input", "InvalidFile.NoHuman InvalidImage.NoHumanFace", (), "No person was found in the picture.", _ONE_PERSON),
    _rule("input", "", ("has no human body", "no human face"), "No person was found in the picture.", _ONE_PERSON),
    _rule("input", "InvalidFile.MultiHuman", (), "More than one person is in the picture.", _ONE_PERSON),
    _rule("input", "", ("multi human bodies",), "More than one person is in the picture.", _ONE_PERSON),
    _rule("input", "InvalidPerson", (), "There is no person in the picture, or more than one.", _ONE_PERSON),
    _rule(
        "input",
        "InvalidFile.BodyProportion",
        (),
        "The person is too large or too small in the picture.",
        "Crop the picture closer, or use one with more room around the person.",
    ),
    _rule(
        "input",
        "",
        ("proportion of the detected person",),
        "The person is too large or too small in the picture.",
        "Crop the picture closer, or use one with more room around the person.",
    ),
    _rule("input", "InvalidFile.FrontBody", (), "The person does not face the camera.", "Use a picture taken from the front."),
    _rule(
        "input",
        "InvalidFile.FullFace",
        (),
        "The face is not wholly visible.",
        "Use a picture with the whole face visible, with nothing in front of it.",
    ),
    _rule(
        "input",
        "InvalidFile.FacePose",
        (),
        "The head is turned or tilted too far.",
        "Use a picture with the head upright, looking at the camera.",
    ),
    _rule(
        "input",
        "InvalidFile.BodyPose",
        (),
        "The body’s pose does not suit the model.",
        "Use a picture of the whole body from the front, standing, with shoulders and ankles visible.",
    ),
    _rule(
        "input",
        "",
        ("with whole body and expected orientation",),
        "The body’s pose does not suit the model.",
        "Use a picture of the whole body from the front, standing, with shoulders and ankles visible.",
    ),
    _rule(
        "input",
        "InvalidFile.FullBody",
        (),
        "Too little of the person is in the picture.",
        "For 3:4 show the person from the hips up; or choose the shape 1:1, which needs only the head.",
    ),
    _rule("input", "InvalidFile.Value", (), "The picture is too dark or not clear.", "Use a sharper, brighter picture."),
    _rule("input", "InvalidFile.Content", (), "The file does not show what the model needs.", _ONE_PERSON),
    # sizes and forms of files
    _rule(
        "input",
        "InvalidFile.Resolution",
        ("400",),
        "The picture is too large or too small in pixels.",
        "Use a picture whose sides have 400 to 7000 pixels.",
    ),
    _rule(
        "input",
        "InvalidFile.Resolution InvalidFile.ImageSize InvalidImage.ImageSize InvalidImageResolution InvalidInputLength",
        (),
        "The picture is too large or too small in pixels, or too long and narrow.",
        "Use a picture within the model’s limits: for AnimateAnyone sides of 225 to 4096 pixels, the longer at most twice the shorter.",
    ),
    _rule(
        "input",
        "",
        ("aspect ratio is smaller than",),
        "The picture is too long and narrow, or too large in pixels.",
        "Crop it: for AnimateAnyone the longer side is at most twice the shorter, and at most 4096 pixels.",
    ),
    _rule("input", "InvalidFile.AspectRatio", (), "The file is too long and narrow.", "Crop it closer to a square."),
    _rule(
        "input",
        "InvalidFile.Size",
        (),
        "The file has too many megabytes.",
        "Use a smaller file: video under 200 MB, speech under 15 MB, picture under 5 MB.",
    ),
    _rule(
        "input",
        "InvalidFile.Duration InvalidFile.AudioLengthError",
        (),
        "The file is too long or too short.",
        "Cut it to a length that the model takes.",
    ),
    _rule(
        "input",
        "InvalidFile.Openerror",
        (),
        "The service cannot open the file.",
        "Save it again in a common format, for example JPEG, MP3 or MP4.",
    ),
    _rule(
        "input",
        "InvalidFile.Format InvalidImage.FileFormat InvalidImageFormat InvalidParameter.UnsupportedFileFormat BadRequest.UnsupportedFileFormat",
        (),
        "The service does not take this kind of file.",
        "Use JPEG or PNG for pictures, WAV or MP3 for speech, MP4 for videos.",
    ),
    _rule(
        "input",
        "InvalidParameter",
        ("input files format not supported",),
        "The service does not take this kind of file.",
        "Use JPEG or PNG for pictures, WAV or MP3 for speech, MP4 for videos.",
    ),
    # speech, which the service reports under InvalidURL
    _rule("input", "InvalidURL", ("audio is longer",), "The speech is too long.", "Cut it: EMO takes at most 60 seconds."),
    _rule(
        "input",
        "InvalidURL",
        ("file size is larger",),
        "The speech file has too many megabytes.",
        "Save it as MP3, or cut it: at most 15 MB.",
    ),
    _rule("input", "InvalidURL", ("file type is not supported",), "The speech is not a WAV or MP3 file.", "Save the speech as WAV or MP3."),
    _rule(
        "input",
        "InvalidURL",
        ("is an image",),
        "What the service fetched is not a picture that it can read.",
        "Save the picture again as JPEG or PNG.",
    ),
    _rule(
        "input",
        "InvalidURL",
        (),
        "The service cannot use the file behind an address.",
        "Upload the file again as JPEG, PNG, WAV, MP3 or MP4.",
    ),
    # choices
    _rule("input", "InvalidParameter", ("style_level",), "The service does not know this style.", "Choose calm, normal or active."),
    _rule("input", "InvalidParameter", ("video_ratio",), "The service does not know this shape.", "Choose 9:16 or 3:4."),
    _rule(
        "input",
        "InvalidParameter",
        (),
        "The service does not accept one of the choices or files.",
        "Check what was chosen, then make a new film.",
    ),
    _rule("ours", "BadRequest", (), "The service could not read our order.", _OPERATOR),
    _rule("ours", "UnsupportedOperation", (), "The task has already begun and cannot be called back.", "It ends by itself."),
    _rule("input", "InvalidFile InvalidImage", (), "The service refuses the file.", "Use another file."),
    # its own troubles
    _rule("service", "InternalError.Timeout", (), "The service did not finish within three hours.", _AGAIN_FREE),
    _rule(
        "service",
        "InternalError.Algo",
        (),
        "The service failed while it made the film.",
        _AGAIN_FREE + " If it happens twice, use another picture.",
    ),
    _rule("service", "InternalError.FileUpload InternalError.Upload", (), "The service could not store the film that it made.", _AGAIN_FREE),
    _rule("service", "InternalError SystemError ModelServiceFailed", (), "Something failed inside the service.", _AGAIN_FREE),
    _rule("service", "RequestTimeOut", (), "The service took too long.", _AGAIN_FREE),
)


def explain(code: str, message: str, status: int | None = None) -> Explanation:
    """What `code` and `message` mean for a person. What we do not know is shown verbatim, its fault told from the HTTP `status`."""
    key, said = plain(code), message.lower()
    for rule in _RULES:
        if rule.codes and not key.startswith(rule.codes):
            continue
        if rule.fragments and not any(fragment in said for fragment in rule.fragments):
            continue
        return rule.says
    if not code and not message:
        if status is None or status < 300:
            return Explanation("input", "The service refuses the picture and does not say why.", _ONE_PERSON)
        return Explanation(_fault(status), f"The service answered with HTTP {status} and no reason.", _advice(_fault(status)))
    verbatim = ": ".join(part for part in (code, message) if part)
    fault = _fault(status)
    return Explanation(fault, f"The service says “{verbatim}”.", _advice(fault))


def _fault(status: int | None) -> str:
    if status in (401, 402, 403):
        return "account"
    if status in (404, 405, 406, 409, 411, 415, 422):
        return "ours"
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return "input"
    return "service"


def _advice(fault: str) -> str:
    return {
        "account": "Check the account in the Model Studio console.",
        "ours": _OPERATOR,
        "input": "Check the files and the choices, then try again.",
        "service": "Try again later.",
    }[fault]
