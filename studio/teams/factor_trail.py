"""Tells the trail of second factors: set up, used in need, failed and taken away. Receivers of the
signals of allauth's second factors."""

from __future__ import annotations

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.dispatch import receiver
from django.utils.translation import gettext_noop

from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import User

WORDS = {
    Authenticator.Type.TOTP: gettext_noop("app with codes"),
    Authenticator.Type.WEBAUTHN: gettext_noop("passkey"),
    Authenticator.Type.RECOVERY_CODES: gettext_noop("recovery codes"),
}


def _record(event: Event, user: User, about: str = "", **after: object) -> None:
    """In the transaction of the change where there is one, else in one of its own."""
    with transaction.atomic():
        record(event, by=user, person=user, about=about, after=after or None)


@receiver(signals.authenticator_added)
def _added(user: User, authenticator: Authenticator, **_ignored: object) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _record(Event.RECOVERY_CODES_MADE, user)
    else:
        _record(Event.SECOND_FACTOR_ADDED, user, WORDS[Authenticator.Type(authenticator.type)])


@receiver(signals.authenticator_reset)
def _reset(user: User, **_ignored: object) -> None:
    _record(Event.RECOVERY_CODES_MADE, user)


@receiver(signals.authenticator_removed)
def _removed(user: User, authenticator: Authenticator, **_ignored: object) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        _record(Event.SECOND_FACTOR_REMOVED, user, WORDS[Authenticator.Type(authenticator.type)])


@receiver(signals.authenticator_used)
def _used(
    user: User, authenticator: Authenticator, reauthenticated: bool, **_ignored: object
) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _record(Event.RECOVERY_CODE_USED, user)


@receiver(signals.authentication_failed)
def _failed(user: User, reauthentication: bool = False, **_ignored: object) -> None:
    if not reauthentication:  # at “Is it you?” studio/teams/step_up.py tells of every way
        with transaction.atomic():
            record(Event.SECOND_STEP_FAILED, person=user)
