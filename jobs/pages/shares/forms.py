"""The form of a share link: its title, when it ends, a password, whether it may be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.models import ShareLink
from jobs.sharing.links import Terms

DAYS = ((1, _("In a day")), (7, _("In a week")), (30, _("In 30 days")), (90, _("In 90 days")))
USUAL = 7  # days
AS_IT_IS = ""  # of a link that is changed
LEAST = 8  # characters of a password


class ShareForm(forms.Form):
    """`link`: the one that is changed; without it a new one, called `title`."""

    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        help_text=_("Visitors read it, and chats show it beside the picture."),
    )
    ends = forms.TypedChoiceField(label=_("Ends"), coerce=str, required=False)
    password = forms.CharField(
        label=_("Password, if you want one"),
        max_length=200,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"max_length": _("At most 200 characters, please.")},
        help_text=_("At least %(n)s characters. Tell it on another way than the link.")
        % {"n": LEAST},
    )
    no_password = forms.BooleanField(label=_("Ask for no password any more"), required=False)
    download_allowed = forms.BooleanField(
        label=_("Visitors may download"),
        required=False,
        help_text=_("Whoever can watch can record it all the same."),
    )

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        title: str = "",
        link: ShareLink | None = None,
    ) -> None:
        given: dict[str, object] = {"title": title, "ends": str(USUAL)}
        if link is not None:
            given = {
                "title": link.title,
                "ends": AS_IT_IS,
                "download_allowed": link.download_allowed,
            }
        super().__init__(data, initial=given)
        self.link = link
        ends = self.fields["ends"]
        assert isinstance(ends, forms.ChoiceField)  # noqa: S101
        choices: list[tuple[str, object]] = [(str(days), label) for days, label in DAYS]
        if link is not None:
            choices.insert(0, (AS_IT_IS, _("As it is now")))
        ends.choices = choices
        if link is None or not link.password:
            del self.fields["no_password"]
        else:
            self.fields["password"].label = _("Another password")

    def clean_title(self) -> str:
        return " ".join(str(self.cleaned_data["title"]).split())

    def clean_password(self) -> str:
        given = str(self.cleaned_data["password"])
        if given and len(given) < LEAST:
            raise forms.ValidationError(
                _("Take at least %(n)s characters, so that it cannot be guessed.") % {"n": LEAST}
            )
        return given

    @property
    def new_password(self) -> bool:
        """Whether the password of a link that is changed becomes another one, or none."""
        return bool(self.cleaned_data["password"] or self.cleaned_data.get("no_password"))

    def terms(self) -> Terms:
        return Terms(
            title=self.cleaned_data["title"],
            ends=self._ends(),
            download_allowed=self.cleaned_data["download_allowed"],
            password=self.cleaned_data["password"],
        )

    def _ends(self) -> datetime:
        chosen = self.cleaned_data["ends"]
        if self.link is not None and chosen == AS_IT_IS:
            return self.link.expires_at
        return timezone.now() + timedelta(days=int(chosen or USUAL))


class PasswordForm(forms.Form):
    """What a visitor types."""

    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
