"""Forms of the accounts and keys pages. They read and check; what calls out is in keys.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.db import transaction
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from jobs.accounts import endpoints, key_expiry
from jobs.catalogue import entries
from jobs.models import Account, PauseState
from jobs.models.account import REGIONS
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import translated
from studio.models.people import Team, User
from studio.teams.permissions import Permission, roles_with

_DEPLOYED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")


def _secret_field(required: bool = True, help_text: Any = "") -> forms.CharField:
    # new-password: browsers ignore “off” on password fields and would fill in the person's own
    # password.
    widget = forms.PasswordInput(
        attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False
    )
    text = help_text or _(
        "Starts with sk-. It is stored encrypted and shown to nobody again, not even to you."
    )
    return forms.CharField(
        label=_("API key"), max_length=500, required=required, widget=widget, help_text=text
    )


def _expiry_field() -> forms.DateField:
    return forms.DateField(
        label=_("Expires on"),
        required=False,
        help_text=_(
            "If you know it. Owners and admins are reminded 30, 7 and 1 days before; the service "
            "does not tell."
        ),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def _day_to_come(day: date | None, team: Team) -> date | None:
    if day is not None and day < key_expiry.today_of(team):
        raise forms.ValidationError(
            _("This day has passed. Choose the day on which the key will expire.")
        )
    return day


class KeyForm(forms.Form):
    """One more key for an account of `team` that is there."""

    secret = _secret_field()
    expires_on = _expiry_field()

    def __init__(
        self, data: Mapping[str, object] | None = None, *, team: Team, auto_id: str = "id_%s"
    ) -> None:
        self.team = team
        super().__init__(data, auto_id=auto_id)

    def clean_expires_on(self) -> date | None:
        return _day_to_come(self.cleaned_data["expires_on"], self.team)


class ExpiryForm(forms.Form):
    """When a key expires, as far as people know. One that has expired may be noted as well."""

    expires_on = _expiry_field()


class PauseForm(forms.Form):
    """Whether an account, or its lane of `model`, is to be paused, drained or open."""

    state = forms.ChoiceField(choices=PauseState.choices)
    model = forms.CharField(max_length=60, required=False)


class _ConnectionForm(forms.Form):
    """Something of a connection of `team`, of `account` when it is there, by the person `by`."""

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        team: Team,
        account: Account | None = None,
        by: User | None = None,
    ) -> None:
        self.team, self.account, self.by = team, account, by
        super().__init__(data, initial=self.given(account) if account is not None else None)
        self.add_fields()

    def add_fields(self) -> None:
        """Fields that depend on the team or the catalogue."""

    def given(self, account: Account) -> dict[str, object]:
        """What `account` has now, by field."""
        return {}


class NamesForm(_ConnectionForm):
    """Name and deployed model names; `fields_of_models` are the rows of the catalogue's models."""

    label = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("As the team calls it, such as North-1.")
    )

    def add_fields(self) -> None:
        super().add_fields()
        for number, (name, model) in enumerate(entries.MODELS.items()):
            attrs = {"placeholder": name, "autocomplete": "off", "spellcheck": "false"}
            self.fields[f"model_{number}"] = forms.CharField(
                label=translated(model.label),
                max_length=100,
                required=False,
                widget=forms.TextInput(attrs=attrs),
            )

    def given(self, account: Account) -> dict[str, object]:
        found: dict[str, object] = {**super().given(account), "label": account.label}
        for number, name in enumerate(entries.MODELS):
            found[f"model_{number}"] = account.model_names.get(name, "")
        return found

    @property
    def fields_of_models(self) -> list[tuple[str, BoundField]]:
        return [(name, self[f"model_{number}"]) for number, name in enumerate(entries.MODELS)]

    @property
    def has_model_names(self) -> bool:
        return any(field.value() or field.errors for _name, field in self.fields_of_models)

    def clean_label(self) -> str:
        label = " ".join(self.cleaned_data["label"].split())
        same = self.team.accounts(manager="present").filter(label=label)
        if (same.exclude(pk=self.account.pk) if self.account else same).exists():
            raise forms.ValidationError(
                _("The team has a connection with this name already. Choose another.")
            )
        return label

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for number, name in enumerate(entries.MODELS):
            deployed = str(cleaned.get(f"model_{number}", "")).strip()
            if deployed and not _DEPLOYED.fullmatch(deployed):
                self.add_error(
                    f"model_{number}",
                    _(
                        "A deployed name has letters, digits and . _ : / - only. Copy it from the "
                        "console."
                    ),
                )
            cleaned[f"model_{number}"] = "" if deployed == name else deployed
        return cleaned

    @property
    def model_names(self) -> dict[str, str]:
        """Our model name -> the name deployed on this account, only where they differ."""
        given = (
            (name, self.cleaned_data[f"model_{number}"])
            for number, name in enumerate(entries.MODELS)
        )
        return {name: deployed for name, deployed in given if deployed}


