"""What we know of the service's codes and messages, and what is said of each to people (CONTRACT
§2, §11). The rules are tried in this order; the first that fits speaks."""

from __future__ import annotations

from jobs.modelstudio.rules import account, files, people, service
from jobs.modelstudio.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *service.NO_ANSWER,
    *account.ACCOUNT,
    *account.REQUEST,
    *account.CAPACITY,
    *files.FETCHING,
    *files.MODERATION,
    *people.VIDEO,
    *people.PICTURE,
    *files.FORMAT,
    *files.SPEECH,
    *service.CHOICES,
    *service.FAILURE,
)
