"""“Is it you?”: steps that change who gets in, who holds the money or the keys, or who is an owner
ask for the password, a code or a passkey once more, unless that was given in the last ten minutes.

What was typed is not lost, and lies nowhere meanwhile: the page that asks holds the form in hidden
fields, so it goes from the browser and back to it, and the answer to the question is sent together
with it to the same address. A key of Model Studio is so never in a session or in the database
before it is encrypted (docs/decisions/0030-is-it-you.md).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import overload

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from studio.audit.events import Event
from studio.audit.trail import record
from studio.config.compression import HOLDS_SECRETS
from studio.models import User
from studio.teams.access import View, person_of
from studio.teams.factor_forms import ConfirmCodeForm, ConfirmPasskeyForm

MARK = "footlight_confirm_first"
PASSWORD, CODE, PASSKEY = "confirm_password", "confirm_code", "confirm_credential"
ANSWERS = (PASSWORD, CODE, PASSKEY)
# What of a session's records shows that somebody was there, and no browser alone.
NEED_A_PERSON = ("password", "password_reset", "mfa")


@dataclass(frozen=True, slots=True)
class Ways:
    """How a person can show that it is them."""

    password: bool
    code: bool
    passkey: bool
    issuer: str  # the name of the service that they sign in with; "" for none

    @property
    def any(self) -> bool:
        return self.password or self.code or self.passkey or bool(self.issuer)


def ways_of(user: User) -> Ways:
    types = set(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))
    oidc = settings.OIDC
    issuer = ""
    if oidc is not None:
        linked = SocialAccount.objects.filter(user_id=user.pk, provider=oidc.provider)
        issuer = oidc.name if linked.exists() else ""
    return Ways(
        password=user.has_usable_password(),
        code=bool(types & {Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES}),
        passkey=Authenticator.Type.WEBAUTHN in types,
        issuer=issuer,
    )


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person showed in the last ten minutes that it is them, by signing in or since."""
    records = get_authentication_records(request, person_of(request))
    times = [
        float(record.get("at", 0))
        for record in records
        if record.get("method") in NEED_A_PERSON or record.get("reauthenticated")
    ]
    return bool(times) and 0 <= time.time() - max(times) < settings.CONFIRMED_FOR


@overload
def confirm_first(view: View) -> View: ...
@overload
def confirm_first(*, to_read: bool) -> Callable[[View], View]: ...


def confirm_first(
    view: View | None = None, *, to_read: bool = False
) -> View | Callable[[View], View]:
    """A view whose changes ask first whether it is the person; with `to_read` its page too. Stands
    below the access mark, so that who may not come in is not asked."""

    def mark(view: View) -> View:
        @wraps(view)
        @sensitive_post_parameters()
        def inside(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            reads = request.method in ("GET", "HEAD", "OPTIONS")
            if (reads and not to_read) or is_confirmed(request):
                _without_answers(request)
                return view(request, *args, **kwargs)
            if reads:
                return to_page(request.get_full_path())
            problem = answered(request)
            if problem is not None:
                return asked(request, request.get_full_path(), _carried(request), problem)
            _without_answers(request)
            return view(request, *args, **kwargs)

        setattr(inside, MARK, True)
        return inside

    return mark(view) if view is not None else mark


def to_page(path: str) -> HttpResponseRedirect:
    """To the page that asks, which leads back to `path`."""
    return HttpResponseRedirect(f"{reverse('confirm')}?{urlencode({'next': path})}")


def answered(request: HttpRequest) -> str | None:
    """None when what was posted shows that it is the person, and the session remembers it; else a
    sentence, "" when nothing was posted."""
    user = person_of(request)
    given = {name: request.POST.get(name, "").strip() for name in ANSWERS}
    if not any(given.values()):
        return ""
    if not ratelimit.consume(request, action="reauthenticate", user=user):
        return _("Too many tries. Wait a minute, then try again.")
    form = _form(request, user, given)
    if form.is_valid():
        if isinstance(form, _PasswordForm):
            record_authentication(request, user, method="password", reauthenticated=True)
        elif isinstance(form, ConfirmCodeForm | ConfirmPasskeyForm):
            form.save()
        _tell(Event.CONFIRMED_AGAIN, user, given)
        return None
    _tell(Event.STEP_UP_FAILED, user, given)
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def _tell(event: Event, user: User, given: dict[str, str]) -> None:
    way = "passkey" if given[PASSKEY] else "app or recovery codes" if given[CODE] else "password"
    with transaction.atomic():
        record(event, person=user, after={"way": way})


class _PasswordForm(forms.Form):
    """The person's password, under the limits of signing in."""

    def __init__(self, request: HttpRequest, user: User, password: str) -> None:
        super().__init__(data={})
        self.request, self.user, self.password = request, user, password

    def clean(self) -> dict[str, object]:
        found = get_adapter().authenticate(
            self.request, email=self.user.email, password=self.password
        )
        if found is None or found.pk != self.user.pk:
            raise forms.ValidationError(_("That is not your password. Check it, and try again."))
        return self.cleaned_data


def _form(request: HttpRequest, user: User, given: dict[str, str]) -> forms.Form:
    if given[PASSKEY]:
        return ConfirmPasskeyForm(user=user, data={"credential": given[PASSKEY]})
    if given[CODE]:
        return ConfirmCodeForm(user=user, data={"code": given[CODE]})
    return _PasswordForm(request, user, request.POST.get(PASSWORD, ""))


def asked(
    request: HttpRequest, action: str, carried: list[tuple[str, str]], problem: str = ""
) -> HttpResponse:
    """The page that asks; its form sends `carried` and the answer to `action`. Status 403: nothing
    has been done yet."""
    ways = ways_of(person_of(request))
    page = {
        "action": action,
        "carried": carried,
        "problem": problem,
        "ways": ways,
        "options": json.dumps(webauthn.begin_authentication(request.user)) if ways.passkey else "",
        "minutes": settings.CONFIRMED_FOR // 60,
    }
    partial = bool(request.headers.get("HX-Request"))
    template = "studio/teams/parts/is_it_you.html" if partial else "studio/teams/is_it_you.html"
    response = render(request, template, page, status=200 if partial else 403)
    if partial:  # htmx shows no other status, and would put it where its own answer goes
        response["HX-Retarget"], response["HX-Reswap"] = "#main", "innerHTML"
        response["HX-Reselect"] = "#is-it-you"
    add_never_cache_headers(response)
    setattr(response, HOLDS_SECRETS, True)  # what was typed may be a key
    return response


def _carried(request: HttpRequest) -> list[tuple[str, str]]:
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name not in (*ANSWERS, "csrfmiddlewaretoken")
        for value in values
    ]


def _without_answers(request: HttpRequest) -> None:
    """The view, and whatever it keeps of its form, sees neither password nor code."""
    if any(name in request.POST for name in ANSWERS):
        kept = request.POST.copy()
        for name in ANSWERS:
            kept.pop(name, None)
        setattr(request, "POST", kept)  # noqa: B010  (Django’s own name, which its types call fixed)
