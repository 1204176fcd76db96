"""The page for a request that cannot be read, which says why where that is known."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template import loader
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studio.teams.access import public


def why(exception: Exception | None) -> str:
    """What was wrong with the form and what to do; "" when that is not known."""
    if isinstance(exception, TooManyFilesSent):
        most = settings.DATA_UPLOAD_MAX_NUMBER_FILES or 0
        return ngettext(
            "The form holds more than %(n)s file, which is the most at once. Nothing of it was "
            "kept. Choose fewer, and send the others with the next form.",
            "The form holds more than %(n)s files, which is the most at once. Nothing of it was "
            "kept. Choose fewer, and send the others with the next form.",
            most,
        ) % {"n": most}
    if isinstance(exception, TooManyFieldsSent | RequestDataTooBig):
        return _(
            "The form holds more than the site takes at once. Nothing of it was kept. Choose or "
            "write less, and send the rest with the next form."
        )
    return ""


@public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Stands in for Django's own (`handler400`). Without the request, as that does: what asks for
    its host or its person may be what was wrong with it."""
    page = loader.render_to_string("400.html", {"why": why(exception)})
    return HttpResponseBadRequest(page)
