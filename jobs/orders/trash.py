"""Deleting videos and files: into the trash for 30 days, out of it again, and erased for ever
(`trash_sweep` does that).

What is deleted is a `Target`; what goes with it is worked out under the team's lock, in the
transaction that moves it, so an order for the same file comes before or after it, never between.
Each target goes whole or stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from jobs.billing import ledger
from jobs.common import wakeup
from jobs.engine import deleted_jobs
from jobs.models import Job, Template
from jobs.orders import trash_sweep, video_holders
from jobs.orders.deletion_plan import DeletionPlan, Target, plan_of, portions, refusals
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.common.translatable import Sentence, phrase
from studio.files import edit_queue
from studio.models import Asset, Deletion, Team, User

DAYS = 30
STAYS_FOR = timedelta(days=DAYS)
ERASES_FOR = 10.0  # seconds that a page waits for what it erases at once
_TOLD = {
    Deletion.Kind.FILE: Event.FILE_DELETED,
    Deletion.Kind.VIDEO: Event.VIDEO_DELETED,
    Deletion.Kind.JOB: Event.VIDEO_DELETED,
    Deletion.Kind.LIKENESS: Event.LIKENESS_DELETED,
}


@dataclass(slots=True)
class Deleted:
    """What became of several targets: what lies in the trash now, and of each that stays its name
    and why. What was in the trash already is in neither."""

    deletions: list[Deletion] = field(default_factory=list)
    refused: list[tuple[str, Sentence]] = field(default_factory=list)


def delete_jobs(
    team: Team, jobs: Iterable[Job], by: User, *, others: bool, files: bool = False
) -> Deleted:
    """Ended jobs of `team` with their videos, into the trash, each by itself; with `files` also the
    pictures and sounds that nothing else uses. `others`: `by` may delete what is not theirs
    (Permission.DELETE_OTHERS).

    A job that has not ended stays, with a sentence; the ledger, the trail and the emptied row of
    each job stay for ever.
    """
    return delete([Target(team, job=job, files=files) for job in jobs], by, others=others)


def delete_files(
    team: Team, assets: Iterable[Asset], by: User, *, others: bool, whole: bool = False
) -> Deleted:
    """Files of `team` into the trash, each by itself: a video with its job, a dance video with its
    templates; `whole`: with everything made of it (a person's likeness)."""
    return delete([Target(team, asset=asset, whole=whole) for asset in assets], by, others=others)


def delete(
    targets: Iterable[Target],
    by: User | None,
    *,
    others: bool,
    reason: str = Deletion.Reason.PERSON,
    keep: timedelta = STAYS_FOR,
    by_name: User | None = None,
) -> Deleted:
    """Each of `targets` into the trash, where it is kept for `keep`. `by` None is the site itself,
    which may delete everything; `by_name` is whom the trail names for it."""
    done = Deleted()
    for target in targets:
        with transaction.atomic():
            ledger.lock(target.team)
            plan = plan_of(target)
            if not plan.assets and not plan.jobs:
                continue  # somebody else was faster
            if sentences := refusals(plan, by, others=others):
                done.refused += [(target.name, sentence) for sentence in sentences]
                continue
            done.deletions.append(_move(plan, by or by_name, reason, keep))
    return done


def _move(plan: DeletionPlan, by: User | None, reason: str, keep: timedelta) -> Deletion:
    made = Deletion.objects.create(
        team=plan.team,
        by=by,
        kind=plan.kind,
        reason=reason,
        name=plan.target.name,
        face_id=_face(plan),
        files=len(plan.assets),
        remove_at=clock.now() + keep,
    )
    videos = size = 0
    text = _said(by)
    for some in portions(plan.jobs):
        jobs = Job.objects.filter(pk__in=some).select_related("team").order_by("pk")
        for job in jobs:
            deleted_jobs.set_aside(job, made, text)
            videos += job.result_id in plan.assets
        Job.objects.filter(pk__in=some).update(goes_at=None)
    for some in portions(plan.assets):
        rows = Asset.objects.filter(pk__in=some)
        list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        size += rows.aggregate(sum=Sum("size"))["sum"] or 0
        rows.update(deletion=made, goes_at=None)
        edit_queue.drop(some)
    for some in portions(plan.templates):
        Template.objects.filter(pk__in=some).update(deletion=made, deleted=True)
    made.videos, made.size = videos, size
    made.save(update_fields=["videos", "size"])
    _tell(plan, made, by)
    return made


def _face(plan: DeletionPlan) -> int | None:
    """The file that stands for it: the one that was meant, or the video, or one of the others."""
    target = plan.target
    meant = target.asset.pk if target.asset is not None else None
    if target.job is not None:
        meant = Job.objects.filter(pk=target.job.pk).values_list("result_id", flat=True).first()
    if meant in plan.assets:
        return meant
    return min(plan.assets, default=None)


def _said(by: User | None) -> Sentence:
    if by is None:
        return phrase("Moved to the trash")
    return phrase("Moved to the trash by %(person)s", person=by.short_name)


def _tell(plan: DeletionPlan, made: Deletion, by: User | None) -> None:
    target = plan.target
    person = target.job.owner if target.job is not None else None
    if target.asset is not None:
        person = target.asset.owner
    record(
        _TOLD[Deletion.Kind(made.kind)],
        team=plan.team,
        by=by,
        person=person,
        about=made.name,
        after={
            "files": made.files,
            "videos": made.videos,
            "bytes": made.size,
            "reason": made.reason,
            "remove_at": made.remove_at,
        },
    )


def erase_files(assets: Iterable[Asset], by: User | None, reason: str) -> int:
    """`studio.files.eraser.Eraser`: into the trash and at once out of it for ever, without a way
    back. What is left of much is erased by the next sweep."""
    targets = [Target(asset.team, asset=asset) for asset in assets]
    done = delete(targets, None, others=True, reason=reason, keep=timedelta(0), by_name=by)
    Deletion.objects.filter(pk__in=[one.pk for one in done.deletions]).update(erasing=True)
    trash_sweep.work(ERASES_FOR)
    return len(done.deletions)


# ── out of the trash ──


def may_restore(deletion: Deletion, by: User, *, others: bool) -> bool:
    """Whoever deleted it, and who may delete what is not theirs; what went for its age everybody
    who may delete at all."""
    return others or deletion.by_id == by.pk or deletion.reason == Deletion.Reason.AGE


def may_erase(deletion: Deletion, by: User, *, others: bool) -> bool:
    return others or deletion.by_id == by.pk


def restore(deletions: Iterable[Deletion], by: User, *, others: bool) -> list[Deletion]:
    """Everything of each of `deletions` is where it was; those that came back. What is being erased
    already, or was taken out by somebody else, does not."""
    back = []
    for deletion in deletions:
        with transaction.atomic():
            ledger.lock(deletion.team)
            found = _locked(deletion)
            if found is None or found.erasing or not may_restore(found, by, others=others):
                continue
            _put_back(found, by)
            record(Event.RESTORED, team=found.team, by=by, about=found.name)
            found.delete()
            back.append(deletion)
    return back


def _locked(deletion: Deletion) -> Deletion | None:
    rows = Deletion.objects.select_for_update(of=("self",)).filter(pk=deletion.pk)
    return rows.select_related("team").first()


def _put_back(deletion: Deletion, by: User) -> None:
    video_holders.take_home(deletion)
    if deletion.reason == Deletion.Reason.AGE:
        # It is as old as before: whoever takes it out wants it to stay.
        deletion.jobs.update(pinned=True)
        Asset.everything.filter(deletion=deletion).update(pinned=True)
    Asset.everything.filter(deletion=deletion).update(deletion=None)
    Template.everything.filter(deletion=deletion).update(deletion=None, deleted=False)
    text = phrase("Taken out of the trash by %(person)s", person=by.short_name)
    for job in deletion.jobs.select_related("team").order_by("pk"):
        deleted_jobs.put_back(job, text)


def erase_now(deletions: Iterable[Deletion], by: User, *, others: bool) -> list[Deletion]:
    """Each of `deletions` is erased by the next sweep and cannot come back; those that are."""
    gone = []
    for deletion in deletions:
        with transaction.atomic():
            ledger.lock(deletion.team)
            found = _locked(deletion)
            if found is None or found.erasing or not may_erase(found, by, others=others):
                continue
            Deletion.objects.filter(pk=found.pk).update(erasing=True, remove_at=clock.now())
            record(Event.ERASED_NOW, team=found.team, by=by, about=found.name)
            gone.append(deletion)
    if gone:
        transaction.on_commit(wake_sweep)
    return gone


def wake_sweep() -> None:
    """A worker erases what is due now; the heartbeat sees to it otherwise."""
    wakeup.enqueue("steps", "trash_run")


def seen_by(team: Team, user: User, *, others: bool) -> QuerySet[Deletion]:
    """What `user` finds in the trash of `team`, the newest first."""
    rows = team.deletions.select_related("by", "team", "face").order_by("-pk")
    return rows if others else rows.filter(Q(by=user) | Q(reason=Deletion.Reason.AGE))
