"""The limits of money, and what was told of them. Owners set them on the page of their team; here
staff can."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import (
    Case,
    DateField,
    F,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.admin.money import AmountField
from jobs.billing import periods, prices
from jobs.models import Balance, Budget, LimitWarning
from studio.admin.base import ChangedColumnsAdmin, ReadOnlyAdmin, amount
from studio.admin.trail import recorded_as
from studio.audit.events import Event
from studio.common import clock

recorded_as(Budget, *[Event.LIMIT_CHANGED] * 3)


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    amount = AmountField(
        label=_("Limit"),
        required=False,
        help_text=_(
            "In the team’s currency, such as 10.00. 0 stops everything: not even a check is sent. "
            "Empty: no limit, also where each person has one. To have nothing set, delete the row."
        ),
    )
    period = forms.ChoiceField(
        label=_("Per"), choices=Budget.Period.choices, initial=Budget.Period.MONTH, required=False
    )

    class Meta:
        model = Budget
        fields = ("team", "member", "of_each", "period")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            amount = self.fields["amount"]
            if self.instance.micros is not None:
                amount.initial = Decimal(self.instance.micros) / prices.MILLION
            amount.label = _("Limit, %(currency)s") % {"currency": self.instance.team.currency}

    def clean_period(self) -> str:
        return self.cleaned_data["period"] or Budget.Period.MONTH

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        team, member = cleaned.get("team"), cleaned.get("member")
        if team and member and not team.memberships.filter(user=member).exists():
            self.add_error(
                "member",
                _(
                    "%(member)s is not in %(team)s. Choose one of its members, or nobody for the "
                    "whole team."
                )
                % cleaned,
            )
        if member and cleaned.get("of_each"):
            self.add_error("of_each", _("A limit is of one person or of each. Choose one."))
        return cleaned

    def _post_clean(self) -> None:
        if "amount" in self.cleaned_data:
            amount = self.cleaned_data["amount"]
            self.instance.micros = None if amount is None else AmountField.micros(amount)
        super()._post_clean()  # type: ignore[misc]


@admin.register(Budget)
class BudgetAdmin(ChangedColumnsAdmin):
    form = BudgetForm
    fields = ("team", "member", "of_each", "period", "amount")
    autocomplete_fields = ("team", "member")
    list_display = ("team", "whose", "period", "limit_shown", "used_shown", "created_at")
    list_display_links = ("team", "whose")
    list_filter = ("period", "team__currency")
    list_select_related = ("team", "member")
    search_fields = ("team__name", "team__slug", "member__email", "member__first_name")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        months = [
            When(team__time_zone__in=zones, then=Value(month))
            for month, zones in periods.months_now().items()
        ]
        of_month = Balance.objects.filter(team=OuterRef("team"), month=OuterRef("month_now"))
        budgets: QuerySet[Budget] = super().get_queryset(request)
        return budgets.annotate(
            month_now=Case(*months, default=None, output_field=DateField())
        ).annotate(
            used_n=Case(
                When(of_each=True, then=None),
                When(period=Budget.Period.DAY, then=None),
                When(member__isnull=True, then=_sum(of_month, "team")),
                default=_sum(of_month.filter(member=OuterRef("member")), "member"),
            )
        )

    def write_row(self, request: HttpRequest, obj: Model, form: BaseForm, change: bool) -> None:
        assert isinstance(obj, Budget)  # noqa: S101
        obj.changed_at = clock.now()
        if change:
            # The row was validated with the new amount; it is no field of the form, so it is named
            # here.
            obj.save(update_fields=["team", "member", "of_each", "period", "micros", "changed_at"])
        else:
            super().write_row(request, obj, form, change)

    @admin.display(description=_("for"), ordering="member__email")
    def whose(self, budget: Budget) -> str:
        if budget.of_each:
            return str(_("each person"))
        return str(budget.member or _("the whole team"))

    @admin.display(description=_("limit"), ordering="micros")
    def limit_shown(self, budget: Budget) -> SafeString | str:
        if budget.micros is None:
            return str(_("no limit"))
        return amount(budget.micros, budget.team.currency, 2)

    @admin.display(description=_("reserved and charged this month"))
    def used_shown(self, budget: Any) -> SafeString | str:
        if budget.of_each or budget.period == Budget.Period.DAY:
            return "–"
        return amount(budget.used_n or 0, budget.team.currency, 4)


def _sum(rows: QuerySet[Balance], of: str) -> Subquery:
    """Held and settled of `rows`, which are those of one `of`."""
    used = rows.order_by().values(of).annotate(used=Sum(F("held") + F("settled")))
    return Subquery(used.values("used"))


@admin.register(LimitWarning)
class LimitWarningAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "team", "member", "period", "begins", "level", "limit_shown")
    list_filter = ("period", "level")
    list_select_related = ("team", "member")
    search_fields = ("team__name", "team__slug", "member__email")
    date_hierarchy = "created_at"

    @admin.display(description=_("limit"), ordering="micros")
    def limit_shown(self, warning: LimitWarning) -> SafeString | str:
        return amount(warning.micros, warning.team.currency, 2)
