"""The parameters of a model as switches and cards, each value with what it does and costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from jobs.billing import prices
from jobs.catalogue import entries
from jobs.pages.create import compare
from jobs.pages.create.advice import Advised, advised
from jobs.pages.create.check_panel import CheckPanel
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import form_value
from studio.common import formats
from studio.common.translatable import translated

SHORT_HELP = 30  # characters that fit below a switch


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a parameter: as the form holds it, and in words. `price` is "" where the value
    does not decide it."""

    value: str
    label: str
    help: str
    price: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One parameter. `before`: what the job had that the draft began as, "" when it is the same.
    `advice`: what the contract advises against, of the values now chosen."""

    name: str
    label: str
    options: list[Option]
    before: str = ""
    advice: list[Advised] = field(default_factory=list)

    @property
    def as_switch(self) -> bool:
        """A switch for up to two values with little to say; cards for the rest."""
        return len(self.options) <= 2 and all(
            len(option.help) <= SHORT_HELP for option in self.options
        )


@dataclass(frozen=True, slots=True)
class ChoicesPanel:
    """`choices`: every parameter that the service would heed now; what it would ignore is not
    asked, but remembered as `hidden` fields, (name, value)."""

    choices: list[Choice]
    hidden: list[tuple[str, str]]


def choices_panel(draft: Draft, check: CheckPanel | None, region: str) -> ChoicesPanel:
    """The choices of `draft`; prices are those of an account in `region`."""
    chosen = draft.chosen
    known = check.check if check is not None and check.passed else None
    advice = advised(draft.spec, known.facts, chosen) if known is not None else []
    choices, hidden = [], []
    for parameter in draft.spec.choices():
        only = parameter.only_when
        if only is not None and chosen.get(only[0]) != only[1]:
            hidden.append((parameter.name, form_value(chosen[parameter.name])))
            continue
        choices.append(
            choice_of(
                parameter,
                chosen[parameter.name],
                price=_prices_of(draft, parameter, region),
                before=compare.was_chosen(draft, parameter),
                advice=[one for one in advice if one.parameter == parameter.name],
            )
        )
    return ChoicesPanel(choices, hidden)


def choice_of(
    parameter: entries.Parameter,
    chosen: Any,
    *,
    price: Callable[[Any], str] = lambda _value: "",
    before: str = "",
    advice: list[Advised] | None = None,
) -> Choice:
    """`parameter` with the value `chosen` of it; `price` says what a value costs."""
    options = [
        Option(
            form_value(value),
            translated(label),
            translated(help_) if help_ else "",
            price(value),
            chosen == value,
        )
        for value, label, help_ in parameter.words
    ]
    return Choice(parameter.name, translated(parameter.label), options, before, advice or [])


def _prices_of(draft: Draft, parameter: entries.Parameter, region: str) -> Callable[[Any], str]:
    """What a value of `parameter` costs, such as “$0.0115 / s · $0.4725”; "" unless it decides the
    price."""
    spec, milliseconds = draft.spec, draft.milliseconds

    def price(value: Any) -> str:
        if spec.variant is None or spec.variant.chosen != parameter.name:
            return ""
        try:
            quote = prices.quote(
                spec,
                str(value),
                Decimal(milliseconds or 0) / 1000,
                currency=draft.team.currency,
                region=region,
            )
        except prices.NoPrice:
            return _("no price")
        unit = _("%(price)s / s") % {"price": formats.money_of(quote.price.micros, quote.currency)}
        whole = formats.money_of(quote.micros, quote.currency)
        return f"{unit} · {whole}" if milliseconds else unit

    return price
