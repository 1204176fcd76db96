"""Signing up makes a personal team."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from studio.models.people import Membership, Team, User


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This e-mail and password do not belong together. Check both, or set a new password."
        ),
    }

    def is_safe_url(self, url: str | None) -> bool:
        """Whether a page may send the browser on to `url`. What cannot even be read, such as
        http://[::1, is not."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:
        """The new user and their personal team, both or neither."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            if commit:
                Team.start(f"{user.short_name}’s studio", user, personal=True)
        return user

    def get_signup_redirect_url(self, request: Any) -> str:
        """To the first thing that a new team needs: an account with its key, since nothing can be
        made without one. Who was invited before signing up goes to the team that asked for them."""
        first = (
            Membership.objects.select_related("team")
            .filter(user=request.user)
            .order_by("id")
            .first()
        )
        if first is None or not first.team.personal:
            return super().get_signup_redirect_url(request)  # type: ignore[no-any-return]
        return reverse("jobs:account_new", args=[first.team.slug])
