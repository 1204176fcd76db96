"""Confirmed addresses: those whose mailbox the person was shown to read, or that an operator
vouched for. Only a confirmed address counts: for a team that somebody is made a member of, for a
link that sets a new password, for an invitation."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import F

from studio.models import User
from studio.teams import factors


def is_confirmed(user: User) -> bool:
    """Whether the address that `user` is called by is confirmed."""
    return _owner_of(user.email) == user.pk and user.pk is not None


def person_at(email: str) -> User | None:
    """Whose account is at `email`: that of the person who confirmed it, else the one that only
    claims it."""
    owner = _owner_of(email)
    if owner is not None:
        return User.objects.filter(pk=owner).first()
    return User.objects.filter(email=email.strip().lower()).first()


def reset_receiver(email: str) -> User | None:
    """Who gets a link to set a new password when `email` is typed: the person who confirmed it; an
    account that has confirmed nothing only at the address it was made with, since whoever reads
    that mailbox is its owner."""
    found = person_at(email)
    if found is None or not found.is_active or is_confirmed(found):
        return found if found is not None and found.is_active else None
    mine = EmailAddress.objects.filter(user=found, verified=True)
    return found if _owner_of(email) == found.pk or not mine.exists() else None


def _owner_of(email: str) -> int | None:
    """The id of the person who confirmed `email`."""
    confirmed = EmailAddress.objects.filter(email=email.strip().lower(), verified=True)
    found: int | None = confirmed.values_list("user_id", flat=True).first()
    return found


def confirm(user: User) -> None:
    """Note that the address of `user` is confirmed. Whoever only claimed it keeps their account,
    without it."""
    email = user.email.lower()
    with transaction.atomic():
        EmailAddress.objects.filter(email=email).exclude(user=user).delete()
        mine = EmailAddress.objects.filter(user=user)
        mine.filter(primary=True).exclude(email=email).update(primary=False)
        mine.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})


def drop_other_addresses(user: User) -> None:
    """Forget all addresses of `user` but the one that they are called by: whoever added them may
    not be who owns it."""
    EmailAddress.objects.filter(user=user).exclude(email=user.email.lower()).delete()


def drop_other_ways(user: User) -> None:
    """What else somebody left in an account that nobody confirmed, to get in again or to keep its
    owner out: addresses, second factors, links to accounts of another service."""
    drop_other_addresses(user)
    factors.remove_all(user)
    SocialAccount.objects.filter(user=user).delete()


def end_sign_ins(user: User) -> None:
    """End every sign-in of `user`, known to the list of sign-ins or not; the password stays."""
    User.objects.filter(pk=user.pk).update(sign_in_epoch=F("sign_in_epoch") + 1)
    user.refresh_from_db(fields=["sign_in_epoch"])


def take_back(user: User) -> None:
    """Prepare an account that nobody confirmed for the owner of its address: the password of
    whoever made it, their other addresses, second factors and sign-ins count no more. What is left
    to get in is a link to set a new password (`manage.py createteam` and `invite` print one)."""
    with transaction.atomic():
        drop_other_ways(user)
        user.set_unusable_password()
        user.save(update_fields=["password"])
        end_sign_ins(user)
