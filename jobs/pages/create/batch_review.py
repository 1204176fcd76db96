"""What a click on a batch would meet: its videos and their price, worked out once per request."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.orders.create_batch import MOST
from jobs.orders.order_request import OrderRequest
from jobs.orders.waiting_room import no_room_in_line, waiting_of
from jobs.pages.create.batch_check import BatchCheck, batch_check
from jobs.pages.create.batch_consent import BatchConsent, batch_consent
from jobs.pages.create.batch_draft import SIDE, BatchDraft
from jobs.pages.create.batch_table import BatchTable, BatchVideo, batch_table
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class BatchReview:
    """`videos` that are to be made and fit, and their price in `micros`. `blocked`: why nothing can
    be made now, "" when it can; without the budget, which the click itself tests: a second one
    finds the set of the first."""

    table: BatchTable
    videos: list[BatchVideo]
    micros: int
    check: BatchCheck
    consent: BatchConsent
    blocked: str


def review_batch(draft: BatchDraft) -> BatchReview:
    table = batch_table(draft)
    videos = table.videos
    consent = batch_consent(draft, videos)
    return BatchReview(
        table,
        videos,
        sum(video.micros for video in videos),
        batch_check(draft, table),
        consent,
        _blocked(draft, table, videos) or consent.missing,
    )


def orders_of(draft: BatchDraft, videos: list[BatchVideo]) -> list[OrderRequest]:
    """An order for each video, named after its files."""
    picture_name, speech_name = draft.picture_input.name, draft.speech_input.name
    found = []
    for video in videos:
        kept = draft.trim_of(video.speech)
        names = (file.name.rsplit(".", 1)[0][:90] for file in (video.picture, video.speech))
        found.append(
            OrderRequest(
                team=draft.team,
                owner=draft.user,
                model=draft.spec.name,
                files={picture_name: video.picture, speech_name: video.speech},
                chosen=dict(draft.chosen),
                account=draft.account,
                title=" · ".join(names),
                key=draft.key,
                trims={speech_name: kept} if kept is not None else {},
            )
        )
    return found


def _blocked(draft: BatchDraft, table: BatchTable, videos: list[BatchVideo]) -> str:
    if draft.account is None:
        return _("There is no Model Studio connection yet. Add one with its API key first.")
    if draft.too_many:
        return _("At most %(n)s pictures and %(n)s speeches go into one group. Take some away.") % {
            "n": SIDE
        }
    if not draft.pictures or not draft.speeches:
        return _("Choose at least one picture and one speech.")
    if not videos:
        if table.waits:
            return _("The pictures are being checked.")
        return (
            _("The pictures are not checked yet.")
            if table.unknown
            else _("No cell of the matrix is chosen that fits.")
        )
    if len(videos) > MOST:
        return _(
            "These are %(n)s videos, and at most %(most)s are made with one click. Take some out."
        ) % {"n": len(videos), "most": MOST}
    waiting = waiting_of(draft.team, draft.user) + len(videos)
    return translated(no_room_in_line(draft.team, waiting))
