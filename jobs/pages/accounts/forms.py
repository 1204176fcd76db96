"""Forms of the accounts and keys pages. They read and check; what calls out is in keys.py."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db import transaction
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from jobs.accounts import endpoints
from jobs.catalogue import entries
from jobs.models import Account, PauseState
from jobs.models.account import REGIONS
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import translated
from studio.models.people import Team, User

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


class KeyForm(forms.Form):
    """One more key for an account that is there."""

    secret = _secret_field()


class PauseForm(forms.Form):
    """Whether an account, or its lane of `model`, is to be paused, drained or open."""

    state = forms.ChoiceField(choices=PauseState.choices)
    model = forms.CharField(max_length=60, required=False)


class AccountForm(forms.Form):
    """Name, place and deployed model names of an account, by the person `by`; `fields_of_models`
    are the rows of the catalogue's models."""

    label = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("As the team calls it, such as North-1.")
    )
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

    def __init__(
        self,
        *args: Any,
        team: Team,
        account: Account | None = None,
        by: User | None = None,
        **kwargs: Any,
    ) -> None:
        self.team, self.account, self.by = team, account, by
        if account is not None:
            given = {
                "label": account.label,
                "region": account.region,
                "base_url": account.base_url,
                "workspace": account.workspace,
            }
            for number, name in enumerate(entries.MODELS):
                given[f"model_{number}"] = account.model_names.get(name, "")
            kwargs["initial"] = {**given, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        for number, (name, model) in enumerate(entries.MODELS.items()):
            attrs = {"placeholder": name, "autocomplete": "off", "spellcheck": "false"}
            self.fields[f"model_{number}"] = forms.CharField(
                label=translated(model.label),
                max_length=100,
                required=False,
                widget=forms.TextInput(attrs=attrs),
            )

    @property
    def fields_of_models(self) -> list[tuple[str, BoundField]]:
        return [(name, self[f"model_{number}"]) for number, name in enumerate(entries.MODELS)]

    @property
    def has_model_names(self) -> bool:
        return any(field.value() or field.errors for _name, field in self.fields_of_models)

    def clean_label(self) -> str:
        label = " ".join(self.cleaned_data["label"].split())
        same = self.team.accounts.filter(label=label)
        if (same.exclude(pk=self.account.pk) if self.account else same).exists():
            raise forms.ValidationError(
                _("The team has a connection with this name already. Choose another.")
            )
        return label

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


class NewAccountForm(AccountForm):
    secret = _secret_field()
    field_order = ("label", "region", "secret", "base_url", "workspace")


class EditAccountForm(AccountForm):
    """Saving writes name and model names; a new place goes through keys.move_account with the key
    typed again."""

    account: Account
    secret = _secret_field(
        required=False,
        help_text=_(
            "Only when region, address or sub-workspace change: a stored key is never sent to a "
            "place it was not given for."
        ),
    )

    @property
    def moves(self) -> bool:
        place = (
            self.cleaned_data["region"],
            self.cleaned_data["base_url"],
            self.cleaned_data["workspace"],
        )
        return place != (self.account.region, self.account.base_url, self.account.workspace)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and self.moves and not cleaned.get("secret"):
            self.add_error(
                "secret",
                _(
                    "Type the key for the new place. The stored ones were given for the old place "
                    "and are not sent there."
                ),
            )
        elif not self.errors and cleaned.get("secret") and not self.moves:
            self.add_error(
                "secret",
                _(
                    "Nothing was saved: region, address and sub-workspace are as they were, so "
                    "this key would not be used. To add a key here, type it under “Add a key”; "
                    "else leave this field empty."
                ),
            )
        return cleaned

    def save(self) -> Account:
        """Name and model names, nothing else."""
        account = self.account
        was = {"label": account.label, "model_names": account.model_names}
        account.label, account.model_names = self.cleaned_data["label"], self.model_names
        with transaction.atomic():
            account.save(update_fields=["label", "model_names"])
            record(
                Event.CONNECTION_CHANGED,
                team=account.team,
                by=self.by,
                about=account.label,
                before=was,
                after={"label": account.label, "model_names": account.model_names},
            )
        return self.account
