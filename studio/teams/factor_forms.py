"""The forms of second factors: allauth's, with codes that count once and secrets that lie nowhere
in the clear."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from studio.common.encryption import Unreadable
from studio.models import User
from studio.teams.factors import Adapter

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    class _CodeForm(forms.Form):
        authenticator: Authenticator
        user: User

        def __init__(self, *, user: User, data: object = None) -> None: ...
        def clean_code(self) -> str: ...
        def save(self) -> None: ...

    class _ActivateForm(forms.Form):
        user: User
        secret: str

        def clean_code(self) -> str: ...

    _ConfirmCodeForm = _CodeForm

    class _AddPasskeyForm(forms.Form):
        def __init__(self, *, user: User, **words: object) -> None: ...

    class _PasskeyForm(forms.Form):
        def __init__(self, *, user: User, data: object = None) -> None: ...
        def clean_credential(self) -> Authenticator: ...
        def save(self) -> None: ...

    class _ConfirmPasskeyForm(_PasskeyForm): ...

    class _SignInForm(_PasskeyForm): ...

else:
    _CodeForm, _ConfirmCodeForm = base_forms.AuthenticateForm, base_forms.ReauthenticateForm
    _ActivateForm, _AddPasskeyForm = totp_forms.ActivateTOTPForm, webauthn_forms.AddWebAuthnForm
    _PasskeyForm = webauthn_forms.AuthenticateWebAuthnForm
    _ConfirmPasskeyForm = webauthn_forms.ReauthenticateWebAuthnForm
    _SignInForm = webauthn_forms.LoginWebAuthnForm

# What reading an answer that no browser makes may raise, beside the errors of a form.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, OverflowError, struct.error)
CODE_LABEL = _("Code")


def _code_field(help_text: StrPromise) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
    return forms.CharField(
        label=CODE_LABEL, max_length=40, widget=forms.TextInput(attrs=attrs), help_text=help_text
    )


def _readable(clean: Callable[[], str]) -> str:
    """What `clean` answers; a sentence where the site's keys are other ones than before."""
    try:
        return clean()
    except Unreadable:
        raise Adapter().validation_error("unreadable") from None


def _counted_once(user: User, code: str, found: Authenticator) -> str:
    """A code of the app counts once as long as it would be taken: its own half minute and those
    beside it. (allauth forgets after one.)"""
    if found.type == Authenticator.Type.TOTP and not _spent(user, code):
        raise Adapter().validation_error("incorrect_code")
    return code


def _spent(user: User, code: str) -> bool:
    """Note that `user` used `code`; False when they had."""
    seconds = 30 * (2 * settings.MFA_TOTP_TOLERANCE + 2)
    return cache.add(f"code-used:{user.pk}:{normalize_user_code(code)}", 1, seconds)


_HELP = _("Six digits of your app, or one of your recovery codes.")


class CodeForm(_CodeForm):
    """The second step of signing in."""

    def __init__(self, *, user: User, data: QueryDict | dict[str, str] | None = None) -> None:
        super().__init__(user=user, data=data)
        self.fields["code"] = _code_field(_HELP)

    def clean_code(self) -> str:
        return _counted_once(self.user, _readable(super().clean_code), self.authenticator)


class ConfirmCodeForm(_ConfirmCodeForm):
    """“Is it you?”, answered with a code."""

    def __init__(self, *, user: User, data: QueryDict | dict[str, str] | None = None) -> None:
        super().__init__(user=user, data=data)
        self.fields["code"] = _code_field(_HELP)

    def clean_code(self) -> str:
        return _counted_once(self.user, _readable(super().clean_code), self.authenticator)


class ActivateForm(_ActivateForm):
    """Its secret waits in the session, encrypted, until a first code shows that the app has it."""

    def __init__(self, *, user: User, data: QueryDict | None = None, **_ignored: object) -> None:
        forms.Form.__init__(self, data=data)
        self.user = user
        self.fields["code"] = _code_field(_("The six digits that the app shows now."))
        session, adapter = context.request.session, Adapter()
        kept = session.get(totp.SECRET_SESSION_KEY) if self.is_bound else None
        try:
            self.secret = adapter.decrypt(kept) if kept else ""
        except Unreadable:  # the site has other keys since the page was opened
            self.secret = ""
        if not self.secret:
            self.secret = totp.generate_totp_secret()
            session[totp.SECRET_SESSION_KEY] = adapter.encrypt(self.secret)

    def clean_code(self) -> str:
        code = super().clean_code()
        _spent(self.user, code)
        return code


class AddPasskeyForm(_AddPasskeyForm):
    """A passkey with the name that the person gives it."""

    def __init__(self, *, user: User, **words: object) -> None:
        super().__init__(user=user, **words)
        self.fields.pop("passwordless", None)  # each of ours may be used alone
        self.fields["name"] = forms.CharField(
            label=_("Name"),
            max_length=60,
            required=False,
            help_text=_("So that you know it again, such as “Phone” or “Key on the ring”."),
        )

    def clean(self) -> dict[str, object] | None:
        try:
            return super().clean()
        except MALFORMED:
            raise Adapter().validation_error("incorrect_code") from None


def _read(clean: Callable[[], Authenticator]) -> Authenticator:
    try:
        return clean()
    except MALFORMED:
        raise Adapter().validation_error("incorrect_code") from None


class PasskeyForm(_PasskeyForm):
    """The second step of signing in, with a passkey."""

    def clean_credential(self) -> Authenticator:
        return _read(super().clean_credential)


class ConfirmPasskeyForm(_ConfirmPasskeyForm):
    """“Is it you?”, answered with a passkey."""

    def clean_credential(self) -> Authenticator:
        return _read(super().clean_credential)


class PasskeySignInForm(_SignInForm):
    """Signing in with a passkey alone."""

    def clean_credential(self) -> Authenticator:
        return _read(super().clean_credential)
