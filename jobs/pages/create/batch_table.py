"""The matrix itself: a row for each picture, a column for each speech, a cell for each video."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from jobs.billing import prices
from jobs.models import Check
from jobs.pages.create.batch_draft import BatchDraft
from studio.common import formats
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models import Asset


@dataclass(frozen=True, slots=True)
class BatchHead:
    """A picture or a speech at the edge of the matrix. `state` of a picture: passed, unknown,
    waits, refused; of a speech: fits, refused. `quote`: a video of this speech, None without a
    price and for a picture."""

    asset: Asset
    state: str
    note: str
    quote: prices.Quote | None = None


@dataclass(frozen=True, slots=True)
class BatchCell:
    """A picture with a speech. `state`: fits, or that of the head which it waits for or is refused
    for. `note`: its price, or why it cannot be made now. `on`: it is to be made."""

    name: str
    label: str
    state: str
    note: str
    on: bool


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A picture and its cells from left to right."""

    head: BatchHead
    cells: list[BatchCell]


@dataclass(frozen=True, slots=True)
class BatchVideo:
    """A video that is to be made and fits, with its price."""

    picture: Asset
    speech: Asset
    micros: int


@dataclass(frozen=True, slots=True)
class BatchTable:
    """`columns` are the speeches, left to right; `rows` the pictures, top to bottom."""

    columns: list[BatchHead]
    rows: list[BatchRow]

    @property
    def videos(self) -> list[BatchVideo]:
        """All that is to be made and fits, row by row."""
        return [
            BatchVideo(row.head.asset, speech.asset, speech.quote.micros)
            for row in self.rows
            for cell, speech in zip(row.cells, self.columns, strict=True)
            if cell.on and cell.state == "fits" and speech.quote is not None
        ]

    @property
    def cells(self) -> set[str]:
        """The names of all cells."""
        return {cell.name for row in self.rows for cell in row.cells}

    @property
    def seen(self) -> str:
        """The cells that the form shows a box for, in one field: four hundred of them would make a
        heavy page."""
        return " ".join(
            cell.name for row in self.rows for cell in row.cells if cell.state != "refused"
        )

    @property
    def unknown(self) -> list[Asset]:
        """Pictures that the service has to look at first, as far as a video of them is wanted."""
        return [
            row.head.asset
            for row in self.rows
            if row.head.state == "unknown" and (not row.cells or any(cell.on for cell in row.cells))
        ]

    @property
    def waits(self) -> bool:
        """Whether a picture is being checked."""
        return any(row.head.state == "waits" for row in self.rows)


def batch_table(draft: BatchDraft) -> BatchTable:
    columns = _columns(draft)
    rows = []
    for picture in draft.pictures:
        head = _picture_head(draft, picture)
        rows.append(BatchRow(head, [_cell(draft, head, speech) for speech in columns]))
    return BatchTable(columns, rows)


def _columns(draft: BatchDraft) -> list[BatchHead]:
    found = []
    second = _price(draft) if draft.speeches else None
    for speech in draft.speeches:
        problem, kept = draft.problem(speech), draft.trim_of(speech)
        note = problem or length(speech.seconds)
        if not problem and kept is not None and not kept.everything:
            note = _("first %(kept)s of %(whole)s") % {
                "kept": length(kept.milliseconds / 1000),
                "whole": length(speech.seconds),
            }
        quote = (
            second.of_units(Decimal(draft.milliseconds(speech)) / 1000)
            if second is not None
            else None
        )
        found.append(BatchHead(speech, "refused" if problem else "fits", note, quote))
    return found


def _price(draft: BatchDraft) -> prices.Quote | None:
    """A second of video; None without a price."""
    try:
        return prices.quote(
            draft.spec,
            draft.spec.variant_of(draft.chosen),
            Decimal(1),
            currency=draft.team.currency,
            region=draft.region,
        )
    except prices.NoPrice:
        return None


def _picture_head(draft: BatchDraft, picture: Asset) -> BatchHead:
    problem = draft.problem(picture)
    if problem:
        return BatchHead(picture, "refused", problem)
    if not draft.spec.check:
        return BatchHead(picture, "passed", "")
    check = draft.known_check(picture)
    if check is None:
        return BatchHead(picture, "unknown", _("not checked yet"))
    if check.state in (Check.State.UNCERTAIN, Check.State.FAILED):
        return BatchHead(picture, "unknown", _("the check has no answer"))
    if check.state == Check.State.PASSED:
        return BatchHead(picture, "passed", "")
    if check.state == Check.State.REFUSED:
        note = translated(check.sentence) or _("The service does not take this picture.")
        return BatchHead(picture, "refused", note)
    return BatchHead(picture, "waits", _("is being checked"))


def _cell(draft: BatchDraft, picture: BatchHead, speech: BatchHead) -> BatchCell:
    name = f"{picture.asset.public_id}.{speech.asset.public_id}"
    label = _("%(picture)s with %(speech)s") % {
        "picture": picture.asset.name,
        "speech": speech.asset.name,
    }
    for head in (picture, speech):
        if head.state == "refused":
            return BatchCell(name, label, "refused", head.note, False)
    if speech.quote is None:
        return BatchCell(name, label, "refused", _("no price"), False)
    price = formats.money_of(speech.quote.micros, speech.quote.currency)
    on = name not in draft.left_out
    if picture.state == "passed":
        return BatchCell(name, label, "fits", price, on)
    return BatchCell(name, label, picture.state, f"{price} · {picture.note}", on)
