"""For whom the page of a request is written (`studio.common.reader`): what the person chose on
their profile, else what the browser says."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from studio.common import reader, time_zones
from studio.models import User

COOKIE = "zone"  # written by static/js/zone.js


class ReaderOfRequest:
    """Middleware: times, numbers and amounts of the page are written for who asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        by = reader_of(request)
        with reader.reading(by), timezone.override(time_zones.zone(by.zone)):
            return self.get_response(request)


def reader_of(request: HttpRequest) -> reader.Reader:
    person = _person(request)
    said = said_by_browser(request)
    return reader.Reader(
        reader.zone_of(person.time_zone) if person and person.time_zone else said.zone,
        reader.region_of(person.region) or said.region if person else said.region,
    )


def said_by_browser(request: HttpRequest) -> reader.Reader:
    return reader.Reader(
        reader.zone_of(request.COOKIES.get(COOKIE, "")) or time_zones.DEFAULT,
        reader.region_wanted(request.headers.get("Accept-Language", "")) or reader.NOBODY,
    )


def reader_for(person: User) -> reader.Reader:
    """For what is written to them when no browser asks, such as a mail."""
    return reader.Reader(
        reader.zone_of(person.time_zone) or time_zones.DEFAULT,
        reader.region_of(person.region) or reader.NOBODY,
    )


def _person(request: HttpRequest) -> User | None:
    """None for a visitor, who costs no question to the database."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    return request.user if isinstance(request.user, User) else None
