"""Signing up makes a personal team."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction

from studio.models.people import Team, User


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:
        """The new user and their personal team, both or neither."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            if commit:
                Team.start(f"{user.short_name}’s studio", user, personal=True)
        return user
