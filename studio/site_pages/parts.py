"""The living page of parts: every part and icon in every state, with what it is for. For those who
build pages, so only with DEBUG."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studio.site_pages.part_samples import ERRORS, samples
from studio.teams.access import public


@public
@require_safe
def parts(request: HttpRequest) -> HttpResponse:
    """200 with DEBUG, else 404. Open to anybody then: it shows samples only. `?error=404` shows
    that error page as people see it."""
    if not settings.DEBUG:
        raise Http404("The page of parts is there only with DEBUG.")
    error = request.GET.get("error", "")
    if error in ERRORS:
        return render(request, f"{error}.html")
    return render(request, "studio/site_pages/parts.html", samples(request))
