"""Signing up makes a personal team."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from studio.models.people import Team, User


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("This e-mail and password do not belong together. Check both, or set a new password."),
    }

    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:
        """The new user and their personal team, both or neither."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            if commit:
                Team.start(f"{user.short_name}’s studio", user, personal=True)
        return user
