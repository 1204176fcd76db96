"""Prices, the ledger and its sums. History is never changed here: a new price is a new
row, a correction a new entry."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.billing import ledger, prices
from jobs.catalogue import entries
from jobs.models import Balance, DayBalance, HoldDay, KeyUse, LedgerEntry, Price
from studio.admin.base import ChangedColumnsAdmin, ReadOnlyAdmin, amount, link
from studio.admin.trail import recorded_as
from studio.audit.events import Event
from studio.common.translatable import translated
from studio.models.people import User


class AmountField(forms.DecimalField):
    """An amount of money as people write it, such as 10.00; `micros` of the cleaned value is what
    the table holds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=Decimal(0), max_digits=15, decimal_places=6, **kwargs)

    @staticmethod
    def micros(value: Decimal) -> int:
        return int(value * prices.MILLION)


recorded_as(Price, *[Event.PRICE_CHANGED] * 3)

# ── prices ────────────────────────────────────────────────────────────────────────────────────────


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    model = forms.ChoiceField(
        label=_("Model"),
        choices=lambda: [
            (name, f"{model.label} ({name})") for name, model in entries.MODELS.items()
        ],
    )
    unit = forms.ChoiceField(
        label=_("Unit"), choices=[("second", _("second of video")), ("image", _("image"))]
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[("USD", "USD"), ("CNY", "CNY")])
    amount = AmountField(
        label=_("Price per unit"),
        help_text=_("In the currency, with up to six decimals, such as 0.011469."),
    )

    class Meta:
        model = Price
        fields = (
            "model",
            "variant",
            "region",
            "unit",
            "currency",
            "effective_from",
            "source",
            "inferred",
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        spec = entries.MODELS.get(cleaned.get("model", ""))
        if spec is None:
            return cleaned
        if "unit" in cleaned and cleaned["unit"] != spec.unit:
            self.add_error(
                "unit",
                _("%(model)s is billed per %(unit)s.") % {"model": spec.name, "unit": spec.unit},
            )
        variants = [word for _said, word in spec.variant.words] if spec.variant else [""]
        if cleaned.get("variant", "") not in variants:
            may = ", ".join(dict.fromkeys(variants)) or _("nothing")
            self.add_error(
                "variant",
                _("The variant of %(model)s may be %(may)s.") % {"model": spec.name, "may": may},
            )
        return cleaned

    def _post_clean(self) -> None:
        # Before the row is validated, so that its constraints see the amount.
        if "amount" in self.cleaned_data:
            self.instance.micros = AmountField.micros(self.cleaned_data["amount"])
        super()._post_clean()  # type: ignore[misc]


@admin.register(Price)
class PriceAdmin(ChangedColumnsAdmin):
    """A price may be added; the ledger refers to the rows that are there, so none is changed or
    deleted."""

    form = PriceForm
    list_display = (
        "model",
        "variant",
        "price_shown",
        "currency",
        "region",
        "effective_from",
        "inferred",
        "source",
    )
    list_filter = ("currency", "model", "inferred", "region")
    search_fields = ("model", "variant", "source")
    date_hierarchy = "effective_from"
    _place = ("model", "variant", "region", "unit", "currency")

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Price | None = None) -> tuple[str, ...]:
        return (
            *self._place,
            "price_shown" if obj else "amount",
            "effective_from",
            "source",
            "inferred",
            *(["created_at"] if obj else []),
        )

    @admin.display(description=_("price"), ordering="micros")
    def price_shown(self, price: Price) -> SafeString | str:
        return amount(price.micros, price.currency, 6) + f" / {price.unit}"


# ── ledger ────────────────────────────────────────────────────────────────────────────────────────


class Correction(forms.Form):
    amount = forms.DecimalField(label=_("Amount"), max_digits=15, decimal_places=6)
    reason = forms.CharField(label=_("Reason"), max_length=ledger.LONGEST_REASON)


