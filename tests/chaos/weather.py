"""The weather of a storm: what the service does wrong, and how often, per call. None of it may end
a job, and none of it may be paid twice."""

from __future__ import annotations

from typing import Any

GET = (
    "500@get",
    "503@get",
    "html@get",
    "cut-before@get",
    "cut-after@get",
    "garbled@get",
    "reset@get",
    "unknown-status@get",
)
RESULT = (
    "result-404",
    "truncated-result",
    "reset@result",
    "503@result",
    "cut-before@result",
    "html@result",
)
FILES = ("500@policy", "429@policy", "cut-before@policy", "500@upload", "cut-after@upload")
LIST = ("500@list", "503@list", "garbled@list", "cut-after@list", "429@list")
SUBMIT: tuple[dict[str, Any], ...] = (
    # Each of these made a task, which the list shows within seconds.
    {"fault": "cut-after", "rate": 0.08},
    {"fault": "500-after", "rate": 0.03},
    {"fault": "reset", "rate": 0.03},
    {"fault": "garbled", "rate": 0.03},
    {"fault": "429-burst:4", "rate": 0.04, "seconds": 1},
    {"fault": "429", "rate": 0.04},
    {"fault": "slow", "rate": 0.06, "seconds": 1.0},
    # The service breaks its own task: it costs nothing and one more is made.
    {"fault": "task-fails:InternalError.Algo", "rate": 0.02},
)
# These made none, which is known only when the time in which one could appear is over: the lane
# waits a minute and a half.
DOUBTFUL: tuple[dict[str, Any], ...] = (
    {"fault": "cut-before", "rate": 0.01},
    {"fault": "500", "rate": 0.005},
    {"fault": "503", "rate": 0.005},
)
MORE: tuple[dict[str, Any], ...] = (
    *(
        {"fault": f"wrong-result-url:{mode}", "rate": 0.04}
        for mode in ("page", "missing", "private", "redirect")
    ),
    {"fault": "429-burst:5", "where": "get", "rate": 0.02, "seconds": 1},
    {"fault": "slow", "where": "get", "rate": 0.03, "seconds": 1.0},
    {"fault": "slow", "where": "result", "rate": 0.05, "seconds": 1.5},
    {"fault": "truncated-result", "length": "wrong", "rate": 0.05},
)


def faults(*, doubtful: bool) -> list[dict[str, Any]]:
    """The faults of a storm in the words of the stand-in's `storm`; with `doubtful` also submits
    that make no task and say nothing."""
    found: list[dict[str, Any]] = []
    for names, rate in ((GET, 0.16), (RESULT, 0.24), (FILES, 0.12), (LIST, 0.2)):
        for name in names:
            word, _, where = name.partition("@")
            found.append({"fault": word, "where": where or "result", "rate": rate / len(names)})
    return [*found, *SUBMIT, *MORE, *(DOUBTFUL if doubtful else ())]
