"""Tells the trail of sign-ins, of those that failed, and of what people change about how they sign
in: receivers of the signals of Django and allauth.

A page that changes a password or an address runs in one transaction (studio/urls.py), so that the
entry stands or falls with the change. Tries at an address that nobody has are not told: strangers
could fill the table with them.
"""

from __future__ import annotations

from allauth.account import signals as account_signals
from django.contrib.auth import signals as auth_signals
from django.db import transaction
from django.dispatch import receiver

from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import User
from studio.teams import confirmed


def _tell(event: Event, person: object, **after: object) -> None:
    if not isinstance(person, User) or not person.pk:
        return
    by = None if event is Event.SIGN_IN_FAILED else person
    with transaction.atomic(savepoint=False):
        record(event, by=by, person=person, after=after or None)


@receiver(auth_signals.user_logged_in)
def _signed_in(user: object, **_ignored: object) -> None:
    _tell(Event.SIGNED_IN, user)


@receiver(auth_signals.user_logged_out)
def _signed_out(user: object, **_ignored: object) -> None:
    _tell(Event.SIGNED_OUT, user)


@receiver(auth_signals.user_login_failed)
def _failed(credentials: dict[str, object], **_ignored: object) -> None:
    login = str(credentials.get("email") or credentials.get("username") or "")
    if login and "\x00" not in login:
        _tell(Event.SIGN_IN_FAILED, confirmed.person_at(login))


@receiver(account_signals.user_signed_up)
def _signed_up(user: object, **_ignored: object) -> None:
    _tell(Event.SIGNED_UP, user)


@receiver(account_signals.password_changed)
@receiver(account_signals.password_set)
def _password_changed(user: object, **_ignored: object) -> None:
    _tell(Event.PASSWORD_CHANGED, user, way="page")


@receiver(account_signals.password_reset)
def _password_reset(user: object, **_ignored: object) -> None:
    _tell(Event.PASSWORD_CHANGED, user, way="reset by mail")


@receiver(account_signals.email_added)
def _email_added(user: object, email_address: object, **_ignored: object) -> None:
    _tell(Event.EMAIL_ADDED, user, email=str(getattr(email_address, "email", "")))


@receiver(account_signals.email_removed)
def _email_removed(user: object, email_address: object, **_ignored: object) -> None:
    _tell(Event.EMAIL_REMOVED, user, email=str(getattr(email_address, "email", "")))


@receiver(account_signals.email_changed)
def _email_changed(user: object, to_email_address: object, **_ignored: object) -> None:
    _tell(Event.EMAIL_CHANGED, user, email=str(getattr(to_email_address, "email", "")))


@receiver(account_signals.email_confirmed)
def _email_confirmed(email_address: object, **_ignored: object) -> None:
    email = str(getattr(email_address, "email", ""))
    _tell(Event.EMAIL_CONFIRMED, getattr(email_address, "user", None), email=email)
