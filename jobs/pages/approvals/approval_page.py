"""What the page of one question for approval shows: what it makes, its price then and now, what is
left of the limits, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.billing import budget, confirmed_price, limit_words, periods, prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.models import Job, PendingOrder
from jobs.orders import approval, stored_orders
from jobs.orders.order_group import group_of
from jobs.pages import labels
from jobs.pages.create.file_slots import facts_line, file_url
from studio.common import clock, formats
from studio.common.translatable import translated
from studio.models import Asset, User

FILES = 24  # that are shown of a batch
TONES = {
    PendingOrder.State.OPEN: "warn",
    PendingOrder.State.ORDERED: "yes",
    PendingOrder.State.DECLINED: "no",
}


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A line of the list."""

    pending: PendingOrder
    price: str
    what: str
    state: str
    fit: str

    @classmethod
    def of(cls, pending: PendingOrder) -> ApprovalRow:
        money = formats.money_of(pending.quote_micros, pending.currency)
        state = _state(pending)
        words = _("expired") if state == PendingOrder.State.EXPIRED else state.label
        return cls(pending, money, what_words(pending), str(words), TONES.get(state, ""))


def _state(pending: PendingOrder) -> PendingOrder.State:
    """Its state, also when it has expired and was not swept yet."""
    if pending.is_open and pending.expires_at and pending.expires_at <= clock.now():
        return PendingOrder.State.EXPIRED
    return PendingOrder.State(pending.state)


def what_words(pending: PendingOrder) -> str:
    """“3 videos with EMO”."""
    models = dict.fromkeys(one["model"] for one in pending.wish["orders"])
    named = ", ".join(
        translated(entries.MODELS[name].label) if name in entries.MODELS else name
        for name in models
    )
    words = ngettext("%(n)s video with %(model)s", "%(n)s videos with %(model)s", pending.videos)
    return words % {"n": pending.videos, "model": named}


@dataclass(frozen=True, slots=True)
class GivenFile:
    asset: Asset
    url: str
    facts: str


@dataclass(frozen=True, slots=True)
class LimitLine:
    whose: str
    left: str
    tight: bool


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """`problem`: why it cannot be made now; `no_room`: which limit has no room for it now. `most`:
    micros that the button shows. `open`: somebody can still answer."""

    row: ApprovalRow
    files: list[GivenFile]
    facts: list[tuple[str, str]]
    limits: list[LimitLine]
    price_now: str
    changed: bool
    problem: str
    no_room: str
    confirmed: str
    open: bool
    answered: str
    approvers: str
    made_url: str

    @property
    def pending(self) -> PendingOrder:
        return self.row.pending

    @property
    def expires(self) -> datetime | None:
        return self.pending.expires_at


def approval_page(pending: PendingOrder) -> ApprovalPage:
    row = ApprovalRow.of(pending)
    is_open = _state(pending) == PendingOrder.State.OPEN
    micros, problem = _now(pending) if is_open else (None, "")
    currency = pending.currency
    made = pending.job or pending.set
    return ApprovalPage(
        row=row,
        files=_files(pending),
        facts=_facts(pending),
        limits=_limits(pending, micros or 0) if is_open else [],
        price_now=formats.money_of(micros, currency) if micros is not None else "",
        changed=micros is not None and micros != pending.quote_micros,
        problem=problem,
        no_room=_no_room(pending, micros) if micros is not None else "",
        confirmed=confirmed_price.form_value({"approve": micros}) if micros is not None else "",
        open=is_open,
        answered="" if is_open else _answered(pending),
        approvers=limit_words.names(approval.approvers(pending.team)),
        made_url=made.get_absolute_url() if made is not None else "",
    )


def _now(pending: PendingOrder) -> tuple[int | None, str]:
    """(micros that it costs now, why it cannot be made)."""
    problem = translated(stored_orders.asker_problem(pending))
    try:
        return stored_orders.price_now(pending), problem
    except Refused as refused:
        return None, problem or " ".join(translated(one) for one in refused.sentences)
    except prices.NoPrice as error:
        return None, problem or translated(error.sentence)


def _no_room(pending: PendingOrder, micros: int) -> str:
    try:
        budget.require_room(pending.team, pending.owner, micros)
    except budget.OverBudget as over:
        return translated(over.sentence)
    return ""


def _limits(pending: PendingOrder, micros: int) -> list[LimitLine]:
    found = []
    for one in budget.limit_uses(pending.team, pending.owner):
        left = _("%(left)s of %(limit)s left %(when)s") % {
            "left": formats.money_left(one.left, pending.currency),
            "limit": formats.money_of(one.limit.micros, pending.currency, 2),
            "when": translated(periods.words(one.limit.period, one.begins)),
        }
        whose = translated(limit_words.whose(pending.team, one))
        found.append(LimitLine(whose[:1].upper() + whose[1:], left, one.left < micros))
    return found


def _files(pending: PendingOrder) -> list[GivenFile]:
    """Those that are still there; what is gone the page says as the reason why not."""
    team = pending.team
    named = dict.fromkeys(
        public_id
        for one in pending.wish["orders"]
        for public_id in (*one["files"].values(), one["template_video"])
        if public_id
    )
    rows = {asset.public_id: asset for asset in team.assets.filter(public_id__in=named)}
    return [
        GivenFile(
            rows[one],
            file_url(team, rows[one], "thumb") if rows[one].thumb else "",
            facts_line(rows[one]),
        )
        for one in named
        if one in rows
    ][:FILES]


def _facts(pending: PendingOrder) -> list[tuple[str, str]]:
    """The choices that all its videos share."""
    try:
        orders = group_of(pending).orders
    except Refused:
        return []
    first = orders[0]
    if not first.files:
        return []  # erased: nobody knows its choices any more
    if any((one.model, one.chosen) != (first.model, first.chosen) for one in orders):
        return []
    return labels.chosen_words(Job(model=first.model, parameters=first.chosen))


def _answered(pending: PendingOrder) -> str:
    who: User | None = pending.answered_by
    words = {
        PendingOrder.State.ORDERED: _("Approved by %(person)s, and ordered."),
        PendingOrder.State.DECLINED: _("Declined by %(person)s. Nothing was made or paid."),
        PendingOrder.State.WITHDRAWN: _("Withdrawn. Nothing was made or paid."),
        PendingOrder.State.EXPIRED: _(
            "Nobody answered in time, so it has expired. Nothing was made or paid; ask again if it "
            "is still needed."
        ),
    }
    return words[_state(pending)] % {
        "person": who.short_name if who is not None else _("somebody who is gone")
    }
