"""Staff end a job whose task does not end: it may stand at the head of its lane for ever."""

from __future__ import annotations

import logging

from django.db import transaction

from jobs.accounts.clients import NoKey
from jobs.common.states import State
from jobs.engine import poll, transitions
from jobs.engine.unseen_end import end_unseen
from jobs.models import Job
from jobs.modelstudio import Explanation, WireError
from studio.audit import trail
from studio.audit.events import Event
from studio.common.translatable import Sentence, phrase
from studio.models import User

log = logging.getLogger("footlight.runner")


class ManualEnd(WireError):
    """Somebody waits no longer for the end of a task."""

    def __init__(self) -> None:
        super().__init__("ManualEnd", "The task had not ended when the job was ended by hand.")

    def explain(self) -> Explanation:
        words = phrase("It was ended by hand, because the service did not say how its task ends.")
        return Explanation("service", words, words)


def may_be_ended(job: Job) -> bool:
    """There is a task, and the service has not said yet how it ends."""
    return State(job.state) is State.RUNNING


def end_manually(job: Job, by: User) -> Sentence:
    """End a RUNNING job and say in a sentence how. The service is asked twice before: to cancel the
    task, which costs nothing while it has not begun, and whether it has ended by now. Otherwise its
    end counts as unseen (`unseen_end`). Moved when the job went on meanwhile."""
    said = transitions.cancel(job, by)
    if not may_be_ended(job):
        return said
    try:
        poll.look(job)
    except NoKey as error:
        log.info("job %s is ended without a last look: %s", job.public_id, error)
    if not may_be_ended(job):
        return phrase("The service has said by now how its task ends. Look at the job’s state.")
    with transaction.atomic():
        end_unseen(
            job,
            ManualEnd(),
            phrase("%(person)s ended it by hand; how its task ends was not seen.", person=by),
        )
        trail.record(
            Event.JOB_ENDED_MANUALLY, team=job.team, by=by, person=job.owner, about=job.title
        )
    transitions.wake_lane(job.lane_id)
    return phrase("The job is ended. Its quote counts until somebody has read the bill.")
