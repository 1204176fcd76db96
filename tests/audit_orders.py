"""Doors of `tests/audit_doors.py` about orders that wait for approval or for room in a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.models import JobSet
from tests import makers

if TYPE_CHECKING:
    from tests.audit_doors import World


def _with_rest(w: World) -> JobSet:
    made = JobSet.objects.create(team=w.team, owner=w.creator, kind=JobSet.Kind.BATCH, title="Many")
    kept = makers.pending_order(w.team, w.creator, reason="limit", set=made, expires_at=None)
    wish = {**kept.wish, "single": False, "kind": "batch", "title": "Many"}
    type(kept).objects.filter(pk=kept.pk).update(wish=wish)
    picture = w.team.assets.get(public_id=wish["orders"][0]["files"]["image_url"])
    makers.check(picture, w.account)
    return made


def set_go_on(w: World) -> None:
    w.post("jobs:set_go_on", _with_rest(w).public_id, round="0")


def set_rest_cancel(w: World) -> None:
    w.post("jobs:set_rest_cancel", _with_rest(w).public_id)


def approval_limit(w: World) -> None:
    w.post("jobs:approval_limit", kind="amount", amount="5")


def decline(w: World) -> None:
    pending = makers.pending_order(w.team, w.creator)
    w.post("jobs:approval_answer", pending.public_id, do="decline", reason="Too long")


def withdraw(w: World) -> None:
    w.post("jobs:approval_withdraw", makers.pending_order(w.team, w.owner).public_id)


def approve(w: World) -> None:
    pending = makers.pending_order(w.team, w.creator)
    picture = w.team.assets.get(public_id=pending.wish["orders"][0]["files"]["image_url"])
    makers.check(picture, w.account)
    w.post("jobs:approval_answer", pending.public_id, do="approve")