class PlaceForm(_ConnectionForm):
    """Where calls of a connection go."""

    region = forms.ChoiceField(
        label=_("Region"),
        choices=[(key, words[0]) for key, words in REGIONS.items()],
        help_text=_("Where the key was made."),
    )
    base_url = forms.CharField(
        label=_("Workspace id or base address"),
        max_length=200,
        required=False,
        help_text=_(
            "Only for a workspace host or a dedicated deployment. Empty means the region’s own "
            "address."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    workspace = forms.CharField(
        label=_("Sub-workspace"),
        max_length=64,
        required=False,
        help_text=_("Only when the key belongs to one. It is sent along with every call."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def given(self, account: Account) -> dict[str, object]:
        place = {name: getattr(account, name) for name in ("region", "base_url", "workspace")}
        return {**super().given(account), **place}

    def clean_workspace(self) -> str:
        workspace = str(self.cleaned_data["workspace"]).strip()
        if workspace and not endpoints.WORKSPACE_ID.fullmatch(workspace):
            raise forms.ValidationError(
                _(
                    "A workspace id has letters, digits, dashes and underscores only. Copy it from "
                    "the console."
                )
            )
        return workspace

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        given = cleaned.get("base_url", "")
        # An address that stays as it is was judged when it came.
        kept = self.account is not None and given == self.account.base_url
        if "base_url" in cleaned and "region" in cleaned and not kept:
            try:
                cleaned["base_url"] = endpoints.clean_address(given, cleaned["region"], self.by)
            except endpoints.KeyRefused as refused:
                self.add_error("base_url", translated(refused.sentence))
        return cleaned


class NewAccountForm(NamesForm, PlaceForm):
    secret = _secret_field()
    expires_on = _expiry_field()
    field_order = ("label", "region", "secret", "expires_on", "base_url", "workspace")

    def clean_expires_on(self) -> date | None:
        return _day_to_come(self.cleaned_data["expires_on"], self.team)


class MoveForm(PlaceForm):
    """Another place for `account`, with a key for it: a stored one is never sent to a place that it
    was not given for."""

    account: Account
    secret = _secret_field()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        place = tuple(cleaned.get(name) for name in ("region", "base_url", "workspace"))
        here = (self.account.region, self.account.base_url, self.account.workspace)
        if not self.errors and place == here:
            raise forms.ValidationError(
                _(
                    "Nothing was changed: region, address and sub-workspace are as they were. To "
                    "add a key to this connection, use “Add a key” on its page."
                )
            )
        return cleaned


class EditAccountForm(NamesForm):
    """Name, deployed model names, and who may use it. Where its calls go is `MoveForm`."""

    account: Account
    named_only = forms.ChoiceField(
        label=_("Who may use it"),
        choices=(("", _("Everybody who makes videos")), ("on", _("Named people"))),
        required=False,
        widget=forms.RadioSelect,
        help_text=_("What was ordered on it already goes on. Nobody sees a key, whoever uses it."),
    )
    people = forms.TypedMultipleChoiceField(
        label=_("Named people"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def add_fields(self) -> None:
        super().add_fields()
        makers = self.team.memberships.filter(role__in=roles_with(Permission.MAKE, self.team))
        people = self.fields["people"]
        assert isinstance(people, forms.TypedMultipleChoiceField)  # noqa: S101
        people.choices = [
            (one.pk, f"{one.user} · {one.get_role_display()}")
            for one in makers.select_related("user").order_by("user__first_name", "user__email")
        ]

    def given(self, account: Account) -> dict[str, object]:
        return {
            **super().given(account),
            "named_only": "on" if account.named_only else "",
            "people": list(account.people.values_list("pk", flat=True)),
        }

    def clean_named_only(self) -> bool:
        return bool(self.cleaned_data["named_only"] == "on")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("named_only") and not self.errors and not cleaned.get("people"):
            self.add_error(
                "people",
                _("Name at least one person, or let everybody use it. To stop it, pause it."),
            )
        return cleaned

    def save(self) -> Account:
        account = self.account
        was = {"label": account.label, "model_names": account.model_names}
        used_by = _users_of(account)
        account.label, account.model_names = self.cleaned_data["label"], self.model_names
        account.named_only = self.cleaned_data["named_only"]
        with transaction.atomic():
            account.save(update_fields=["label", "model_names", "named_only"])
            account.people.set(self.cleaned_data["people"] if account.named_only else ())
            record(
                Event.CONNECTION_CHANGED,
                team=account.team,
                by=self.by,
                about=account.label,
                before=was,
                after={"label": account.label, "model_names": account.model_names},
            )
            record(
                Event.CONNECTION_USERS_CHANGED,
                team=account.team,
                by=self.by,
                about=account.label,
                before=used_by,
                after=_users_of(account),
            )
        return self.account


def _users_of(account: Account) -> dict[str, object]:
    """Who may use `account`, as the trail has it."""
    people = account.people.order_by("user__email").values_list("user__email", flat=True)
    return {"named_only": account.named_only, "people": list(people)}
