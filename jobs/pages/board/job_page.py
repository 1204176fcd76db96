"""Everything that a job's own page shows, as its panels from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.common.states import OUT, State
from jobs.engine import eta
from jobs.models import Job
from jobs.pages.board.job_panels.actions import ActionsPanel
from jobs.pages.board.job_panels.cost import CostPanel
from jobs.pages.board.job_panels.decision import DecisionPanel
from jobs.pages.board.job_panels.failure import FailurePanel
from jobs.pages.board.job_panels.header import JobHeader
from jobs.pages.board.job_panels.inputs import InputsPanel
from jobs.pages.board.job_panels.length import LengthNote
from jobs.pages.board.job_panels.lifetimes import Lifetime, lifetimes_of
from jobs.pages.board.job_panels.progress import ProgressPanel
from jobs.pages.board.job_panels.timeline import TimelinePanel
from jobs.pages.board.player import Player, player_of
from jobs.pages.create import compare, model_retirement
from studio.models.people import Team


@dataclass(frozen=True, slots=True)
class JobPage:
    """A panel that is None is not on the page. `changes` is what the job has other than the job
    that it was made again from; `overdue` is the job itself when its video should long be here;
    `retirement` has the ways on where its model is retired or gone."""

    header: JobHeader
    actions: ActionsPanel
    changes: list[compare.Change]
    decision: DecisionPanel | None
    overdue: list[Job]
    player: Player | None
    length: LengthNote | None
    failure: FailurePanel | None
    progress: ProgressPanel | None
    retirement: model_retirement.Ending | None
    inputs: InputsPanel
    lifetimes: list[Lifetime]
    cost: CostPanel
    timeline: TimelinePanel

    @classmethod
    def of(cls, job: Job, team: Team, *, writes: bool, manages: bool, approves: bool) -> JobPage:
        """`job` with what its page relates it to already loaded. `writes`: the reader may cancel
        and run again; `manages`: move it to the front, and decide about an unclear submit;
        `approves`: order without asking."""
        place = eta.place(job) if State(job.state) in (State.QUEUED, *OUT) else None
        inputs = InputsPanel.of(job, team)
        return cls(
            header=JobHeader.of(job, place),
            actions=ActionsPanel.of(
                job, team, inputs.files, writes=writes, manages=manages, approves=approves
            ),
            changes=compare.changes(job),
            decision=DecisionPanel.of(job) if manages else None,
            overdue=[job] if job.state == State.ARCHIVING and job.alarmed else [],
            player=player_of(job, team),
            length=LengthNote.of(job),
            failure=FailurePanel.of(job),
            progress=ProgressPanel.of(job, place),
            retirement=_retirement(job, team) if writes else None,
            inputs=inputs,
            lifetimes=lifetimes_of(job),
            cost=CostPanel.of(job),
            timeline=TimelinePanel.of(job),
        )


def _retirement(job: Job, team: Team) -> model_retirement.Ending | None:
    found = model_retirement.of_job(job, team)
    return found if found is not None and found.ways else None
