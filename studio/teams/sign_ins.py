"""Where a person is signed in: the list, and ending one sign-in, all others, or all."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.config.request_address import address_of
from studio.models import User
from studio.teams import confirmed, sign_in_ways
from studio.teams.access import signed_in

log = logging.getLogger("footlight.sign_ins")
SEEN_AGAIN = 240  # seconds between two notes that a sign-in is in use
BROWSERS = (  # the first that is found in the header: later ones name earlier ones too
    (r"Edg", "Edge"),
    (r"OPR|Opera", "Opera"),
    (r"SamsungBrowser", "Samsung Internet"),
    (r"Firefox|FxiOS", "Firefox"),
    (r"Chrome|CriOS|Chromium", "Chrome"),
    (r"Safari", "Safari"),
)
SYSTEMS = (
    (r"iPhone|iPad", "iOS"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux|X11", "Linux"),
)


class KnownSignIns:
    """Middleware: notes now and then that a sign-in is in use, from where and with which browser.
    So the list also has those that were begun before there was one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        key = request.session.session_key
        if key and request.user.is_authenticated and cache.add(f"seen:{key}", 1, SEEN_AGAIN):
            try:
                _note(request, key)
            except DatabaseError as error:  # a page that is ready is not lost for a note
                log.warning("a sign-in could not be noted: %s", error)
        return response


def _note(request: HttpRequest, key: str) -> None:
    agent = request.META.get("HTTP_USER_AGENT", "")
    row = UserSession.objects.filter(session_key=key)
    noted = row.update(
        ip=address_of(request),
        user_agent=agent[: UserSession._meta.get_field("user_agent").max_length],
        last_seen_at=clock.now(),
    )
    if not noted:  # begun before there was a list
        UserSession.objects.create_from_request(request)
    if ways := sign_in_ways.ways_of(request):
        row.update(data={"ways": ways})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def sign_ins(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        raise Http404
    if request.method == "POST":
        return _end(request, user, request.POST.get("end", ""))
    rows = [
        {
            "id": row.pk,
            "browser": browser(row.user_agent),
            "address": row.ip,
            "ways": sign_in_ways.in_words(row.data.get("ways", [])),
            "since": row.created_at,
            "seen": row.last_seen_at,
            "here": row.session_key == request.session.session_key,
        }
        for row in UserSession.objects.purge_and_list(user)
    ]
    rows.sort(key=lambda row: (row["here"], row["seen"]), reverse=True)
    return render(request, "studio/teams/sign_ins.html", {"rows": rows})


def _end(request: HttpRequest, user: User, which: str) -> HttpResponse:
    if which == "all":
        _end_all(user, which)
        logout(request)
        messages.success(request, _("You are signed out everywhere."))
        return redirect("account_login")
    if which == "others":
        _end_all(user, which)
        update_session_auth_hash(request, user)
        UserSession.objects.create_from_request(request)
        messages.success(request, _("You are signed out everywhere but here."))
        return redirect("sign_ins")
    one = (
        UserSession.objects.filter(user=user, pk=int(which)).first()
        if which.isdecimal() and len(which) < 19
        else None
    )
    if one is None:
        messages.info(request, _("That sign-in has ended already."))
    elif one.session_key == request.session.session_key:
        get_adapter().logout(request)
        return redirect("account_login")
    else:
        with transaction.atomic():
            record(Event.SIGN_INS_ENDED, by=user, after={"which": browser(one.user_agent)})
            one.end()
        messages.success(request, _("That sign-in is ended."))
    return redirect("sign_ins")


def _end_all(user: User, which: str) -> None:
    with transaction.atomic():
        for row in UserSession.objects.filter(user=user):
            row.end()
        confirmed.end_sign_ins(user)
        record(Event.SIGN_INS_ENDED, by=user, after={"which": which})


def browser(header: str) -> str:
    """The browser and system that a User-Agent header names, in words."""
    program, system = (
        next((name for pattern, name in known if re.search(pattern, header)), "")
        for known in (BROWSERS, SYSTEMS)
    )
    if program and system:
        return _("%(browser)s on %(system)s") % {"browser": program, "system": system}
    return program or system or _("Unknown browser")
