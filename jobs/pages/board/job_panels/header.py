"""The top of a job's page: its state, in one word, one label and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.common.states import Rank, State
from jobs.engine import eta
from jobs.models import Job
from jobs.pages import labels


@dataclass(frozen=True, slots=True)
class JobHeader:
    """`announcement` is what the page's live region says when the state has changed; `at_front`:
    an admin moved the waiting job to the front of its lane."""

    state_word: str
    state_label: str
    sentence: str | SafeString
    announcement: str
    at_front: bool

    @classmethod
    def of(cls, job: Job, place: eta.Place | None) -> JobHeader:
        """`place` is the job's place in its lane; None for a job that is over or unclear."""
        sentence = (
            _("at %(time)s") % {"time": labels.hour(job.finished_at)}
            if job.state == State.FAILED
            else labels.sentence(job, place)
        )
        return cls(
            labels.state_word(job),
            labels.label(job, place),
            sentence,
            labels.announcement(job),
            job.state == State.QUEUED and job.rank == Rank.FRONT,
        )
