"""Forms about teams and their members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import Membership, Team
from studio.models.people import Currency

MOST_WAITING = 10_000
# Said by the page that makes a team and by the one of its settings.
CURRENCY_HELP = _(
    "Prices, limits and the ledger of the team are in it. It can be changed until something is "
    "first paid or reserved; from then on it is fixed for ever, since sums of two currencies would "
    "mean nothing."
)
_NUMBER_ERRORS = ("required", "invalid", "min_value", "max_value")


class TeamForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Of a team, a client or a show.")
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=Currency.choices,
        initial=Currency.USD,
        required=False,
        widget=forms.RadioSelect,
        help_text=CURRENCY_HELP,
    )

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"] or Currency.USD

    def start(self, owner: Any) -> Team:
        """The new team, with `owner` as its owner."""
        name, currency = self.cleaned_data["name"], self.cleaned_data["currency"]
        with transaction.atomic():
            team = Team.start(name, owner, currency=currency)
            made = {"currency": currency}
            record(Event.TEAM_MADE, team=team, by=owner, about=team.name, after=made)
        return team


class FairShareForm(forms.Form):
    """How many jobs a person may have waiting, and how many turns each member of `team` has. Saving
    writes what changed."""

    def __init__(self, data: Any = None, *, team: Team) -> None:
        super().__init__(data)
        self.team = team
        self.members = list(team.memberships.select_related("user").order_by("id"))
        limit = Team._meta.get_field("waiting_limit")
        self.fields["waiting_limit"] = forms.IntegerField(
            label=_("Waiting jobs per person"),
            help_text=limit.help_text,
            initial=team.waiting_limit,
            min_value=0,
            max_value=MOST_WAITING,
            widget=forms.NumberInput(attrs={"class": "short"}),
            error_messages={
                name: _("Give a whole number from 0 to %(most)s.") % {"most": f"{MOST_WAITING:,}"}
                for name in _NUMBER_ERRORS
            },
        )
        for member in self.members:
            self.fields[self.name_of(member)] = forms.IntegerField(
                label=_("Priority share of %(person)s") % {"person": member.user.short_name},
                initial=member.turns,
                min_value=1,
                max_value=9,
                widget=forms.NumberInput(attrs={"class": "short"}),
                error_messages={
                    name: _("Give a whole number from 1 to 9.") for name in _NUMBER_ERRORS
                },
            )
            if self.is_bound and self.name_of(member) not in self.data:
                # Who joined after the page was opened keeps what they have.
                del self.fields[self.name_of(member)]

    @staticmethod
    def name_of(member: Membership) -> str:
        return f"turns_{member.pk}"

    @property
    def rows(self) -> list[tuple[Membership, forms.BoundField | None]]:
        return [
            (member, self[self.name_of(member)] if self.name_of(member) in self.fields else None)
            for member in self.members
        ]

    def save(self) -> int:
        """Write what changed, and tell the trail; returns how many rows that were."""
        changed = 0
        with transaction.atomic():
            was, limit = self.team.waiting_limit, self.cleaned_data["waiting_limit"]
            if limit != was:
                self.team.waiting_limit = limit
                self.team.save(update_fields=["waiting_limit"])
                record(
                    Event.TEAM_CHANGED,
                    team=self.team,
                    before={"waiting_limit": was},
                    after={"waiting_limit": limit},
                )
                changed += 1
            for member in self.members:
                turns = self.cleaned_data.get(self.name_of(member), member.turns)
                if turns != member.turns:
                    before, member.turns = member.turns, turns
                    member.save(update_fields=["turns"])
                    record(
                        Event.SHARES_CHANGED,
                        team=self.team,
                        person=member.user,
                        before={"turns": before},
                        after={"turns": turns},
                    )
                    changed += 1
        return changed
