"""Verdicts of detect models on pictures."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.account import Account, ApiKey
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY
from studio.models.asset import Asset
from studio.models.people import Team, public_id


class Check(models.Model):
    """The verdict of a detect model on a picture with these parameters: asked once, paid once, kept
    by content."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ASKING = "asking", _("asking")
        PASSED = "passed", _("passed")
        REFUSED = "refused", _("refused")
        UNCERTAIN = "uncertain", _("sent, no answer")
        FAILED = "failed", _("could not be asked")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="checks")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    asset = models.ForeignKey(Asset, on_delete=models.SET_NULL, null=True, related_name="checks")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    sha256 = models.CharField(max_length=64)
    model = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, blank=True)
    choice = models.CharField(
        max_length=120, blank=True, help_text=_("the parameters as one word, such as ratio=1:1")
    )

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    facts = models.JSONField(default=dict, blank=True)
    code = models.CharField(max_length=80, blank=True)
    message = models.TextField(blank=True)
    sentence = SentenceField(blank=True, default=EMPTY)
    request_id = models.CharField(max_length=80, blank=True)

    attempt = models.IntegerField(default=0)
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("what its last attempt was asked with"),
    )
    asked_at = models.DateTimeField(null=True, blank=True, help_text=_("its last attempt"))
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("picture check"), _("picture checks")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "sha256", "model", "choice"), name="one_check_per_content"
            ),
        )
        indexes = (
            models.Index(fields=("state", "lease_until"), name="check_state_lease"),
            models.Index(fields=("key", "-asked_at"), name="check_of_key"),
        )

    def __str__(self) -> str:
        return f"{self.model} {self.choice} {self.state}"

    @property
    def settled(self) -> bool:
        """There is a verdict; it is never asked for again."""
        return self.state in (self.State.PASSED, self.State.REFUSED)
