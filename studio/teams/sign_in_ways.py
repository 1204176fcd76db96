"""By which ways somebody signed in: kept with each sign-in as plain words of ours, shown in words
of the reader."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studio.teams.access import person_of

WORDS: dict[str, str | Promise] = {
    "password": _("password"),
    "mail": _("link by mail"),
    "app": _("code of the app"),
    "recovery": _("recovery code"),
    "passkey": _("passkey"),
    "service": _("another service"),
}
_OF_METHOD = {"password": "password", "password_reset": "mail", "socialaccount": "service"}
_OF_TYPE = {
    Authenticator.Type.TOTP.value: "app",
    Authenticator.Type.RECOVERY_CODES.value: "recovery",
    Authenticator.Type.WEBAUTHN.value: "passkey",
}


def ways_of(request: HttpRequest) -> list[str]:
    """The keys of WORDS by which this sign-in began; what confirmed it later is none of them."""
    found: list[str] = []
    for record in get_authentication_records(request, person_of(request)):
        way = _OF_METHOD.get(record.get("method", "")) or _OF_TYPE.get(record.get("type", ""))
        if way and way not in found and not record.get("reauthenticated"):
            found.append(way)
    return found


def in_words(ways: Iterable[str]) -> str:
    """ "password, code of the app"; "" for a sign-in of before this was kept."""
    words = []
    for way in ways:
        if way == "service" and settings.OIDC is not None:
            words.append(settings.OIDC.name)
        elif way in WORDS:
            words.append(str(WORDS[way]))
    return ", ".join(words)
