"""The address of a one-time link to make an account."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.teams import sign_up_links
from studio.teams.access import public


@public
@never_cache
@require_safe
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Leads to the page to make an account. Opening it spends nothing, since programs that look at
    mail open links too; its secret leaves the address, which others may see."""
    link = sign_up_links.opened(token)
    if link is None:
        return render(request, "studio/teams/join_gone.html", status=404)
    if request.user.is_authenticated:
        return render(request, "studio/teams/join_signed_in.html", status=409)
    sign_up_links.remember(request, link)
    return redirect("account_signup")
