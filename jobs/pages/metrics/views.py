"""Numbers for Prometheus, for who knows the site's METRICS_TOKEN."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from jobs.pages.metrics import gauges
from studio.teams.access import public


@public
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """200 with the numbers for `Authorization: Bearer METRICS_TOKEN`; 403 for another or no token,
    404 when the site has none.

    Public, because a scraper does not sign in; the token is the door. It is compared in constant
    time.
    """
    if not settings.METRICS_TOKEN:
        return _plain("This site shows no metrics. Set METRICS_TOKEN to show them.", 404)
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secrets.compare_digest(
        given.strip().encode(), settings.METRICS_TOKEN.encode()
    ):
        return _plain("Send the site’s METRICS_TOKEN as `Authorization: Bearer …`.", 403)
    return HttpResponse(gauges.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _plain(sentence: str, status: int) -> HttpResponse:
    """What a scraper's log shows: one sentence, not a page."""
    return HttpResponse(f"{sentence}\n", content_type="text/plain; charset=utf-8", status=status)
