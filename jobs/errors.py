"""What a wish may be refused for. Every text is a sentence for people."""

from __future__ import annotations


class Refused(Exception):
    """The wish cannot be fulfilled as asked; nothing was created and nothing paid. `sentences` say why, worst first."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


class Moved(Exception):
    """Somebody else moved the job first; this step has nothing left to do."""
