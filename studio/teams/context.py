"""What every page's frame needs: theme, the other teams of the person, and who may sign up."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from studio.mail import queue
from studio.models.people import Membership, User

# The sample portrait on the entrance: what the service finds in it and what 4.6 s of speech cost
# with EMO in the shape 1:1.
EXAMPLE = {
    "face": (217, 229, 506, 514),
    "frame": (3, 3, 717, 717),
    "seconds": 4.607,
    "micros": 52_838,
}
IN_MENU = 10  # teams; the page of teams has all


def page(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("theme", "")
    user = getattr(request, "user", None)
    return {
        "sign_in_service": settings.OIDC.name if settings.OIDC else "",
        "sign_up_open": settings.SIGNUP == "open",
        "simulated": settings.SIMULATED,
        "example": EXAMPLE,
        "mail_is_slow": queue.is_slow,  # called only by pages that say so
        "theme": theme if theme in ("light", "dark") else "",
        # lazy: asked for only by pages that draw the team menu, and once although it stands there
        # twice
        "memberships": SimpleLazyObject(lambda: _memberships(user)),
    }


def _memberships(user: User | AnonymousUser | None) -> list[Membership]:
    if not isinstance(user, User):
        return []
    return list(Membership.objects.select_related("team").filter(user_id=user.pk)[:IN_MENU])
