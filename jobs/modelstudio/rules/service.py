"""What is nobody’s file or account: no answer, choices that are not accepted, and the service’s own
troubles (CONTRACT §11.1, §11.2).
"""

from __future__ import annotations

from jobs.modelstudio.rules.rule import ASK_THE_OPERATOR, Rule
from studio.common.translatable import phrase, together

TRY_AGAIN_FREE = phrase("Try again. What failed costs nothing.")

# What never got an answer, or none that can be read. The codes are ours.
NO_ANSWER = (
    Rule(
        fault="ours",
        codes=("StorageAway",),
        sentence=phrase("The studio could not read its own copy of the file. Nothing was sent."),
        advice=phrase("It is tried again by itself."),
    ),
    Rule(
        fault="service",
        codes=("ConnectionFailed",),
        sentence=phrase("The service could not be reached. Nothing was sent."),
        advice=phrase("It is tried again by itself."),
    ),
    Rule(
        fault="service",
        codes=("ReadTimeout",),
        sentence=phrase("The service did not answer in time."),
        advice=phrase("The task list shows whether it took the order."),
    ),
    Rule(
        fault="service",
        codes=("ConnectionCut",),
        sentence=phrase("The connection broke before the answer came."),
        advice=phrase("The task list shows whether it took the order."),
    ),
    Rule(
        fault="service",
        codes=("NotJson", "BadAnswer", "AnswerTooLong"),
        sentence=phrase("The service gave an answer that cannot be read."),
        advice=phrase("The task list shows whether it took the order."),
    ),
    Rule(
        fault="ours",
        codes=("Redirected",),
        sentence=phrase("The service’s address sends us elsewhere."),
        advice=phrase("Check the address of the service in the settings."),
    ),
    Rule(
        fault="ours",
        codes=("BadTaskId",),
        sentence=phrase("The task has an id that cannot be asked for."),
        advice=ASK_THE_OPERATOR,
    ),
    Rule(
        fault="input",
        codes=("FileTooLarge", "EntityTooLarge"),
        sentence=phrase("The file is larger than the temporary storage takes."),
        advice=phrase("Use a smaller file."),
    ),
)

# Choices, and requests that are refused as a whole.
CHOICES = (
    Rule(
        fault="input",
        codes=("InvalidParameter",),
        messages=("style_level",),
        sentence=phrase("The service does not know this style."),
        advice=phrase("Choose calm, normal or active."),
    ),
    Rule(
        fault="input",
        codes=("InvalidParameter",),
        messages=("video_ratio",),
        sentence=phrase("The service does not know this shape."),
        advice=phrase("Choose 9:16 or 3:4."),
    ),
    Rule(
        fault="input",
        codes=("InvalidParameter",),
        sentence=phrase("The service does not accept one of the choices or files."),
        advice=phrase("Check what was chosen, then make a new video."),
    ),
    Rule(
        fault="ours",
        codes=("BadRequest",),
        sentence=phrase("The service could not read our order."),
        advice=ASK_THE_OPERATOR,
    ),
    Rule(
        fault="ours",
        codes=("UnsupportedOperation",),
        sentence=phrase("The task has already begun and cannot be called back."),
        advice=phrase("It ends by itself."),
    ),
    Rule(
        fault="input",
        codes=("InvalidFile", "InvalidImage"),
        sentence=phrase("The service refuses the file."),
        advice=phrase("Use another file."),
    ),
)

# The service failed.
FAILURE = (
    Rule(
        fault="service",
        codes=("InternalError.Timeout",),
        sentence=phrase("The service did not finish within three hours."),
        advice=TRY_AGAIN_FREE,
    ),
    Rule(
        fault="service",
        codes=("InternalError.Algo",),
        sentence=phrase("The service failed while it made the video."),
        advice=together(TRY_AGAIN_FREE, phrase("If it happens twice, use another picture.")),
    ),
    Rule(
        fault="service",
        codes=("InternalError.FileUpload", "InternalError.Upload"),
        sentence=phrase("The service could not store the video that it made."),
        advice=TRY_AGAIN_FREE,
    ),
    Rule(
        fault="service",
        codes=("InternalError", "SystemError", "ModelServiceFailed"),
        sentence=phrase("Something failed inside the service."),
        advice=TRY_AGAIN_FREE,
    ),
    Rule(
        fault="service",
        codes=("RequestTimeOut",),
        sentence=phrase("The service took too long."),
        advice=TRY_AGAIN_FREE,
    ),
)
