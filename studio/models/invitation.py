"""How people come into a team: invitations, and mail domains whose people may join."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studio.models.people import Role, Team, public_id


class Invitation(models.Model):
    """To one team, in one role, for one person, once. Only a digest of its secret is kept, so
    nobody who reads the table can use one. Its row outlives the team, to say so to who opens it."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, related_name="invitations", db_index=False
    )
    team_name = models.CharField(_("team"), max_length=80)
    # Who has this address confirmed may take it, and nobody else; "" is for whoever has the link.
    email = models.EmailField(_("for"), blank=True)
    note = models.CharField(_("note"), max_length=100, blank=True)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    mailed = models.BooleanField(
        _("by mail only"),
        default=False,
        help_text=_("Nobody but the mailbox has seen its link, so whoever has it reads that."),
    )
    click = models.CharField(max_length=40, blank=True, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("ends"))
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("Who made their account with it, and has not yet confirmed an address."),
    )
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("used by"),
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "email"),
                condition=~models.Q(email="") & models.Q(used_at=None, revoked_at=None),
                name="one_open_invitation_per_address",
            ),
        )
        indexes = (
            models.Index(fields=("team", "-id"), name="invitation_team"),
            models.Index(fields=("email",), name="invitation_email"),
        )

    def __str__(self) -> str:
        return f"{self.email or self.note or self.public_id} to {self.team_name} ({self.role})"

    @property
    def whom(self) -> str:
        """Whom it is for, as far as anybody said; "" for whoever has its link."""
        return self.email or self.note


class JoinDomain(models.Model):
    """Who has an address of this mail domain confirmed may join the team by themselves."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="join_domains")
    domain = models.CharField(_("mail domain"), max_length=253, db_index=True)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.CREATOR)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("domain",)
        constraints = (
            models.UniqueConstraint(fields=("team", "domain"), name="one_row_per_team_and_domain"),
        )

    def __str__(self) -> str:
        return f"{self.domain} to {self.team_id} ({self.role})"
