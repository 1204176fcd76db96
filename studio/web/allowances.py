"""Who may send a large body where. Asks the database, so it runs in a thread."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.http.cookie import parse_cookie
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from studio.teams.access import TAKES_FILES, membership_of, not_allowed
from studio.teams.permissions import Permission, allows
from studio.teams.session_check import SignedOut, signed_in_user
from studio.web import limits
from studio.web.answers import Refused
from studio.web.asgi_types import Scope, header
from studio.web.bodies import Allowance


def allowance(scope: Scope) -> Allowance:
    """What whoever sends the request may send along: files to pages that take them, for who may
    upload to their team; a form of some size for who is signed in.

    Raises Refused: 401 for nobody, 404 and 403 as the page itself would.
    """
    cookies = parse_cookie(header(scope, b"cookie"))
    try:
        user = signed_in_user(cookies.get(settings.SESSION_COOKIE_NAME))
    except SignedOut:
        raise Refused(
            401,
            _("You are signed out, so nothing large is taken; sign in and send it once more."),
            "large-body",
        ) from None
    try:
        match = resolve(scope["path"])
    except Resolver404:
        return Allowance(limits.SIGNED_IN_BYTES)
    if not getattr(match.func, TAKES_FILES, False):
        return Allowance(limits.SIGNED_IN_BYTES)
    try:
        membership = membership_of(user, match.kwargs["team"])
    except Http404:
        raise Refused(404, _("No team of yours is at this address.")) from None
    except PermissionDenied as error:  # a second factor is required here
        raise Refused(403, str(error)) from None
    if not allows(membership.role, Permission.MAKE, membership.team):
        raise Refused(403, not_allowed(membership, Permission.MAKE))
    return Allowance(settings.UPLOAD_MAX_BYTES + limits.FORM_BYTES, user.pk)
