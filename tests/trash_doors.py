"""The doors of the trash, for `audit_doors`: how each is made to change something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.common.states import State
from jobs.models import Job
from studio.audit.events import Event
from studio.models import Collection, Deletion
from tests import makers


def _ended(w: Any) -> str:
    """The public id of a job that has ended."""
    made: Job = makers.job(w.team, w.creator, account=w.account, state=State.FAILED)
    return made.public_id


def asset_delete(w: Any) -> None:
    w.post("asset_delete", makers.asset(w.team).public_id)


def rename(w: Any) -> None:
    w.post("asset_name", makers.asset(w.team).public_id, name="Front desk")


def job_delete(w: Any) -> None:
    w.post("jobs:job_delete", _ended(w))


def delete_several(w: Any) -> None:
    w.post("jobs:delete_several", job=_ended(w), sure="1")


def keep(w: Any) -> None:
    w.post("jobs:keep", job=_ended(w), asset=makers.asset(w.team).public_id)


def let_go(w: Any) -> None:
    keep(w)
    w.post("jobs:keep", asset=w.team.assets.get(pinned=True).public_id, let_go="1")


def close_team(w: Any) -> None:
    w.post("team_delete", name=w.team.name)


def reopen_team(w: Any) -> None:
    close_team(w)
    w.post("team_delete", do="reopen")


def restore(w: Any) -> None:
    job_delete(w)
    w.post("jobs:trash", do="restore", deletion=Deletion.objects.latest("pk").public_id)


def erase(w: Any) -> None:
    job_delete(w)
    w.post("jobs:trash", do="erase", sure="1", deletion=Deletion.objects.latest("pk").public_id)


def collection_new(w: Any) -> None:
    w.post("collection_new", name="Spring", whole_team="1")


def _of_everybody(w: Any) -> Collection:
    return makers.collection(w.team, w.creator, whole_team=True)


def collection_hide(w: Any) -> None:
    w.post("collection", _of_everybody(w).public_id, do="hide")


def collection_delete(w: Any) -> None:
    w.post("collection", _of_everybody(w).public_id, do="delete")


_DELETED = Event.VIDEO_DELETED
DOORS: dict[str, list[tuple[Callable[[Any], None], set[Event]]]] = {
    "jobs:keep": [(keep, {Event.PINNED}), (let_go, {Event.PINNED, Event.UNPINNED})],
    "team_delete": [
        (close_team, {Event.TEAM_CLOSED, Event.JOB_CANCELED}),
        (reopen_team, {Event.TEAM_CLOSED, Event.JOB_CANCELED, Event.TEAM_REOPENED}),
    ],
    "collection_new": [(collection_new, {Event.COLLECTION_SHOWN})],
    "collection": [
        (collection_hide, {Event.COLLECTION_HIDDEN}),
        (collection_delete, {Event.COLLECTION_DELETED}),
    ],
    "asset_name": [(rename, {Event.FILE_RENAMED})],
    "asset_delete": [(asset_delete, {Event.FILE_DELETED})],
    "jobs:job_delete": [(job_delete, {_DELETED})],
    "jobs:delete_several": [(delete_several, {_DELETED})],
    "jobs:trash": [(restore, {_DELETED, Event.RESTORED}), (erase, {_DELETED, Event.ERASED_NOW})],
}
