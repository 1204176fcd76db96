"""Errors that say why in a sentence for people."""

from __future__ import annotations

from studio.common.translatable import Sentence, together


class Refused(Exception):
    """What was asked for cannot be done; nothing was created and nothing paid. `sentences` say
    why, worst first."""

    def __init__(self, *sentences: Sentence) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)

    @property
    def sentence(self) -> Sentence:
        return together(*self.sentences)


class Moved(Exception):
    """Somebody else moved the job first; this step has nothing left to do."""
