"""What is wrong with a file as a file: it could not be fetched, may not be used, or has the wrong
size or form (CONTRACT §11.2, §11.3).
"""

from __future__ import annotations

from jobs.modelstudio.rules.rule import Rule
from studio.common.translatable import phrase

MAKE_FILES_REACHABLE = phrase(
    "The next try often works. If it does not, the site’s files have to be reachable from mainland "
    "China, or the temporary storage used."
)

# Files that did not arrive there.
FETCHING = (
    Rule(
        fault="service",
        codes=("InvalidURL.ConnectionRefused",),
        sentence=phrase("The service was refused when it fetched the file."),
        advice=MAKE_FILES_REACHABLE,
    ),
    Rule(
        fault="service",
        codes=("InvalidURL.Timeout",),
        sentence=phrase("The service waited too long for the file."),
        advice=MAKE_FILES_REACHABLE,
    ),
    Rule(
        fault="service",
        codes=("InvalidParameter.DataInspection",),
        messages=("media format",),
        sentence=phrase("The service could not read the file when it inspected it."),
        advice=phrase("Save the file again in a common format, for example JPEG, MP3 or MP4."),
    ),
    Rule(
        fault="service",
        codes=(
            "InvalidParameter.DataInspection",
            "BadRequest.InputDownloadFailed",
            "InvalidFile.DownloadFailed",
        ),
        sentence=phrase("The service could not fetch the file."),
        advice=MAKE_FILES_REACHABLE,
    ),
    Rule(
        fault="service",
        messages=(
            "failed to download",
            "unable to download",
            "download the media resource timed out",
            "check the request url is available",
        ),
        sentence=phrase("The service could not fetch the file."),
        advice=MAKE_FILES_REACHABLE,
    ),
)

# Content that is refused.
MODERATION = (
    Rule(
        fault="input",
        codes=("DataInspectionFailed",),
        sentence=phrase(
            "The service’s content check refused the picture, the speech or the video."
        ),
        advice=phrase("Use other content. The same files are refused again."),
    ),
    Rule(
        fault="input",
        codes=("IPInfringementSuspect",),
        sentence=phrase("The service suspects that the content belongs to someone else."),
        advice=phrase("Use content that you have the rights to."),
    ),
    Rule(
        fault="input",
        codes=("CustomRoleBlocked", "FaqRuleBlocked"),
        sentence=phrase("A content rule of the Alibaba account refused the content."),
        advice=phrase("Use other content."),
    ),
)

# Sizes and forms of files.
FORMAT = (
    Rule(
        fault="input",
        codes=("InvalidFile.Resolution",),
        messages=("400",),
        sentence=phrase("The picture is too large or too small in pixels."),
        advice=phrase("Use a picture whose sides have 400 to 7000 pixels."),
    ),
    Rule(
        fault="input",
        codes=(
            "InvalidFile.Resolution",
            "InvalidFile.ImageSize",
            "InvalidImage.ImageSize",
            "InvalidImageResolution",
            "InvalidInputLength",
        ),
        sentence=phrase("The picture is too large or too small in pixels, or too long and narrow."),
        advice=phrase(
            "Use a picture within the model’s limits: for AnimateAnyone sides of 225 to 4096 "
            "pixels, the longer at most twice the shorter."
        ),
    ),
    Rule(
        fault="input",
        messages=("aspect ratio is smaller than",),
        sentence=phrase("The picture is too long and narrow, or too large in pixels."),
        advice=phrase(
            "Crop it: for AnimateAnyone the longer side is at most twice the shorter, and at most "
            "4096 pixels."
        ),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.AspectRatio",),
        sentence=phrase("The file is too long and narrow."),
        advice=phrase("Crop it closer to a square."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.Size",),
        sentence=phrase("The file has too many megabytes."),
        advice=phrase(
            "Use a smaller file: video under 200 MB, speech under 15 MB, picture under 5 MB."
        ),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.Duration", "InvalidFile.AudioLengthError"),
        sentence=phrase("The file is too long or too short."),
        advice=phrase("Cut it to a length that the model takes."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile.Openerror",),
        sentence=phrase("The service cannot open the file."),
        advice=phrase("Save it again in a common format, for example JPEG, MP3 or MP4."),
    ),
    Rule(
        fault="input",
        codes=(
            "InvalidFile.Format",
            "InvalidImage.FileFormat",
            "InvalidImageFormat",
            "InvalidParameter.UnsupportedFileFormat",
            "BadRequest.UnsupportedFileFormat",
        ),
        sentence=phrase("The service does not take this kind of file."),
        advice=phrase("Use JPEG or PNG for pictures, WAV or MP3 for speech, MP4 for videos."),
    ),
    Rule(
        fault="input",
        codes=("InvalidParameter",),
        messages=("input files format not supported",),
        sentence=phrase("The service does not take this kind of file."),
        advice=phrase("Use JPEG or PNG for pictures, WAV or MP3 for speech, MP4 for videos."),
    ),
)

# Speech, which the service reports under InvalidURL.
SPEECH = (
    Rule(
        fault="input",
        codes=("InvalidURL",),
        messages=("audio is longer",),
        sentence=phrase("The speech is too long."),
        advice=phrase("Cut it: EMO takes at most 60 seconds."),
    ),
    Rule(
        fault="input",
        codes=("InvalidURL",),
        messages=("file size is larger",),
        sentence=phrase("The speech file has too many megabytes."),
        advice=phrase("Save it as MP3, or cut it: at most 15 MB."),
    ),
    Rule(
        fault="input",
        codes=("InvalidURL",),
        messages=("file type is not supported",),
        sentence=phrase("The speech is not a WAV or MP3 file."),
        advice=phrase("Save the speech as WAV or MP3."),
    ),
    Rule(
        fault="input",
        codes=("InvalidURL",),
        messages=("is an image",),
        sentence=phrase("What the service fetched is not a picture that it can read."),
        advice=phrase("Save the picture again as JPEG or PNG."),
    ),
    Rule(
        fault="input",
        codes=("InvalidURL",),
        sentence=phrase("The service cannot use the file behind an address."),
        advice=phrase("Upload the file again as JPEG, PNG, WAV, MP3 or MP4."),
    ),
)
