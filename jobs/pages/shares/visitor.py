"""Who has given the password of a share link, and how often one may be tried."""

from __future__ import annotations

from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from jobs.models import ShareLink
from studio.common.client_address import network_of
from studio.config.request_address import address_of

_SIGNER = Signer(sep=".", salt="footlight.share.visitor")
_TRIES = "share_password"
SEEN = 12 * 3600  # seconds in which one browser counts as one view


def let_in(request: HttpRequest, link: ShareLink) -> bool:
    """Whether the visitor may see what `link` shows: it asks for no password, or they gave it."""
    if not link.password:
        return True
    try:
        given = _SIGNER.unsign(request.COOKIES.get(_name(link, "in"), ""))
    except BadSignature:
        return False
    return given == _proof(link)


def try_password(request: HttpRequest, link: ShareLink, given: str) -> bool | None:
    """Whether `given` is the password of `link`; None when too many were tried from this network,
    whoever else may still try."""
    key = f"{network_of(address_of(request))} {link.public_id}"
    if not ratelimit.consume(request, action=_TRIES, key=key, dry_run=True):
        return None
    right = check_password(given, link.password)
    if not right:
        ratelimit.consume(request, action=_TRIES, key=key)
    return right


def remember(response: HttpResponse, link: ShareLink, token: str) -> None:
    """The browser that got `response` has given the password, until it is closed or the password
    becomes another one."""
    _set(response, link, token, "in", _SIGNER.sign(_proof(link)), None)


def first_view(request: HttpRequest, response: HttpResponse, link: ShareLink, token: str) -> bool:
    """Whether this browser has not been counted yet; from now on it is."""
    if request.COOKIES.get(_name(link, "seen")):
        return False
    _set(response, link, token, "seen", "1", SEEN)
    return True


def _proof(link: ShareLink) -> str:
    """Changes with the password, and tells nothing of it."""
    text = f"{link.public_id} {link.password}"
    return salted_hmac("footlight.share.password", text, algorithm="sha256").hexdigest()


def _name(link: ShareLink, what: str) -> str:
    return f"share_{what}_{link.public_id}"


def _set(
    response: HttpResponse, link: ShareLink, token: str, what: str, value: str, seconds: int | None
) -> None:
    # Sent with the page, its pictures and its files, and to nothing else of the site.
    response.set_cookie(
        _name(link, what),
        value,
        max_age=seconds,
        path=reverse("shared", args=[token]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
