"""The choice of a dance template: the team's templates as cards, and a new one from a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.accounts import choice
from jobs.catalogue import entries as catalogue
from jobs.models import Account
from jobs.orders.templates import RemakePrices
from jobs.pages import template_cards as team_templates
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import TEMPLATE, TEMPLATE_VIDEO
from jobs.pages.create.draft_plan import DraftPlan
from jobs.pages.create.file_slots import FileSlot
from jobs.pages.template_cards import TemplateCard
from studio.common.formats import seconds as length

SHOWN = 60  # templates that are offered


@dataclass(frozen=True, slots=True)
class TemplatePanel:
    """`cards` of the templates that the team has (parts/template_card.html). `new_price`: what one
    of the chosen video costs on the account; "" without a video that had one before, and while one
    is being made. `video`: the file that a new one is made from."""

    cards: list[dict[str, Any]]
    new_price: str
    video: FileSlot


def template_panel(
    draft: Draft, files: list[FileSlot], planned: DraftPlan, account: Account | None
) -> TemplatePanel | None:
    """None for a model that dances to no template."""
    if not draft.spec.makes:
        return None
    video = next(file for file in files if file.name == TEMPLATE_VIDEO)
    return TemplatePanel(template_cards(draft), _new_price(draft, planned, account), video)


def _new_price(draft: Draft, planned: DraftPlan, account: Account | None) -> str:
    video = draft.template_video
    made_before = draft.forgotten is not None or draft.known_on is not None
    under_way = planned.estimate is not None and len(planned.estimate.lines) < 2
    if video is None or account is None or not made_before or under_way:
        return ""
    return RemakePrices(draft.team, catalogue.get(draft.spec.makes), draft.person).price(
        video, account
    )


def template_cards(draft: Draft) -> list[dict[str, Any]]:
    """The team's templates as cards, newest first. One that the service forgot comes after those,
    and only as what its video is made anew for.

    A forgotten one that can be had by another card, or whose video is not here, cannot be chosen
    and comes last.
    """
    rows = list(
        draft.team.templates.filter(model=draft.spec.makes).select_related("account", "asset")[
            :SHOWN
        ]
    )
    accounts = {row.account_id: row.account for row in rows}
    closed = {pk for pk, account in accounts.items() if not choice.may_use(account, draft.person)}
    return sorted(
        (
            _template_card(draft, entry, closed)
            for entry in team_templates.template_cards(draft.team, rows, draft.person)
        ),
        key=lambda card: (card["unfit"], bool(card["gone"])),
    )


def _template_card(draft: Draft, entry: TemplateCard, closed: set[int]) -> dict[str, Any]:
    """`closed`: ids of the accounts that its person may not use."""
    row, anew = entry.template, entry.anew
    named = row.account_id in closed
    gone = ""
    if anew is not None:
        gone = _("The service has forgotten it. Made anew from its video: %(price)s.") % {
            "price": anew.price or _("no price")
        }
    elif row.forgotten:
        gone = (
            _("The service has forgotten it; another one was made since.")
            if entry.replaced
            else _("The service has forgotten it.")
        )
    if named and anew is None:
        gone = _("Its connection %(account)s is only for named people.") % {
            "account": row.account.label
        }
    return {
        "id": f"template-{row.public_id}",
        "title": row.name,
        "facts": gone or f"{row.account.label} · {entry.used}",
        "cost": "" if gone else entry.cost,
        "gone": gone,
        "badge": length(row.seconds),
        "picture_url": entry.poster_url,
        "loop_url": entry.loop_url,
        "video": True,
        "unfit": (row.forgotten or named) and anew is None,
        "pick_name": TEMPLATE,
        "pick_value": row.public_id,
        "picked": draft.template is not None and row.pk == draft.template.pk,
        "icon": "template",
    }
