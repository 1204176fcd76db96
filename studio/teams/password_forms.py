"""A new password is typed once: who mistypes it is signed in still, or has another link mailed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account import forms as account_forms
from django import forms

if TYPE_CHECKING:

    class _Change(forms.Form): ...

    class _Set(forms.Form): ...

    class _Reset(forms.Form): ...
else:
    _Change = account_forms.ChangePasswordForm
    _Set = account_forms.SetPasswordForm
    _Reset = account_forms.ResetPasswordKeyForm


class ChangePasswordForm(_Change):
    password2 = None


class SetPasswordForm(_Set):
    password2 = None


class ResetPasswordForm(_Reset):
    password2 = None
