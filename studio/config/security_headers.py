"""What every answer tells the browser it may do with it: one place for pages, files and the doors
that are plain ASGI.

The Content-Security-Policy of pages, which names where scripts and pictures come from, is in the
settings (django-csp); the ones here are for what is no page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponseBase

# Django's own middleware says some of it too, of pages but not of doors and static files.
EVERYTHING: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Speech is recorded on the create page; nothing else of a machine is asked for.
    "Permissions-Policy": (
        "microphone=(self), autoplay=(self), fullscreen=(self), picture-in-picture=(self), "
        "camera=(), geolocation=(), display-capture=(), payment=(), usb=(), serial=(), "
        "bluetooth=(), hid=(), midi=(), accelerometer=(), gyroscope=(), magnetometer=(), "
        "browsing-topics=()"
    ),
}
# JSON and streams: never a document.
DATA: Mapping[str, str] = {
    **EVERYTHING,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# What people uploaded is looked at and heard, and never run: opened by itself it has no origin of
# ours, no scripts and no forms, whatever hides in it.
FILES: Mapping[str, str] = {
    **EVERYTHING,
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; frame-ancestors 'none'; sandbox"
    ),
}


def add(response: HttpResponseBase, headers: Mapping[str, str] = EVERYTHING) -> HttpResponseBase:
    """`response` with those of `headers` that it does not have yet."""
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """`headers` as a plain ASGI application sends them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


class SecurityHeaders:
    """Middleware: every answer of Django, static files included, has the headers of EVERYTHING."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return add(self.get_response(request))
