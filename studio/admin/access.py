"""Mails on their way, one-time links to make an account, and sign-ins, in the admin."""

from __future__ import annotations

from allauth.mfa import admin as mfa_admin  # noqa: F401  (registers what is replaced below)
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as social_admin  # noqa: F401
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions import admin as usersessions_admin
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from studio.admin.base import ReadOnlyAdmin, state_tag
from studio.mail import queue
from studio.models import Invitation, JoinDomain, Mail, SignUpLink

COLOURS = {Mail.State.WAITING: "queued", Mail.State.SENT: "done", Mail.State.GIVEN_UP: "failed"}


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Which mails wait, and why. What they say is shown to nobody: it may open an account."""

    list_display = ("subject", "to", "state_shown", "tries", "next_at", "created_at", "sentence")
    list_filter = ("state",)
    search_fields = ("to", "subject")
    date_hierarchy = "created_at"
    fields = (
        "subject",
        "to",
        "state_shown",
        "sentence",
        "tries",
        "next_at",
        "created_at",
        "ended_at",
    )
    actions = ("send_again",)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_shown(self, mail: Mail) -> str:
        return state_tag(COLOURS[Mail.State(mail.state)], mail.get_state_display())

    @admin.action(description=gettext_lazy("Try again what was given up"), permissions=["view"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Mail]) -> None:
        n = queue.again(list(rows))
        words = ngettext("%(n)s mail is tried again.", "%(n)s mails are tried again.", n)
        level = messages.SUCCESS if n else messages.WARNING
        said = words % {"n": n} if n else _("None of these was given up.")
        self.message_user(request, said, level)


@admin.register(SignUpLink)
class SignUpLinkAdmin(ReadOnlyAdmin):
    """Links of `manage.py invite`, without their secret, which only the console shows."""

    list_display = ("email", "operator", "created_at", "expires_at", "used_at", "used_by")
    list_filter = ("operator",)
    list_select_related = ("used_by",)
    search_fields = ("email", "used_by__email")
    date_hierarchy = "created_at"

    def has_delete_permission(self, request: HttpRequest, obj: SignUpLink | None = None) -> bool:
        """Deleting one is how it is taken back."""
        return super(ReadOnlyAdmin, self).has_delete_permission(request, obj)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations of teams, without their secret. Their team makes them anew or takes them back."""

    list_display = ("whom", "team_name", "role", "made_by", "expires_at", "used_by", "revoked_at")
    list_filter = ("role", "mailed")
    list_select_related = ("made_by", "used_by")
    search_fields = ("email", "note", "team_name", "made_by__email")
    date_hierarchy = "created_at"
    exclude = ("digest", "click")


@admin.register(JoinDomain)
class JoinDomainAdmin(ReadOnlyAdmin):
    """Mail domains whose people may join a team; deleting one lets nobody else in."""

    list_display = ("domain", "team", "role", "set_by", "created_at")
    list_select_related = ("team", "set_by")
    search_fields = ("domain", "team__name")

    def has_delete_permission(self, request: HttpRequest, obj: JoinDomain | None = None) -> bool:
        return super(ReadOnlyAdmin, self).has_delete_permission(request, obj)


# Their secrets are nobody's to look at; how somebody gets in without a factor is a link of
# `manage.py lostfactors` or of the page of the person.
for model in (Authenticator, SocialApp, SocialToken, SocialAccount):
    admin.site.unregister(model)


@admin.register(Authenticator)
class FactorAdmin(ReadOnlyAdmin):
    """Who has which second factor."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")


@admin.register(SocialAccount)
class LinkedSignInAdmin(ReadOnlyAdmin):
    """Who signs in with which other site."""

    list_display = ("user", "provider", "uid", "last_login", "date_joined")
    list_select_related = ("user",)
    search_fields = ("user__email", "uid")
    fields = ("user", "provider", "uid", "last_login", "date_joined")


# That of allauth searches a column that our people do not have, and shows the keys of sessions.
admin.site.unregister(usersessions_admin.UserSession)


@admin.register(UserSession)
class SignInAdmin(ReadOnlyAdmin):
    """Who is signed in from where. Deleting one here ends nothing, so it cannot be deleted here."""

    list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "ip")
    date_hierarchy = "last_seen_at"
    fields = ("user", "ip", "user_agent", "created_at", "last_seen_at")
