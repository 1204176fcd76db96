"""What this site has allauth do its own way: who may sign up, what a new person gets, how tries are
counted, and where mails lead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailConfirmationHMAC
from allauth.account.signals import password_reset, user_signed_up
from allauth.core import context
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from studio.common.encryption import cipher
from studio.models.people import Membership, Team, User
from studio.teams import confirmed, invitations, sign_up_links
from studio.teams.mail_addresses import canonical
from studio.teams.oidc import LEAVING, sign_out_address
from studio.teams.sign_in_limits import LimitedTries, forget_tries
from studio.teams.step_up import is_confirmed

if TYPE_CHECKING:
    from studio.teams.sign_up_forms import SignUpForm


class Adapter(LimitedTries, DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This e-mail and password do not belong together. Check both, or set a new password."
        ),
        "too_many_login_attempts": _(
            "Too many wrong passwords from here for this e-mail. Wait five minutes, or choose “I "
            "forgot my password”: the link that comes by mail lets you in at once."
        ),
        "too_many_anywhere": _(
            "Too many wrong passwords for this e-mail, from several places. Choose “I forgot my "
            "password”: the link that comes by mail lets you in at once."
        ),
    }

    def is_safe_url(self, url: str | None) -> bool:
        """Whether a page may send the browser on to `url`. What cannot even be read, such as
        http://[::1, is not."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, object] | None = None,
        email: str | None = None,
    ) -> None:
        """To the address of the account, also where it has no row of addresses yet."""
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    # ── signing up ──

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return (
            settings.SIGNUP == "open"
            or sign_up_links.remembered(request) is not None
            or invitations.remembered(request) is not None
        )

    def clean_email(self, email: str) -> str:
        return canonical(super().clean_email(email))

    def save_user(
        self, request: HttpRequest, user: User, form: SignUpForm, commit: bool = True
    ) -> User:
        """The new user, and the link or the invitation that they came with spent, which may
        confirm their address: all or none. Who was invited into a team gets no team of their own.
        LinkGone, CannotJoin when it was spent meanwhile."""
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            if form.invitation is None:
                Team.start(f"{user.short_name}’s studio", user, personal=True)
            form.spend(user)
            if form.link is not None or form.proven:
                self.stash_verified_email(request, user.email)
        return user

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """To the first thing that a new team needs: an account with its key, since nothing can be
        made without one. Who was invited before signing up goes to the team that asked for them."""
        user = request.user.pk or 0
        first = (
            Membership.objects.select_related("team").filter(user_id=user).order_by("id").first()
        )
        own = first is not None and first.team.personal
        # The team of their own of somebody else, who has invited them into it, is none of theirs.
        if first is None or not own or first.team.memberships.earliest("id").user_id != user:
            # Whoever was invited is led on by the first page of the site.
            usual: str = super().get_signup_redirect_url(request)
            return usual
        return reverse("jobs:account_new", args=[first.team.slug])

    # ── who it is ──

    def is_reauthentication_required(self, *, app: str, **_ignored: object) -> bool:
        return not is_confirmed(context.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, str]]:
        """The one page of this site that asks (studio/teams/step_up.py)."""
        there = {"id": "confirm", "description": str(_("Is it you?")), "url": reverse("confirm")}
        return [there] if user.is_authenticated else []

    def logout(self, request: HttpRequest) -> None:
        """Who came in through the sign-in service is signed out there too, if it offers that."""
        address = sign_out_address(request)
        super().logout(request)
        if address:
            request.session[LEAVING] = cipher().encrypt(address.encode()).decode()

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        if sign_out_address(request):
            return reverse("oidc_signed_out")
        usual: str = super().get_logout_redirect_url(request)
        return usual

    # ── mails ──

    def written(self, template: str, email: str, context: dict[str, object]) -> EmailMessage:
        """A mail from `template`. Its name of this site is that of PUBLIC_URL, whatever host a
        request was sent to."""
        host = urlsplit(settings.PUBLIC_URL).netloc
        site = SimpleNamespace(name=f"Footlight ({host})", domain=host)
        whole = {"email": email, "current_site": site, **context}
        message: EmailMessage = self.render_mail(template, email, whole)
        return message

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        self.written(template_prefix, email, context).send()

    def get_reset_password_from_key_url(self, key: str) -> str:
        user, _dash, token = key.partition("-")
        words = {"uidb36": quote(user), "key": quote(token)}
        return settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=words)

    def get_email_confirmation_url(
        self, request: HttpRequest, emailconfirmation: EmailConfirmationHMAC
    ) -> str:
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return f"{settings.PUBLIC_URL}{path}"

    def send_account_already_exists_mail(self, email: str) -> None:
        context: dict[str, object] = {
            "signup_url": settings.PUBLIC_URL + reverse("account_signup"),
            "password_reset_url": settings.PUBLIC_URL + reverse("account_reset_password"),
        }
        self.send_mail("account/email/account_already_exists", email, context)


@receiver(password_reset)
def _reset(request: HttpRequest, user: User, **_ignored: object) -> None:
    """Whoever set a new password with a link from a mailbox, or from an operator, is the owner of
    the account: its address counts, everything that somebody else left there does not."""
    forget_tries(request, user)
    if not confirmed.is_confirmed(user):
        confirmed.drop_other_ways(user)
        confirmed.confirm(user)


@receiver(user_signed_up)
def _chosen(request: HttpRequest, user: User, **_ignored: object) -> None:
    """Who has just chosen a password is not asked for it again."""
    record_authentication(request, user, method="password")
