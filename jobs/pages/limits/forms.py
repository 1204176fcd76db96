"""The forms of limits: an amount or none, for a day and a month; above which amount a click needs
approval."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from jobs.billing.limits import NOT_SET, Setting
from jobs.billing.prices import MILLION
from jobs.models import Budget

NOTHING, UNLIMITED, AMOUNT = "nothing", "unlimited", "amount"
MOST = Decimal(1_000_000_000)  # of an amount, in units of the currency


def amount_field(label: str, currency: str) -> forms.DecimalField:
    """An amount as people write it, with up to six decimals."""
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_value=MOST,
        max_digits=16,
        decimal_places=6,
        widget=forms.TextInput(attrs={"class": "short", "inputmode": "decimal"}),
        help_text=_("In %(currency)s, such as 25.00. 0 stops everything.") % {"currency": currency},
        error_messages={
            name: _("Give an amount such as 25.00, with a point and no letters.")
            for name in ("invalid", "min_value", "max_value", "max_digits", "max_decimal_places")
        },
    )


def written(micros: int) -> str:
    """An amount for a form: “25”, “0.75”."""
    amount = (Decimal(micros) / MILLION).normalize()
    return f"{amount:f}"


class LimitForm(forms.Form):
    """What is set for a day and for a month. `nothing_means` says what counts when nothing is set,
    by period."""

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        before: Mapping[str, Setting],
        currency: str,
        nothing_means: Mapping[str, str],
    ) -> None:
        super().__init__(data)
        titles = {Budget.Period.DAY: _("Per day"), Budget.Period.MONTH: _("Per month")}
        self.titles = titles
        for period in Budget.Period:
            was = before[period]
            self.fields[f"{period}_kind"] = forms.ChoiceField(
                label=titles[period],
                choices=[
                    (NOTHING, _("Not set: %(meaning)s") % {"meaning": nothing_means[period]}),
                    (UNLIMITED, _("No limit")),
                    (AMOUNT, _("At most")),
                ],
                widget=forms.RadioSelect,
                initial=kind_of(was),
                error_messages={"required": _("Choose one of the three.")},
            )
            field = amount_field(
                _("Amount per day") if period == Budget.Period.DAY else _("Amount per month"),
                currency,
            )
            field.initial = "" if was.micros is None else written(was.micros)
            self.fields[f"{period}_amount"] = field

    @property
    def groups(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Title, choice and amount of each period."""
        return [
            (self.titles[period], self[f"{period}_kind"], self[f"{period}_amount"])
            for period in Budget.Period
        ]

    def clean(self) -> dict[str, object]:
        for period in Budget.Period:
            amount = f"{period}_amount"
            if (
                self.cleaned_data.get(f"{period}_kind") == AMOUNT
                and amount in self.cleaned_data
                and self.cleaned_data[amount] is None
            ):
                self.add_error(amount, _("Give the amount. 0 stops everything."))
        return self.cleaned_data

    def wanted(self) -> dict[str, Setting]:
        """What was chosen, by period."""
        return {
            str(period): self._setting(
                self.cleaned_data[f"{period}_kind"], self.cleaned_data[f"{period}_amount"]
            )
            for period in Budget.Period
        }

    @staticmethod
    def _setting(kind: str, amount: Decimal | None) -> Setting:
        if kind == NOTHING:
            return NOT_SET
        return Setting(True, int((amount or 0) * MILLION) if kind == AMOUNT else None)


def kind_of(setting: Setting) -> str:
    if not setting.is_set:
        return NOTHING
    return UNLIMITED if setting.micros is None else AMOUNT


class ApprovalForm(forms.Form):
    """Above which amount a click needs approval: not set is never, 0 is always."""

    def __init__(self, data: QueryDict | None = None, *, micros: int | None, currency: str) -> None:
        super().__init__(data)
        self.fields["kind"] = forms.ChoiceField(
            label=_("Which clicks need approval"),
            choices=[
                (NOTHING, _("None: nobody has to ask")),
                (AMOUNT, _("Those that cost more than")),
            ],
            widget=forms.RadioSelect,
            initial=NOTHING if micros is None else AMOUNT,
            error_messages={"required": _("Choose one of the two.")},
        )
        field = amount_field(_("Amount per click"), currency)
        field.help_text = _(
            "In %(currency)s, such as 5.00. 0: every video and template needs approval."
        ) % {"currency": currency}
        field.initial = "" if micros is None else written(micros)
        self.fields["amount"] = field

    def clean(self) -> dict[str, object]:
        missing = "amount" in self.cleaned_data and self.cleaned_data["amount"] is None
        if self.cleaned_data.get("kind") == AMOUNT and missing:
            self.add_error("amount", _("Give the amount. 0: everything needs approval."))
        return self.cleaned_data

    def wanted(self) -> int | None:
        """Micros; None for never."""
        if self.cleaned_data["kind"] == NOTHING:
            return None
        return int(self.cleaned_data["amount"] * MILLION)
