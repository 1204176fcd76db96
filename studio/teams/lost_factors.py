"""The way back for who lost every second factor and the recovery codes: an operator who knows that
it is them prints a one-time link, which takes the factors away. The password is still needed."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import User
from studio.teams import confirmed, factors

LIFETIME = timedelta(hours=24)
SALT = "footlight.lost-factors"


class LinkGone(Exception):
    """The link was used, is too old, or the factors are other ones by now."""


def make(user: User) -> str:
    """The address that takes the factors of `user` away, once, within LIFETIME. LookupError when
    there are none."""
    if not Authenticator.objects.filter(user_id=user.pk).exists():
        raise LookupError("no factors")
    token = signing.dumps([user.pk, _state(user)], salt=SALT)
    with transaction.atomic():
        record(Event.FACTORS_LINK_MADE, person=user)
    return settings.PUBLIC_URL + reverse("lost_factors", args=[token])


def owner(token: str) -> User:
    """Whose factors the link takes away. LinkGone."""
    try:
        pk, state = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkGone from None
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or state != _state(user):
        raise LinkGone
    return user


def use(token: str) -> User:
    """Take the factors away and end every sign-in: whoever found the phone may be signed in.
    LinkGone."""
    with transaction.atomic():
        found = owner(token)
        user = User.objects.select_for_update().get(pk=found.pk)
        owner(token)  # a second click, a moment ago
        gone = factors.remove_all(user)
        confirmed.end_sign_ins(user)
        record(Event.FACTORS_LOST, person=user, before={"factors": gone}, after={"factors": []})
    return user


def _state(user: User) -> str:
    """Another one as soon as a factor comes or goes, so that the link works once."""
    rows = Authenticator.objects.filter(user_id=user.pk).order_by("pk")
    known = [f"{user.sign_in_epoch}", *(f"{row.pk} {row.created_at.isoformat()}" for row in rows)]
    return hashlib.sha256("\n".join(known).encode()).hexdigest() if len(known) > 1 else ""
