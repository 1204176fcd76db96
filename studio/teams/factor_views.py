"""allauth's pages of second factors, each with an access mark, and behind “Is it you?” where it
changes or shows what lets somebody in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from allauth.account import views as account_views
from allauth.mfa.base import views as base_views
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache

from studio.teams.access import View, public, signed_in
from studio.teams.step_up import confirm_first

if TYPE_CHECKING:
    from allauth.account.stages import LoginStage
    from django.views.generic import TemplateView

    class _AddView(TemplateView): ...

    class _RemoveView(TemplateView): ...

    class _EditView(TemplateView): ...

    class _SecondStepView(TemplateView):
        stage: LoginStage

else:
    _AddView, _EditView = webauthn_views.AddWebAuthnView, webauthn_views.EditWebAuthnView
    _RemoveView, _SecondStepView = webauthn_views.RemoveWebAuthnView, base_views.AuthenticateView


class AddPasskey(_AddView):
    def get_context_data(self, **words: object) -> dict[str, object]:
        found = super().get_context_data(**words)
        options = json.loads(json.dumps(found["js_data"]["creation_options"]))
        # Kept by the device where it can: then it signs in alone, without a password.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = "preferred"
        return {**found, "options": json.dumps(options)}


class RemovePasskey(_RemoveView):
    success_url = reverse_lazy("security")


class RenamePasskey(_EditView):
    success_url = reverse_lazy("security")


class SecondStep(_SecondStepView):
    """The second step of signing in: a code or a passkey."""

    def get_context_data(self, **words: object) -> dict[str, object]:
        found = super().get_context_data(**words)
        types = set(
            Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True)
        )
        return {
            **found,
            "has_passkey": Authenticator.Type.WEBAUTHN in types,
            "has_app": Authenticator.Type.TOTP in types,
            "options": json.dumps(found["js_data"]["request_options"]),
        }


def _confirmed(view: View) -> View:
    return signed_in(never_cache(confirm_first(to_read=True)(view)))


activate_totp = _confirmed(totp_views.ActivateTOTPView.as_view())
generate_codes = _confirmed(recovery_views.GenerateRecoveryCodesView.as_view())
add_passkey = _confirmed(AddPasskey.as_view())
remove_passkey = _confirmed(RemovePasskey.as_view())
rename_passkey = _confirmed(RenamePasskey.as_view())
second_step = public(never_cache(SecondStep.as_view()))
passkey_sign_in = public(never_cache(webauthn_views.LoginWebAuthnView.as_view()))
addresses = signed_in(never_cache(confirm_first(account_views.EmailView.as_view())))
change_password = _confirmed(account_views.PasswordChangeView.as_view())
set_password = _confirmed(account_views.PasswordSetView.as_view())


def _have(request: HttpRequest, kind: str) -> bool:
    return bool(Authenticator.objects.filter(user_id=request.user.pk, type=kind).exists())


@_confirmed
def view_codes(request: HttpRequest) -> HttpResponseBase:
    """Shown once, right after they were made."""
    if not _have(request, Authenticator.Type.RECOVERY_CODES):
        return redirect("security")
    page: HttpResponseBase = recovery_views.ViewRecoveryCodesView.as_view()(request)
    return page


@_confirmed
def deactivate_totp(request: HttpRequest) -> HttpResponseBase:
    if not _have(request, Authenticator.Type.TOTP):
        return redirect("security")
    page: HttpResponseBase = totp_views.DeactivateTOTPView.as_view()(request)
    return page
