"""Files made from files: an edit that takes longer than a page may wait, and the word of whoever
has the rights to what a file shows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY
from studio.models.asset import Asset
from studio.models.people import Team, public_id


class Edit(models.Model):
    """A video on its way to a new version of itself. The row is the truth: a worker that dies
    leaves a lease that runs out."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WORKING = "working", _("being made")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    UNDER_WAY = (State.WAITING, State.WORKING)

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="edits")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="edits")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    recipe = models.JSONField(
        help_text=_("what is to be done, as studio/files/edit_queue.py takes it")
    )
    word = models.CharField(
        max_length=64,
        editable=False,
        help_text=_("sha256 of the recipe: the same edit is made once"),
    )
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    tries = models.SmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    sentence = SentenceField(blank=True, default=EMPTY)
    made = models.ForeignKey(
        Asset, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("asset", "word"), name="one_edit_per_recipe"),
        )
        indexes = (
            models.Index(
                fields=("state", "id"),
                condition=~models.Q(state__in=("done", "failed")),
                name="edit_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.recipe.get('do')} of {self.asset_id}: {self.state}"


class Consent(models.Model):
    """Somebody said that the team may use the likeness or voice in this file. Asked once per file,
    and kept; what is made of it inherits it."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, related_name="consent")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    said = models.TextField(help_text=_("the words that were agreed to"))
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"consent for {self.asset_id}"
