"""The form with which a person is erased."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from studio.models import User

KEEP, ERASE = "keep", "erase"


class EraseForm(forms.Form):
    """What becomes of the files, and the address of the person, typed as a whole."""

    uploads = forms.ChoiceField(
        label=_("Files that were uploaded"),
        choices=[
            (KEEP, _("Leave them to the teams")),
            (ERASE, _("Erase them; videos that were made of them stay with the teams")),
        ],
        initial=KEEP,
        widget=forms.RadioSelect,
    )
    email = forms.CharField(
        label=_("E-mail address, to be sure"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: QueryDict | None = None, *, person: User) -> None:
        super().__init__(data)
        self.person = person

    def clean_email(self) -> str:
        typed = str(self.cleaned_data["email"]).strip().lower()
        if typed != self.person.email.lower():
            raise forms.ValidationError(
                _("This is another address. Type %(email)s to erase this account.")
                % {"email": self.person.email}
            )
        return typed

    @property
    def erases_files(self) -> bool:
        return bool(self.cleaned_data["uploads"] == ERASE)
