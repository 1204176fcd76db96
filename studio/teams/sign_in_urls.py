"""The addresses below /accounts/: ours first, then those of allauth that are left as they are.
Names that begin with mfa_ and account_ are those that allauth looks for."""

from allauth.account import views as account_views
from django.db.transaction import atomic
from django.urls import include, path, re_path

from studio.teams import (
    factor_trail,  # noqa: F401  (receives signals)
    factor_views,
    lost_factors_views,
    oidc_views,
    security_views,
    step_up_views,
)
from studio.teams.access import public

urlpatterns = [
    path("security/", security_views.security, name="security"),
    path("confirm/", step_up_views.confirm, name="confirm"),
    path("reauthenticate/", step_up_views.elsewhere, name="account_reauthenticate"),
    # What they change is told to the trail in the transaction that changes it.
    path("email/", atomic(factor_views.addresses), name="account_email"),
    path("password/change/", atomic(factor_views.change_password), name="account_change_password"),
    path("password/set/", atomic(factor_views.set_password), name="account_set_password"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        public(atomic(account_views.password_reset_from_key)),
        name="account_reset_password_from_key",
    ),
    re_path(
        r"^confirm-email/(?P<key>[-:\w]+)/$",
        public(atomic(account_views.confirm_email)),
        name="account_confirm_email",
    ),
    path("2fa/", security_views.to_security, name="mfa_index"),
    path("2fa/authenticate/", factor_views.second_step, name="mfa_authenticate"),
    path("2fa/reauthenticate/", step_up_views.elsewhere, name="mfa_reauthenticate"),
    path("2fa/app/", factor_views.activate_totp, name="mfa_activate_totp"),
    path("2fa/app/off/", factor_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/codes/", factor_views.view_codes, name="mfa_view_recovery_codes"),
    path("2fa/codes/new/", factor_views.generate_codes, name="mfa_generate_recovery_codes"),
    path("2fa/passkeys/", security_views.to_security, name="mfa_list_webauthn"),
    path("2fa/passkeys/add/", factor_views.add_passkey, name="mfa_add_webauthn"),
    path("2fa/passkeys/<int:pk>/remove/", factor_views.remove_passkey, name="mfa_remove_webauthn"),
    path("2fa/passkeys/<int:pk>/edit/", factor_views.rename_passkey, name="mfa_edit_webauthn"),
    path("2fa/passkeys/sign-in/", factor_views.passkey_sign_in, name="mfa_login_webauthn"),
    path(
        "2fa/passkeys/reauthenticate/", step_up_views.elsewhere, name="mfa_reauthenticate_webauthn"
    ),
    path("2fa/lost/<str:token>/", lost_factors_views.lost, name="lost_factors"),
    path("oidc/begin/", oidc_views.begin, name="oidc_begin"),
    path("oidc/callback/", oidc_views.callback, name="oidc_callback"),
    path("oidc/unlink/", oidc_views.unlink, name="oidc_unlink"),
    path("oidc/out/", oidc_views.signed_out, name="oidc_signed_out"),
    path("", include("allauth.account.urls")),
]
