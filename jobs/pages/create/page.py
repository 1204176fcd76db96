"""What a create page shows of a draft: its files, the check with its boxes, the choices with their
prices, the bill, and why not yet.

Everything derives from the model's declaration, so a page is never written for one model.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import date as shown_date
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.accounts import choice
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.engine import eta
from jobs.models import Account, Lane
from jobs.orders import plan as wishes
from jobs.orders.templates import Till
from jobs.pages import labels
from jobs.pages.budget_summary import BudgetSummary, no_room
from jobs.pages.create import compare, model_retirement
from jobs.pages.create.advice import Advised, advised
from jobs.pages.create.check_panel import CheckView
from jobs.pages.create.draft import TEMPLATE_VIDEO, Draft, file_fields, word
from jobs.pages.create.file_slots import Slot, template_cards
from jobs.pages.create.more_buttons import Offers
from jobs.pages.create.picture_tools import Mending
from studio.common.translatable import translated
from studio.models.people import User

UNKNOWN_MS = 10_000  # what a film counts with while nothing with a length is chosen: no test clip


@dataclass
class Option:
    value: str
    label: str
    help: str
    price: str
    checked: bool


@dataclass
class Choice:
    """One parameter as a switch (`seg`: up to two words) or as cards."""

    name: str
    label: str
    options: list[Option]
    was: str = ""  # in the job that the draft began as

    @property
    def seg(self) -> bool:
        return len(self.options) <= 2 and not any(len(option.help) > 30 for option in self.options)


class Desk:
    """A create page's view of `draft` for `user`. Properties are worked out once, so a template may
    ask twice."""

    def __init__(self, draft: Draft, user: User, *, page: str) -> None:
        self.draft, self.user, self.page = draft, user, page
        self.team, self.spec = draft.team, draft.spec
        self.files = [
            Slot(f, draft.asset(f.name), draft.problems.get(f.name, []), draft, self._region)
            for f in file_fields(self.spec)
        ]

    # ── addresses ──

    def _url(self, name: str) -> str:
        return reverse(f"jobs:{name}", args=[self.team.slug])

    @property
    def url(self) -> str:
        return self._url(self.page)

    @property
    def address(self) -> str:
        return f"{self.url}?{self.draft.query}"

    @property
    def check_url(self) -> str:
        return self._url("check")

    @property
    def price_url(self) -> str:
        return self._url("price")

    @property
    def fix_url(self) -> str:
        return self._url("fix")

    @property
    def wait_url(self) -> str:
        """Asked every two seconds while a video is made over."""
        return f"{self.fix_url}?page={self.page}&{self.draft.query}"

    @property
    def poll_url(self) -> str:
        return f"{self.check_url}?page={self.page}&{self.draft.query}"

    # ── where it is made ──

    @cached_property
    def account(self) -> Account | None:
        if self.draft.template is not None:
            return self.draft.template.account
        return self.draft.account or choice.account_for(self.team, self.spec.name)

    def _region(self) -> str:
        return self.account.region if self.account is not None else ""

    @cached_property
    def accounts(self) -> list[tuple[Account, str]]:
        """Each with why it cannot be chosen, "" when it can. More than one only: a single account
        is no choice."""
        found = list(self.team.accounts.all())
        if len(found) < 2:
            return []
        keyed = choice.accounts_with_key(self.team)
        return [(account, self._unusable(account, account in keyed)) for account in found]

    def _unusable(self, account: Account, keyed: bool) -> str:
        if not account.serves(self.spec):
            return _("not offered in %(region)s") % {"region": account.get_region_display()}
        return "" if keyed else _("has no key")

    @property
    def models(self) -> list[entries.Model]:
        found = models_of(self.page)
        return model_retirement.in_order(found) if len(found) > 1 else []

    @cached_property
    def ending(self) -> model_retirement.Ending | None:
        """What the vendor announced about the end of this model, with the ways on; None for one
        that stays."""
        gone = self.lane is not None and self.lane.health == Account.Health.GONE
        return model_retirement.ending(
            self.draft, self.account, self.estimate.micros if self.estimate else None, gone=gone
        )

    # ── files, by the part of the page ──

    @property
    def picture(self) -> Slot | None:
        return next((f for f in self.files if f.kind == "image"), None)

    @property
    def sound(self) -> Slot | None:
        return next((f for f in self.files if f.kind == "audio"), None)

    @property
    def video(self) -> Slot | None:
        """A video that the model takes itself."""
        return next((f for f in self.files if f.kind == "video" and f.name != TEMPLATE_VIDEO), None)

    @property
    def template_video(self) -> Slot | None:
        return next((f for f in self.files if f.name == TEMPLATE_VIDEO), None)

    @cached_property
    def templates(self) -> list[dict[str, Any]]:
        return template_cards(self.draft)

    @property
    def anew(self) -> str:
        """What a template of the chosen video costs on the account; "" without one, and while it is
        being made already."""
        video, one_line = (
            self.draft.template_video,
            self.estimate is not None and len(self.estimate.lines) < 2,
        )
        return (
            Till(self.team, entries.get(self.spec.makes)).price(video, self.account)
            if video and self.account and not one_line
            else ""
        )

    @cached_property
    def mending(self) -> Mending:
        return Mending(self)

    # ── the check ──

    @cached_property
    def check(self) -> CheckView | None:
        """None for a model that needs no check."""
        if not self.spec.check:
            return None
        spec = entries.get(self.spec.check)
        price, why = "", ""
        try:
            quote = prices.quote(
                spec, "", Decimal(1), currency=self.team.currency, region=self._region()
            )
            price = prices.format_money(quote.micros, quote.currency)
        except prices.NoPrice as error:
            why = translated(error.sentence)
        return CheckView(spec, self.draft.known_check(), price, why)

    @cached_property
    def advice(self) -> list[Advised]:
        """Combinations that the contract advises against; shown, never refused."""
        known = self.check.check if self.check is not None and self.check.passed else None
        return advised(self.spec, known.facts, self.draft.chosen) if known is not None else []

    @property
    def frame_size(self) -> tuple[int, int]:
        """Pixels of the film for the chosen shape; (512, 512) only where a model declares nothing
        and nothing is drawn."""
        sizes = {variant: (width, height) for variant, width, height in self.spec.output.frames}
        return sizes.get(self.spec.variant_of(self.draft.chosen)) or (512, 512)

    @property
    def output_line(self) -> str:
        """What the film will be, such as “512 × 512, 15 frames per second, with sound”."""
        output, parts = self.spec.output, []
        if output.frames:
            parts.append("{} × {}".format(*self.frame_size))
        if output.fps:
            parts.append(_("%(n)s frames per second") % {"n": f"{output.fps:g}"})
        if self.spec.kind is entries.Kind.VIDEO:
            parts.append(_("with sound") if output.sound else _("without sound"))
        return ", ".join(parts)

    # ── choices ──

    @cached_property
    def choices(self) -> list[Choice]:
        """Every parameter that the service would heed now; what it would ignore is not asked."""
        chosen = self.draft.chosen
        heeded = [
            p
            for p in self.spec.choices()
            if p.only_when is None or chosen.get(p.only_when[0]) == p.only_when[1]
        ]
        return [
            Choice(
                p.name,
                translated(p.label),
                [
                    Option(
                        word(value),
                        translated(label),
                        translated(help_) if help_ else "",
                        self._option_price(p, value),
                        chosen[p.name] == value,
                    )
                    for value, label, help_ in p.words
                ],
                compare.was_chosen(self.draft, p),
            )
            for p in heeded
        ]

    @property
    def unseen(self) -> list[tuple[str, str]]:
        """Choices that do not count now but are remembered, as hidden fields."""
        seen = {choice.name for choice in self.choices}
        return [
            (p.name, word(self.draft.chosen[p.name]))
            for p in self.spec.choices()
            if p.name not in seen
        ]

    def _option_price(self, parameter: entries.Parameter, value: Any) -> str:
        """“$0.0115 / s · $0.4725” on the buttons that decide the price."""
        if self.spec.variant is None or self.spec.variant.chosen != parameter.name:
            return ""
        milliseconds = self.draft.milliseconds
        try:
            quote = prices.quote(
                self.spec,
                str(value),
                Decimal(milliseconds or 0) / 1000,
                currency=self.team.currency,
                region=self._region(),
            )
        except prices.NoPrice:
            return _("no price")
        unit = _("%(price)s / s") % {
            "price": prices.format_money(quote.price.micros, quote.currency)
        }
        return (
            f"{unit} · {prices.format_money(quote.micros, quote.currency)}"
            if milliseconds
            else unit
        )

    # ── the bill ──

    @cached_property
    def estimate(self) -> wishes.Estimate | None:
        return self._estimated[0]

    @cached_property
    def _estimated(self) -> tuple[wishes.Estimate | None, list[str]]:
        """The estimate, or the sentences why there is none yet."""
        try:
            return wishes.estimate(self.draft.wish(self.user)), []
        except Refused as refused:
            return None, [translated(sentence) for sentence in refused.sentences]
        except prices.NoPrice as error:
            return None, [translated(error.sentence)]

    @property
    def total(self) -> str:
        return (
            prices.format_money(self.estimate.micros, self.estimate.currency)
            if self.estimate
            else ""
        )

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """(formula, what, amount) of every line of the bill."""
        if self.estimate is None:
            return []
        return [
            (
                translated(line.formula),
                translated(line.label),
                prices.format_money(line.micros, self.estimate.currency),
            )
            for line in self.estimate.lines
        ]

    @property
    def unit_price(self) -> str:
        """The unit price while nothing that has a length is chosen."""
        try:
            price = prices.price_of(
                self.spec.name,
                self.spec.variant_of(self.draft.chosen),
                self.team.currency,
                self._region(),
            )
        except prices.NoPrice as error:
            return translated(error.sentence)
        return _("%(price)s per second of film") % {
            "price": prices.format_money(price.micros, price.currency, 6)
        }

    @property
    def price_note(self) -> str:
        try:
            price = prices.price_of(
                self.spec.name,
                self.spec.variant_of(self.draft.chosen),
                self.team.currency,
                self._region(),
            )
        except prices.NoPrice:
            return ""
        said = _("%(source)s, in force since %(day)s.") % {
            "source": price.source,
            "day": shown_date(price.effective_from, "j M Y"),
        }
        return said + (
            " " + _("Worked out from the price in the other currency.") if price.inferred else ""
        )

    @cached_property
    def purse(self) -> BudgetSummary:
        return BudgetSummary.of(self.team, self.user)

    @property
    def this_micros(self) -> int:
        return self.estimate.micros if self.estimate else 0

    @property
    def left_after(self) -> str:
        return self.purse.left_after(self.this_micros)

    @cached_property
    def offers(self) -> Offers:
        return Offers(self)

    # ── place in line ──

    @cached_property
    def lane(self) -> Lane | None:
        """The lane that this job would wait in; None when nobody used it yet."""
        if self.account is None:
            return None
        doors = ("account", "gate_by", "account__gate_by")
        return (
            Lane.objects.filter(account_id=self.account.root_id, model=self.spec.name)
            .select_related(*doors)
            .first()
        )

    @cached_property
    def _place(self) -> eta.Place | None:
        """The place that this job would get if it were made now; None without an account."""
        if self.account is None:
            return None
        known = self.draft.milliseconds
        first = None
        if self.spec.makes and self.draft.template is None and self.estimate is not None:
            plan = wishes.plan(self.draft.wish(self.user), checked=False)
            if plan.waits_for is not None:
                waiting = eta.next_place(
                    self.account,
                    self.spec.name,
                    plan.variant,
                    plan.milliseconds,
                    self.user,
                    lane=self.lane,
                )
                return eta.Place(waiting.position, waiting.ahead, None, None)
            first = plan.first.task if plan.first is not None else None
        variant = self.spec.variant_of(self.draft.chosen)
        return eta.next_place(
            self.account,
            self.spec.name,
            variant,
            known or UNKNOWN_MS,
            self.user,
            lane=self.lane,
            before=first,
        )

    @property
    def lamps(self) -> dict[str, int]:
        """The line with this job's lamp in it; in a line that moves the first is on stage, the
        second waits at the service."""
        place = self._place
        return (
            labels.lamps_of(place)
            if place is not None
            else {"total": 1, "on": 0, "next": 0, "you": 1}
        )

    @property
    def place(self) -> str:
        if self._place is None:
            return ""
        if self.closed:
            return labels.ordinal(self._place.position)
        return labels.ordinal(self._place.position) if self._place.ahead else _("The lane is free")

    @property
    def times(self) -> str:
        """“starts ≈ 14:32 · ready 14:40 – 14:45”; while a door is closed why, and no time."""
        place = self._place
        if place is None:
            return ""
        if self.closed:
            return self.closed
        if place.starts_at is None:
            return _("waits for its template first") if self.spec.makes else ""
        soon = place.starts_at <= timezone.now() + timedelta(seconds=5)
        starts = (
            _("starts now")
            if soon
            else _("starts ≈ %(time)s") % {"time": labels.hour(place.starts_at)}
        )
        return f"{starts} · {labels.ready_words(place)}" if self.draft.milliseconds else starts

    @cached_property
    def closed(self) -> str:
        """Why nothing would be sent now; "" while the doors are open."""
        return (
            labels.door_words(self.account, self.lane, self.team)
            if self.account is not None
            else ""
        )

    # ── may it be sent? ──

    @cached_property
    def why(self) -> str:
        """Why the button is off, the first thing to do first; "" when it is on."""
        return self.blocked or no_room(self.team, self.user, self.this_micros)

    @cached_property
    def blocked(self) -> str:
        """The same without the budget, which may still have room for less."""
        if self.account is None:
            return _("There is no account yet. Add one with its API key first.")
        for file in self.files:
            if file.edit is not None:
                return _("The video is being made over.")
            if file.problems and file.asset is not None:
                return file.problems[0]
        missing = [f for f in self.files if f.asset is None and f.name != TEMPLATE_VIDEO]
        if missing and missing[0].kind == "image":
            return _("%(what)s is missing. Choose a file.") % {"what": translated(missing[0].label)}
        if self.check is not None and not self.check.passed:
            return self._why_unchecked(self.check)
        if missing:
            return _("%(what)s is missing. Choose a file.") % {"what": translated(missing[0].label)}
        if self.spec.makes and self.draft.template is None and self.draft.template_video is None:
            return _("Choose a dance template, or a video to make one from.")
        if self.draft.template is not None and self.draft.template.forgotten:
            return _(
                "The service has forgotten this template, and its video is not here to make it "
                "anew. Choose another one."
            )
        if self._estimated[1]:
            return self._estimated[1][0]
        return next(
            (
                file.right.ask
                for file in self.files
                if file.right is not None and file.right.missing
            ),
            "",
        )

    def _why_unchecked(self, check: CheckView) -> str:
        if check.waits:
            return _("The picture is being checked.")
        if check.refused:
            return _("The service does not take this picture. Choose another one.")
        if check.again:
            return _("The check has no answer. Ask again, or choose another picture.")
        return (
            _("The picture is not checked yet. The check costs %(price)s.") % {"price": check.price}
            if check.price
            else check.why_no_price
        )
