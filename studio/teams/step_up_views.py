"""The page “Is it you?” for steps that are asked about before their page is shown."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from studio.teams import step_up
from studio.teams.access import signed_in
from studio.teams.return_address import redirect_back


@signed_in
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Asks, and leads on to `next`."""
    otherwise = reverse("security")
    path = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(path, {request.get_host()}, request.is_secure()):
        path = otherwise
    problem: str | None = ""
    if request.method == "POST":
        problem = None if step_up.is_confirmed(request) else step_up.answered(request)
        if problem is None:
            return redirect_back(request, otherwise)
    response = step_up.asked(request, reverse("confirm"), [("next", path)], problem or "")
    response.status_code = 200 if not problem else 422
    return response


@signed_in
def elsewhere(request: HttpRequest, **_ignored: object) -> HttpResponse:
    """allauth's own pages that ask, of which this site has one."""
    return step_up.to_page(request.GET.get("next") or reverse("security"))
