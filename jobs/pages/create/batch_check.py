"""The check of the pictures of a batch that the service has not seen yet."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.billing import budget, prices
from jobs.common.errors import Refused
from jobs.engine import checks
from jobs.pages.create.batch_draft import BatchDraft
from jobs.pages.create.batch_table import BatchTable
from studio.common import formats
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class BatchCheck:
    """The button that has all unknown pictures checked: its words and its price, "" and 0 without
    one. `waits`: a picture is being checked."""

    label: str
    price: str
    micros: int
    waits: bool


def batch_check(draft: BatchDraft, table: BatchTable) -> BatchCheck:
    n = len(table.unknown)
    micros = _price(draft) * n
    return BatchCheck(
        ngettext("Check %(n)s picture", "Check %(n)s pictures", n) % {"n": n},
        formats.money_of(micros, draft.team.currency) if micros else "",
        micros,
        table.waits,
    )


def _price(draft: BatchDraft) -> int:
    """Micros of one check; 0 without a price."""
    if not draft.spec.check or draft.account is None:
        return 0
    try:
        return checks.price(draft.spec.check, draft.account).micros
    except prices.NoPrice:
        return 0


def check_pictures(draft: BatchDraft, table: BatchTable) -> list[str]:
    """Ask the service about every unknown picture; the sentences why not, each once."""
    if draft.account is None:
        return [_("There is no Model Studio connection yet. Add one with its API key first.")]
    sentences: dict[str, None] = {}
    for picture in table.unknown:
        try:
            known = draft.known_check(picture)
            if known is not None:
                checks.ask_again(known, draft.user, picture)
            else:
                checks.ask(
                    asset=picture,
                    model=draft.spec.check,
                    chosen=draft.chosen,
                    account=draft.account,
                    by=draft.user,
                )
        except (Refused, budget.OverBudget, prices.NoPrice) as error:
            sentences[translated(error.sentence)] = None
    return list(sentences)
