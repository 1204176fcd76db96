"""Sentences for people about what the service says (CONTRACT §2, §11)."""

from __future__ import annotations

from jobs.modelstudio.rules import RULES
from jobs.modelstudio.rules.rule import (
    ASK_THE_OPERATOR,
    USE_ONE_PERSON,
    Explanation,
    normalized,
)
from studio.common.translatable import Sentence, phrase

__all__ = ["Explanation", "explain"]


def explain(code: str, message: str, status: int | None = None) -> Explanation:
    """What `code` and `message` mean for a person. What we do not know is shown verbatim, its fault
    taken from the HTTP `status`."""
    key, text = normalized(code), message.lower()
    for rule in RULES:
        if rule.fits(key, text):
            return rule.explanation
    if not code and not message:
        if status is None or status < 300:
            return Explanation(
                "input",
                phrase("The service refuses the picture and does not say why."),
                USE_ONE_PERSON,
            )
        return Explanation(
            _fault(status),
            phrase("The service answered with HTTP %(status)s and no reason.", status=status),
            _advice(_fault(status)),
        )
    verbatim = ": ".join(part for part in (code, message) if part)
    fault = _fault(status)
    return Explanation(
        fault, phrase("The service says “%(verbatim)s”.", verbatim=verbatim), _advice(fault)
    )


def _fault(status: int | None) -> str:
    if status in (401, 402, 403):
        return "account"
    if status in (404, 405, 406, 409, 411, 415, 422):
        return "ours"
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return "input"
    return "service"


def _advice(fault: str) -> Sentence:
    return {
        "account": phrase("Check the connection in the Model Studio console."),
        "ours": ASK_THE_OPERATOR,
        "input": phrase("Check the files and the choices, then try again."),
        "service": phrase("Try again later."),
    }[fault]
