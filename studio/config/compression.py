"""HTML and JSON in a quarter of their bytes, without what BREACH needs.

That attack measures the length of compressed pages that it had a signed-in browser ask for, with
guesses in the address. So a page of somebody who is signed in is compressed only when the browser
says that a page of ours, or the person, asked for it (Sec-Fetch-Site); whatever another site asked
for stays as it is. Django masks the CSRF token anew in every page, and adds random bytes to a
compressed answer; the pages of sign-in and of keys are never compressed, nor an answer that says of
itself that it holds secrets.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

KINDS = ("text/html", "application/json")
OWN = ("same-origin", "none")  # none: the person typed it, or opened a bookmark
SECRET_PATHS = ("/accounts/", "/admin/")
HOLDS_SECRETS = "footlight_holds_secrets"  # an answer’s own word for it
SECRET_PARTS = ("/keys/",)  # of a team


class Compression(GZipMiddleware):
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        secret = holds_secrets(request.path_info) or getattr(response, HOLDS_SECRETS, False)
        if response.streaming or kind not in KINDS or secret:
            return response
        patch_vary_headers(response, ("Sec-Fetch-Site",))
        if not asked_by_us(request):
            return response
        return super().process_response(request, response)


def holds_secrets(path: str) -> bool:
    """Whether passwords, reset links, API keys or rows of the admin are at home at `path`."""
    return path.startswith(SECRET_PATHS) or any(part in path for part in SECRET_PARTS)


def asked_by_us(request: HttpRequest) -> bool:
    """Whether no other site can have made the browser ask with somebody's session. A browser that
    does not say is not believed."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return True
    return request.headers.get("Sec-Fetch-Site", "") in OWN
