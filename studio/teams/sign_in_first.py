"""Who is signed out, or was signed out meanwhile, signs in first and comes back to the page that
they were on."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

SAFE = ("GET", "HEAD")


class SignInFirst(LoginRequiredMiddleware):
    """Middleware: a page leads to the sign-in page. A part of a page is never that page: the answer
    is 401 with `HX-Redirect`, which htmx and static/js/signed_out.js follow with the whole
    window."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        partial = is_partial(request)
        if not partial and request.method in SAFE:
            return super().handle_no_permission(request, view_func)
        # Where a form was sent to, or a part came from, is no page to come back to.
        page = page_of(request)
        login = redirect_to_login(page or "/", self.get_login_url(view_func))
        if partial:
            login.status_code = 401
            login["HX-Redirect"] = login["Location"]
            del login["Location"]
        return login


def is_partial(request: HttpRequest) -> bool:
    """Whether a script asks, which would put the answer inside a page or read it as data."""
    return bool(request.headers.get("HX-Request")) or (
        request.headers.get("Accept") == "application/json"
    )


def page_of(request: HttpRequest) -> str:
    """Path and query of the page that the browser shows; "" when it is not one of ours."""
    shown = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(shown, {request.get_host()}, request.is_secure()):
        return ""
    parts = urlsplit(shown)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
