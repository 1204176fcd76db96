"""A create page: the panels that show a draft, each built once from it.

Everything derives from the model's declaration, so a page is never written for one model.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from jobs.billing import confirmed_price
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.models import Account, Lane
from jobs.orders.waiting_room import no_room_in_line
from jobs.pages import asking
from jobs.pages.budget_summary import no_room
from jobs.pages.create import model_retirement
from jobs.pages.create.account_panel import AccountPanel, account_panel
from jobs.pages.create.button_prices import price_on
from jobs.pages.create.check_panel import CheckPanel
from jobs.pages.create.choices_panel import ChoicesPanel, choices_panel
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import TEMPLATE_VIDEO, file_fields
from jobs.pages.create.draft_plan import DraftPlan, jobs_of
from jobs.pages.create.draft_review import DraftReview, review_draft
from jobs.pages.create.file_slots import FileSlot, file_slot
from jobs.pages.create.hold import hold
from jobs.pages.create.model_retirement import Ending
from jobs.pages.create.more_buttons import MoreButtons, more_buttons
from jobs.pages.create.output_panel import OutputPanel, output_panel
from jobs.pages.create.page_urls import PageUrls
from jobs.pages.create.picture_tools import PictureTools, picture_tools
from jobs.pages.create.price_panel import PricePanel, price_panel
from jobs.pages.create.queue_panel import QueuePanel, lane_of, queue_panel
from jobs.pages.create.template_panel import TemplatePanel, template_panel
from studio.common.translatable import translated
from studio.models.people import User


@dataclass(frozen=True, slots=True)
class CreatePage:
    """All that a create page shows of `draft`; the templates find each field under its name.

    `models` to change to: none where the page has one only. `files`, and of them the `picture`, the
    `sound` and the `video` that the model takes itself. `blocked`: why nothing can be made now;
    `why_not`: the same, or why the budget has no room for the video; who asks for approval is not
    stopped by that. `asks`: which buttons ask, as the form sends it along; `approval`: what to say
    when that of the video does. `make_price`: what the button
    of the video shows. `confirmed_prices`: what all buttons show, as the form sends it along with a
    click.
    """

    page: str
    draft: Draft
    spec: entries.Model
    urls: PageUrls
    account: AccountPanel
    models: list[entries.Model]
    files: list[FileSlot]
    picture: FileSlot | None
    sound: FileSlot | None
    video: FileSlot | None
    picture_tools: PictureTools | None
    templates: TemplatePanel | None
    check: CheckPanel | None
    choices: ChoicesPanel
    output: OutputPanel
    price: PricePanel
    queue: QueuePanel | None
    blocked: str
    why_not: str
    split_why_not: str
    make_price: str
    more: MoreButtons
    retirement: Ending | None
    confirmed_prices: str
    asks: str
    approval: str

    @property
    def layout(self) -> str:
        """The class of the form: how many columns the sections stand in."""
        if self.spec.kind is entries.Kind.VIDEO and self.sound is None:
            return "dance"
        return "" if self.picture is not None else "single"

    def context(self) -> dict[str, Any]:
        """The panels by their names, for a template."""
        panels = {field.name: getattr(self, field.name) for field in fields(self)}
        return panels | {"layout": self.layout}


def create_page(
    draft: Draft, user: User, page: str, review: DraftReview | None = None
) -> CreatePage:
    """The page named `page` (portrait, dance, template) of `draft` for `user`; `review` where the
    request has worked it out already."""
    review = review or review_draft(draft, user)
    account, planned, check = review.account, review.planned, review.check
    files = _files(draft, review)
    picture, sound = (
        next((file for file in files if file.kind == kind), None) for kind in ("image", "audio")
    )
    lane = lane_of(draft, account)
    asks = asking.asking_buttons(draft.team, user, review.prices)
    approval = asking.note(draft.team, asks, "make", planned.micros)
    return CreatePage(
        page=page,
        draft=draft,
        spec=draft.spec,
        urls=PageUrls.of(draft, page),
        account=account_panel(draft, account),
        models=_models(page),
        files=files,
        picture=picture,
        sound=sound,
        video=next((f for f in files if f.kind == "video" and f.name != TEMPLATE_VIDEO), None),
        picture_tools=picture_tools(draft, picture, check, account),
        templates=template_panel(draft, files, planned, account),
        check=check,
        choices=choices_panel(draft, check, review.region),
        output=output_panel(draft),
        price=price_panel(draft, user, planned, review.region),
        queue=queue_panel(draft, planned, account, lane),
        blocked=review.blocked,
        why_not=review.blocked or ("" if approval else no_room(draft.team, user, planned.micros)),
        make_price=price_on("make", review.prices, draft.team.currency),
        more=more_buttons(planned, review.prices, review.waiting, review.blocked, asks),
        split_why_not=_split_why_not(review),
        retirement=_retirement(draft, account, lane, planned),
        confirmed_prices=confirmed_price.form_value(review.prices),
        asks=asks,
        approval=approval,
    )


def _split_why_not(review: DraftReview) -> str:
    """Why the parts of a long speech cannot be made now; "" when they can."""
    waiting = review.waiting + jobs_of(review.planned, len(review.parts))
    return translated(no_room_in_line(review.planned.order.team, waiting)) if review.parts else ""


def _files(draft: Draft, review: DraftReview) -> list[FileSlot]:
    return [
        file_slot(
            draft,
            field,
            review.consents[field.name],
            review.speech if field.kind == "audio" else None,
            hold(field, draft.asset(field.name), review.planned) if field.kind == "video" else None,
        )
        for field in file_fields(draft.spec)
    ]


def _models(page: str) -> list[entries.Model]:
    found = models_of(page)
    return model_retirement.in_order(found) if len(found) > 1 else []


def _retirement(
    draft: Draft, account: Account | None, lane: Lane | None, planned: DraftPlan
) -> Ending | None:
    gone = lane is not None and lane.health == Account.Health.GONE
    here = planned.micros if planned.estimate is not None else None
    return model_retirement.ending(draft, account, here, gone=gone)
