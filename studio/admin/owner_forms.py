"""Forms of memberships in the admin: no change of roles leaves a team without an owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _

from studio.common.translatable import translated
from studio.models import Membership, Role
from studio.models.people import without_owner
from studio.teams import confirmed

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Membership]
    _FormSet = forms.BaseInlineFormSet[Membership, Model, _ModelForm]
else:
    _ModelForm, _FormSet = forms.ModelForm, forms.BaseInlineFormSet


def refuse_without_owner(lost: Iterable[int], gained: Iterable[int]) -> None:
    """ValidationError when a team of the memberships `lost` (ids that are owners' no longer) has no
    other owner, and is none of the teams that `gained` one."""
    gone, kept = list(lost), set(gained)
    owners = Membership.objects.filter(role=Role.OWNER)
    for row in owners.filter(pk__in=gone).select_related("team", "user"):
        others = owners.filter(team_id=row.team_id).exclude(pk__in=gone)
        if row.team_id not in kept and not others.exists():
            raise forms.ValidationError(translated(without_owner(row)))


def refuse_unconfirmed(form: _ModelForm) -> None:
    """ValidationError when `form` takes somebody into a team whose address nobody confirmed: it may
    be a stranger who signed up with somebody else's."""
    data = getattr(form, "cleaned_data", {})
    user = data.get("user")
    if user is None or data.get("DELETE") or not {"team", "user"} & set(form.changed_data):
        return
    if not confirmed.is_confirmed(user):
        raise forms.ValidationError(
            _(
                "%(person)s has not confirmed this address, so it may be somebody else’s account. "
                "Have them confirm it, mark it as verified under Email addresses when you know "
                "that it is theirs, or give them a link of “manage.py invite”."
            )
            % {"person": user}
        )


def _owns(form: _ModelForm) -> bool:
    """After saving."""
    data = getattr(form, "cleaned_data", {})
    return data.get("role") == Role.OWNER and not data.get("DELETE")


class MembershipForm(_ModelForm):
    class Meta:
        model = Membership
        fields = ("team", "user", "role", "turns")

    def clean(self) -> None:
        super().clean()
        refuse_unconfirmed(self)
        moved = "team" in self.changed_data or "user" in self.changed_data
        if self.instance.pk and (moved or not _owns(self)):
            refuse_without_owner([self.instance.pk], [])


class MembershipFormSet(_FormSet):
    """The members of a team, or the teams of a user, changed at once."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            refuse_unconfirmed(form)
        lost = [
            form.instance.pk
            for form in self.initial_forms
            if not _owns(form) or {"team", "user"} & set(form.changed_data)
        ]
        gained = [form.instance.team_id for form in self.forms if _owns(form)]
        refuse_without_owner(lost, gained)
