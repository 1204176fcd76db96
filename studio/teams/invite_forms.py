"""The form in which people are invited: rows of addresses or names, each with a role."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from studio.models import Role
from studio.teams.invitations import Wish
from studio.teams.mail_addresses import checked
from studio.teams.permissions import may_grant

ROWS = 3
MOST = 50  # invitations of one click
_BETWEEN = re.compile(r"[,;\s\u3000\uff0c\uff1b\u3001]+")


def grantable(role: str) -> list[tuple[str, str]]:
    """The roles that somebody with `role` may give, as choices of a field, the usual one first."""
    found = [(one.value, str(one.label)) for one in Role if may_grant(role, one)]
    return sorted(found, key=lambda pair: pair[0] != Role.CREATOR)


class InviteForm(forms.Form):
    """`ROWS` rows, who-0 and role-0 and so on; a row may hold several addresses. `by_mail`: each
    gets a mail, so nothing but addresses is taken. `wishes` are what is to be made."""

    def __init__(
        self, data: Mapping[str, object] | None = None, *, role: str, by_mail: bool = False
    ) -> None:
        super().__init__(data)
        self.by_mail = by_mail
        for row in range(ROWS):
            self.fields[f"who-{row}"] = forms.CharField(
                label=_("Who (%(row)s)") % {"row": row + 1}, max_length=4000, required=False
            )
            self.fields[f"role-{row}"] = forms.ChoiceField(
                label=_("Role (%(row)s)") % {"row": row + 1},
                choices=grantable(role),
                required=False,
                error_messages={
                    "invalid_choice": _("You may not give this role. An owner of the team can.")
                },
            )

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"who-{row}"], self[f"role-{row}"]) for row in range(ROWS)]

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        self.wishes: dict[str, Wish] = {}
        for row in range(ROWS):
            role = cleaned.get(f"role-{row}") or Role.CREATOR
            try:
                for wish in self._wishes(cleaned.get(f"who-{row}") or "", role):
                    self.wishes[wish.email or wish.note or f"row {row}"] = wish
            except ValidationError as error:
                self.add_error(f"who-{row}", error)
        if self.errors:
            return cleaned
        if not self.wishes and self.by_mail:
            self.add_error("who-0", _("Type the address that the invitation goes to."))
        elif not self.wishes:
            self.wishes[""] = Wish(cleaned.get("role-0") or Role.CREATOR)
        if len(self.wishes) > MOST:
            self.add_error("who-0", _("At most %(most)s at once, please.") % {"most": MOST})
        return cleaned

    def _wishes(self, text: str, role: str) -> list[Wish]:
        text = " ".join(text.split())
        if not text:
            return []
        if not self.by_mail and "@" not in text and "\uff20" not in text:
            return [Wish(role, note=text[:100])]
        found = []
        for word in filter(None, _BETWEEN.split(text)):
            try:
                address = checked(word)
            except ValidationError:
                raise ValidationError(
                    _("“%(word)s” is no e-mail address."), params={"word": word[:100]}
                ) from None
            # Where no mail can be sent nobody can confirm an address, so the link alone decides.
            bound = settings.MAIL_SERVER
            found.append(Wish(role, email=address) if bound else Wish(role, note=address[:100]))
        return found
