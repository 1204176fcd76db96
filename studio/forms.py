"""Forms of people and files."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from studio.models import Team
from studio.models.people import Currency


class TeamForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Of a team, a client or a show."))
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=Currency.choices,
        initial=Currency.USD,
        required=False,
        widget=forms.RadioSelect,
        help_text=_("Prices, budgets and the ledger of the team are in it. It stays."),
    )

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"] or Currency.USD

    def start(self, owner: Any) -> Team:
        """The new team, with `owner` as its owner."""
        return Team.start(self.cleaned_data["name"], owner, currency=self.cleaned_data["currency"])


class LibraryFilter(forms.Form):
    """What the address of the library says. Nonsense in it shows everything instead of an error."""

    TABS = (
        ("all", _("All")),
        ("pictures", _("Pictures")),
        ("sound", _("Sound")),
        ("videos", _("Videos")),
        ("templates", _("Dance templates")),
        ("films", _("Films")),
    )

    kind = forms.CharField(required=False)
    q = forms.CharField(required=False)

    def clean_kind(self) -> str:
        kind = self.cleaned_data["kind"]
        return kind if kind in dict(self.TABS) else "all"

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"])[:100].strip()
