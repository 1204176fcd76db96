"""Forms about files."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class LibraryFilter(forms.Form):
    """What the address of the library says. Nonsense in it shows everything instead of an error."""

    TABS = (
        ("all", _("All")),
        ("pictures", _("Pictures")),
        ("sound", _("Sound")),
        ("videos", _("Videos")),
        ("templates", _("Dance templates")),
        ("films", _("Made here")),
    )

    kind = forms.CharField(required=False)
    q = forms.CharField(required=False)
    tag = forms.CharField(required=False)

    def clean_kind(self) -> str:
        kind = self.cleaned_data["kind"]
        return kind if kind in dict(self.TABS) else "all"

    def clean_tag(self) -> str:
        return " ".join(str(self.cleaned_data["tag"]).split())[:40]

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"])[:100].strip()