class CorrectionForm(ActionForm):
    """Beside the list of actions: how much, and why. Only the action itself asks for them."""

    amount = forms.DecimalField(label=_("Amount"), required=False)
    reason = forms.CharField(label=_("Reason"), required=False)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Entries are read here; a correction is a new one, with who made it and why."""

    actions = ("correct",)
    action_form = CorrectionForm
    list_display = (
        "created_at",
        "team",
        "member",
        "kind",
        "about",
        "model",
        "held_shown",
        "settled_shown",
        "month",
        "note",
    )
    list_filter = ("kind", "currency", "model")
    list_select_related = ("team", "member", "job", "check_asked")
    search_fields = (
        "job__public_id",
        "job__title",
        "job__task_id",
        "check_asked__public_id",
        "check_asked__request_id",
        "member__email",
        "team__name",
        "team__slug",
        "note",
    )
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("created_at", "team", "member", "kind", "attempt", "month", "note")}),
        (_("About"), {"fields": ("job", "check_asked", "model", "price", "units")}),
        (_("Amounts"), {"fields": ("held_shown", "settled_shown", "currency")}),
    )

    def has_correct_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.add_ledgerentry")

    @admin.action(
        description=_("Correct what this was charged, by the amount (less: with a minus)"),
        permissions=["correct"],
    )
    def correct(self, request: HttpRequest, entries: QuerySet[LedgerEntry]) -> None:
        """An adjustment of the job or check of the one chosen entry, or of its team and person."""
        form, by = Correction(request.POST), request.user
        chosen = list(entries.select_related("team", "member", "job", "check_asked")[:2])
        if len(chosen) != 1 or not form.is_valid() or not isinstance(by, User):
            said = _("Choose one entry, and enter an amount such as -0.472500 and a reason.")
            self.message_user(request, said, messages.WARNING)
            return
        entry = chosen[0]
        try:
            made = ledger.adjust(
                entry.team,
                AmountField.micros(form.cleaned_data["amount"]),
                form.cleaned_data["reason"],
                by,
                subject=entry.job or entry.check_asked,
                member=entry.member,
                month=entry.month,
            )
        except ledger.NotAdjustable as why:
            self.message_user(request, translated(why.sentence), messages.WARNING)
            return
        self.log_addition(request, made, [{"added": {}}])
        self.message_user(
            request,
            _("Corrected by %(sum)s.")
            % {"sum": prices.format_money(made.settled, made.currency, 6)},
        )

    @admin.display(description=_("about"))
    def about(self, entry: LedgerEntry) -> SafeString | str:
        return link(entry.job, entry.job.title) if entry.job else link(entry.check_asked)

    @admin.display(description=_("reserved"), ordering="held")
    def held_shown(self, entry: LedgerEntry) -> SafeString | str:
        return amount(entry.held, entry.currency, 6)

    @admin.display(description=_("charged"), ordering="settled")
    def settled_shown(self, entry: LedgerEntry) -> SafeString | str:
        return amount(entry.settled, entry.currency, 6)


# ── balances ──────────────────────────────────────────────────────────────────────────────────────


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    list_display = ("month", "team", "member", "model", "of_holds", "held_shown", "settled_shown")
    list_filter = ("of_holds", "currency", "model")
    list_select_related = ("team", "member")
    search_fields = ("team__name", "team__slug", "member__email", "model")
    date_hierarchy = "month"

    @admin.display(description=_("reserved"), ordering="held")
    def held_shown(self, balance: Balance) -> SafeString | str:
        return amount(balance.held, balance.currency, 6)

    @admin.display(description=_("charged"), ordering="settled")
    def settled_shown(self, balance: Balance) -> SafeString | str:
        return amount(balance.settled, balance.currency, 6)


@admin.register(DayBalance)
class DayBalanceAdmin(ReadOnlyAdmin):
    list_display = ("day", "month", "team", "model", "price", "settled_shown")
    list_filter = ("model",)
    list_select_related = ("team", "price")
    search_fields = ("team__name", "team__slug", "model")
    date_hierarchy = "day"

    @admin.display(description=_("charged"), ordering="settled")
    def settled_shown(self, balance: DayBalance) -> SafeString | str:
        return amount(balance.settled, balance.team.currency, 6)


@admin.register(HoldDay)
class HoldDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "team", "member", "of_holds", "held_shown", "settled_shown")
    list_filter = ("of_holds", "currency")
    list_select_related = ("team", "member")
    search_fields = ("team__name", "team__slug", "member__email")
    date_hierarchy = "day"

    @admin.display(description=_("reserved"), ordering="held")
    def held_shown(self, balance: HoldDay) -> SafeString | str:
        return amount(balance.held, balance.currency, 6)

    @admin.display(description=_("charged"), ordering="settled")
    def settled_shown(self, balance: HoldDay) -> SafeString | str:
        return amount(balance.settled, balance.currency, 6)


@admin.register(KeyUse)
class KeyUseAdmin(ReadOnlyAdmin):
    list_display = ("month", "key_id", "jobs", "checks", "settled_shown")
    list_filter = ("currency",)
    search_fields = ("key__last4", "key__fingerprint", "key__account__label")
    date_hierarchy = "month"
    fields = readonly_fields = (
        "key_id",
        "month",
        "currency",
        "settled",
        "entries",
        "jobs",
        "milliseconds",
        "checks",
    )

    @admin.display(description=_("charged"), ordering="settled")
    def settled_shown(self, use: KeyUse) -> SafeString | str:
        return amount(use.settled, use.currency, 6)
