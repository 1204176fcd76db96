"""The page behind an operator's link that takes lost second factors away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studio.teams import lost_factors
from studio.teams.access import public


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lost(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing, since programs that look at mail open links too."""
    try:
        if request.method == "POST":
            lost_factors.use(token)
            messages.success(
                request,
                _("Your second factors are gone. Sign in with your password, and set up new ones."),
            )
            return redirect("account_login")
        page = {"person": lost_factors.owner(token), "token": token}
    except lost_factors.LinkGone:
        return render(request, "studio/teams/lost_factors_gone.html", status=404)
    return render(request, "studio/teams/lost_factors.html", page)
