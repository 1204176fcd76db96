"""What every page's frame needs: theme and the other teams of the person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from studio.models.people import Membership


def page(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "")
    user = getattr(request, "user", None)
    return {
        "theme": theme if theme in ("light", "dark") else "",
        # lazy: evaluated only by pages that draw the team menu
        "memberships": Membership.objects.select_related("team").filter(user_id=user.pk)
        if user is not None and user.is_authenticated
        else [],
    }
