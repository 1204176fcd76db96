"""Test clips: the first seconds of a speech as a video of their own, so that a face and a style are
judged before the whole is paid.

A clip goes first within its person's turn by itself (`fair_share.usual_rank`). What the person had
chosen in full stays with the job, as Job.full: {"name": the model's input, "asset": public id,
"keep": the kept parts as a form holds them, "milliseconds", "title"}.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from jobs.catalogue import entries
from jobs.engine.fair_share import SHORT_MS
from jobs.models import Job
from jobs.orders import trim
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import Plan
from studio.models import User

CLIP_MS = SHORT_MS
LEAST_MS = 8000  # a shorter speech is its own test


def worth(order: OrderRequest) -> bool:
    """Whether the length of the video is that of a speech, and long enough for a clip to save
    anything."""
    parts = order.trims.get(entries.get(order.model).length_of)
    return parts is not None and parts.milliseconds > LEAST_MS


def first(order: OrderRequest) -> tuple[OrderRequest, dict[str, Any]]:
    """The order of its test clip, and what Job.full is to hold. `order` must be `worth` it."""
    name = entries.get(order.model).length_of
    parts, asset = order.trims[name], order.files[name]
    full = {
        "name": name,
        "asset": asset.public_id,
        "keep": parts.form_value,
        "milliseconds": parts.milliseconds,
        "title": order.title,
    }
    title = _("%(title)s, first %(n)s s") % {"title": order.title[:180], "n": CLIP_MS // 1000}
    return replace(order, trims={**order.trims, name: parts.first(CLIP_MS)}, title=title), full


def plan_of(ready: Plan) -> Plan | None:
    """The plan of the test clip of what `ready` makes: only its length and its price are others.
    None for a video too short for a clip, and for a model that takes no speech so short."""
    if not worth(ready.order):
        return None
    clip, _full = first(ready.order)
    name = ready.spec.length_of
    asset, parts, limits = clip.files[name], clip.trims[name], ready.spec.input(name).limits
    if limits is not None and limits.problems(trim.facts_of(asset, parts, limits)):
        return None
    quote = ready.quote.of_units(Decimal(parts.milliseconds) / 1000)
    return replace(ready, order=clip, quote=quote, milliseconds=parts.milliseconds)


def whole(job: Job, by: User, key: str = "") -> OrderRequest | None:
    """The order that `job` is the test clip of, with the clip's own picture and choices; None for
    no clip, or when the speech was deleted."""
    full = job.full
    asset = job.team.assets.filter(public_id=full["asset"]).first() if full else None
    limits = job.spec.input(full["name"]).limits if full else None
    if asset is None or limits is None:
        return None
    files = {row.name: row.asset for row in job.inputs.select_related("asset")} | {
        full["name"]: asset
    }
    trims = {full["name"]: trim.read(full["keep"], asset, limits)}
    account = job.account if job.account.key is not None and job.account.takes else None
    return OrderRequest(
        job.team,
        by,
        job.model,
        files,
        job.parameters,
        job.template if job.template is not None and not job.template.deleted else None,
        None,
        account,
        full["title"],
        key,
        trims,
    )
