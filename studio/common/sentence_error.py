"""Errors that say why in a sentence for people."""

from __future__ import annotations

from studio.common.translatable import Sentence


class SentenceError(Exception):
    """Why something was not done, in `sentence`, and mostly what to do."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence
