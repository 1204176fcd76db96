"""The wire to Alibaba Cloud Model Studio: calls, answers, errors and what people are told of them.
No Django. May import catalogue and common."""

from jobs.modelstudio.answers import (
    Submitted,
    Task,
    TaskLine,
    TaskPage,
    UploadPolicy,
    Verdict,
    without_query,
)
from jobs.modelstudio.classification import from_response, of_task_failure
from jobs.modelstudio.client import Client
from jobs.modelstudio.errors import (
    AccountTrouble,
    MediaUnreachable,
    ModelGone,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    WireError,
)
from jobs.modelstudio.explanations import Explanation, explain
from jobs.modelstudio.http_calls import clean_base

__all__ = [
    "AccountTrouble",
    "Client",
    "Explanation",
    "MediaUnreachable",
    "ModelGone",
    "NoAnswer",
    "NotSent",
    "OurFault",
    "Rejected",
    "RetryLater",
    "Submitted",
    "Task",
    "TaskLine",
    "TaskPage",
    "UploadPolicy",
    "Verdict",
    "WireError",
    "clean_base",
    "explain",
    "from_response",
    "of_task_failure",
    "without_query",
]
