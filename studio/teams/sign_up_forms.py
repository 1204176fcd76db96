"""The forms behind *Make an account* and *Forgotten password*. Neither tells, in words or in time,
whether there is an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import forms as account_forms
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context, ratelimit
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from studio.mail import queue
from studio.models import Team, User
from studio.teams import confirmed, invitations, sign_up_links

if TYPE_CHECKING:

    class _SignUpForm(forms.Form):
        account_already_exists: bool

        def save(self, request: HttpRequest) -> User: ...
        def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]: ...

    _ResetForm = forms.Form
else:
    _SignUpForm, _ResetForm = account_forms.SignupForm, account_forms.ResetPasswordForm


class SignUpForm(_SignUpForm):
    """With a link or an invitation that is for somebody, the address is theirs and cannot be
    changed. `proven`: the address that what they came with shows to be theirs, or ""."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.link = sign_up_links.remembered(context.request)
        self.invitation = invitations.remembered(context.request) if self.link is None else None
        invited = self.invitation
        self.proven = invited.email if invited is not None and invited.mailed else ""
        email = invited.email if invited is not None else ""
        if self.link is not None:
            email = self.proven = self.link.email
        if email:
            self.fields["email"].initial = email
            self.initial["email"] = email
            self.fields["email"].disabled = True

    def validate_unique_email(self, value: str) -> str:
        """An address that somebody else added to their account and never confirmed keeps nobody
        away. With a mail server both answers are “look at your mail”. Without one a new account is
        signed in at once, so there is nothing to hide behind; such a site is not open to
        strangers."""
        self.there = confirmed.person_at(value)
        self.account_already_exists = self.there is not None
        if self.there is not None and not (settings.MAIL_SERVER or self._is_taken_over(self.there)):
            raise forms.ValidationError(
                _("There is an account with this address. Sign in, or set a new password.")
            )
        return value

    def _is_taken_over(self, there: User) -> bool:
        """Whether what somebody came with shows that this address is theirs, which `there` only
        claims."""
        return bool(self.proven) and not confirmed.is_confirmed(there)

    def save(self, request: HttpRequest) -> User:
        """The account with its address, or neither."""
        with transaction.atomic():
            return super().save(request)

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        there = getattr(self, "there", None)
        try:
            if there is not None:
                if self._is_taken_over(there):
                    return self._take_over(there), None
                self._as_much_work()
            return super().try_save(request)
        except sign_up_links.LinkGone:
            return None, redirect("join", "used")
        except invitations.CannotJoin:
            which = self.invitation.public_id if self.invitation is not None else "none"
            return None, redirect("invitation", which)
        except IntegrityError:  # somebody else was first, a moment ago
            if not settings.MAIL_SERVER:
                return None, redirect("account_signup")
            self.account_already_exists = True
            return super().try_save(request)

    def spend(self, user: User) -> None:
        """Spend what `user` made their account with. LinkGone, CannotJoin when it was spent."""
        if self.link is not None:
            sign_up_links.use(self.link, user)
        elif self.invitation is not None:
            invitations.begin(self.invitation, user)
        elif settings.SIGNUP != "open":
            raise sign_up_links.LinkGone

    def _take_over(self, claimed: User) -> User:
        """Somebody claimed the address before its owner was invited: the account is the owner's
        now."""
        with transaction.atomic():
            confirmed.take_back(claimed)
            claimed.set_password(self.cleaned_data["password1"])
            claimed.save(update_fields=["password"])
            self.spend(claimed)
            confirmed.confirm(claimed)
        return claimed

    def _as_much_work(self) -> None:
        """What making an account costs, and nothing made: the time of the answer tells nothing."""
        with transaction.atomic():
            user = User(email=f"{get_random_string(20)}@invalid")
            user.password = make_password(self.cleaned_data["password1"])
            user.save(force_insert=True)
            Team.start(f"{user.short_name}’s studio", user, personal=True)
            EmailAddress.objects.create(user=user, email=user.email, primary=True)
            transaction.set_rollback(True)


class ResetForm(_ResetForm):
    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        receiver = confirmed.reset_receiver(get_adapter().clean_email(email))
        self.users = [receiver] if receiver is not None else []
        return email

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        """Mail the link. More than a few an hour are not mailed: those before still work, and a
        stranger must not fill somebody's mailbox."""
        email = str(self.cleaned_data["email"])
        if not ratelimit.consume(request, action="reset_mail", key=email):
            return email
        if self.users:
            token = account_forms.default_token_generator.make_token(self.users[0])
            self._mail(email, self.users[0], token).send()
        else:
            # The same work for nobody, so that the time of the answer tells nothing.
            nobody = User(pk=0, email=email, password=f"!{get_random_string(40)}")
            confirmed.is_confirmed(nobody)
            token = PasswordResetTokenGenerator().make_token(nobody)
            queue.put_nothing(self._mail(email, nobody, token))
        return email

    def _mail(self, email: str, user: User, token: str) -> EmailMessage:
        adapter = get_adapter()
        url = adapter.get_reset_password_from_key_url(f"{user_pk_to_url_str(user)}-{token}")
        message: EmailMessage = adapter.written(
            "account/email/password_reset_key", email, {"user": user, "password_reset_url": url}
        )
        return message
