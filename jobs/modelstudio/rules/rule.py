"""What a rule matches, what it says, and how codes are compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from studio.common.translatable import Sentence, phrase

USE_ONE_PERSON = phrase("Use a picture of one person with the whole face visible.")
ASK_THE_OPERATOR = phrase("Ask whoever runs this site to look at the log.")


@lru_cache(1024)
def normalized(code: str) -> str:
    """A code for comparison: `invalid_api_key` and `InvalidApiKey` are one."""
    return code.lower().replace("_", "").replace("-", "").replace(" ", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Fits when the code starts with one of `codes` (compared as `normalized`; () is any code) and
    the message contains one of `messages` (in lower case; () is any message)."""

    codes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def fits(self, code: str, message: str) -> bool:
        """`code` is normalized, `message` in lower case."""
        if self.codes and not any(code.startswith(normalized(start)) for start in self.codes):
            return False
        return not self.messages or any(part in message for part in self.messages)


@dataclass(frozen=True, slots=True)
class Explanation:
    """`fault`: input, ours, service or account. `sentence` says what happened, `advice` what to
    do."""

    fault: str
    sentence: Sentence
    advice: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Pattern):
    """What is said to people of the errors that it fits; the fields are those of Explanation."""

    fault: str
    sentence: Sentence
    advice: Sentence

    @property
    def explanation(self) -> Explanation:
        return Explanation(self.fault, self.sentence, self.advice)
