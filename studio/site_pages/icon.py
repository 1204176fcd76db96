"""The icon that browsers and link previews ask for by its old name, whatever a page says."""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from studio.teams.access import public

ICON = settings.BASE_DIR / "static" / "img" / "favicon.ico"


@public
@require_safe
@cache_control(public=True, max_age=24 * 3600)
def favicon(request: HttpRequest) -> FileResponse:
    """The mark in 16, 32 and 48 px."""
    return FileResponse(ICON.open("rb"), content_type="image/x-icon")
