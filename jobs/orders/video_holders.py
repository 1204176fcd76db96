"""A video that several jobs show, as results of before each had a file of its own: it lies in the
trash with the last of them that was deleted, and is kept for as long as one of them can be seen or
restored. Under the team's lock."""

from __future__ import annotations

from django.db.models import F, QuerySet

from jobs.common.states import Group
from jobs.models import Job
from studio.models import Asset, Deletion


def take_home(deletion: Deletion) -> None:
    """Before the jobs of `deletion` come back: their videos that lie in the trash with another one
    come too."""
    shown = Job.objects.filter(deletion=deletion).values("result")
    for video in _in_trash().filter(pk__in=shown).exclude(deletion=deletion):
        _move(video, None)


def leave_with_others(deletion: Deletion) -> None:
    """Before `deletion` is erased: its videos that a job shows which is not erased with it stay, or
    lie in the trash with that job."""
    shown = Job.objects.filter(result__deletion=deletion, erased_at=None)
    others = shown.exclude(deletion=deletion)
    kept = set[int]()
    # Those that are shown come before those that lie in the trash.
    for job in others.select_related("result", "deletion").order_by("group", "pk"):
        video = job.result
        if video is not None and video.pk not in kept:
            kept.add(video.pk)
            _move(video, job.deletion if job.group == Group.DELETED else None)


def _in_trash() -> QuerySet[Asset]:
    return Asset.everything.exclude(deletion=None)


def _move(video: Asset, to: Deletion | None) -> None:
    """Out of its deletion, into `to` or back among what is kept."""
    was = Deletion.objects.filter(pk__in=Asset.everything.filter(pk=video.pk).values("deletion"))
    was.update(files=F("files") - 1, videos=F("videos") - 1, size=F("size") - video.size)
    if to is not None:
        into = Deletion.objects.filter(pk=to.pk)
        into.update(files=F("files") + 1, videos=F("videos") + 1, size=F("size") + video.size)
    Asset.everything.filter(pk=video.pk).update(deletion=to)
