"""Consent for the files of many videos: one tick for all pictures, one for all speeches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.orders import consent
from jobs.pages.create.batch_draft import SEPARATOR, BatchDraft
from jobs.pages.create.batch_table import BatchVideo
from studio.models import Asset, User


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """The consent that is still to be given for chosen `files` of one kind, and whether it is
    ticked."""

    files: list[Asset]
    ticked: bool

    @property
    def kind(self) -> str:
        return self.files[0].kind

    @property
    def value(self) -> str:
        """As the form holds it."""
        return SEPARATOR.join(asset.public_id for asset in self.files)

    @property
    def label(self) -> str:
        """What is agreed to, with the names of the files."""
        label = {
            "image": _("The team may use these people’s likenesses: %(names)s"),
            "audio": _("The team may use these people’s voices: %(names)s"),
        }[self.kind]
        return label % {"names": ", ".join(asset.name for asset in self.files)}

    @property
    def ask(self) -> str:
        """What to do while it is missing."""
        return {
            "image": _("Say first that the team may use these pictures."),
            "audio": _("Say first that the team may use these speeches."),
        }[self.kind]


@dataclass(frozen=True, slots=True)
class BatchConsent:
    """`questions`: what is missing for the videos that are to be made, pictures first. `besides`:
    what was ticked for files of which nothing is to be made now, so that who takes their videos in
    again is not asked again."""

    questions: list[ConsentQuestion]
    besides: str

    @property
    def missing(self) -> str:
        """What to do first; "" when all is ticked."""
        return next((question.ask for question in self.questions if not question.ticked), "")

    def give(self, by: User) -> None:
        """Keep every consent that is ticked, as given by `by` now."""
        for question in self.questions:
            if question.ticked:
                text = consent.ConsentState(question.files[0], None, ticked=True).words
                consent.give_all(question.files, by, text)


def batch_consent(draft: BatchDraft, videos: Iterable[BatchVideo]) -> BatchConsent:
    pictures = {video.picture.pk: video.picture for video in videos}
    speeches = {video.speech.pk: video.speech for video in videos}
    missing = [consent.without_consent(side.values()) for side in (pictures, speeches)]
    questions = [
        ConsentQuestion(files, draft.consented.issuperset(asset.public_id for asset in files))
        for files in missing
        if files
    ]
    asked = {asset.public_id for question in questions for asset in question.files}
    besides = SEPARATOR.join(
        asset.public_id
        for asset in (*draft.pictures, *draft.speeches)
        if asset.public_id in draft.consented - asked
    )
    return BatchConsent(questions, besides)
