"""What is made or chosen together: a set of jobs from one click, and a preset, choices of a model
under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from studio.models.people import Team, public_id


class JobSet(models.Model):
    """Jobs that one click made, all or none. What became of them is written at each job alone; a
    set only remembers the winner."""

    class Kind(models.TextChoices):
        SWEEP = "sweep", _("styles side by side")
        BATCH = "batch", _("batch")
        SPLIT = "split", _("one speech in several videos")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="sets", db_index=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=5, choices=Kind.choices)
    title = models.CharField(_("name"), max_length=200)
    idempotency_key = models.CharField(max_length=40, blank=True)
    winner = models.ForeignKey(
        "jobs.Job",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("the video that was picked"),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("set of jobs"), _("sets of jobs")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "idempotency_key"),
                condition=~models.Q(idempotency_key=""),
                name="one_set_per_click",
            ),
        )
        indexes = (models.Index(fields=("team", "-id"), name="set_team"),)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("jobs:set", args=[self.team.slug, self.public_id])


class Preset(models.Model):
    """A team's named choices of a model and its check, such as a shape and a style; files and names
    are not in it."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="presets", db_index=False)
    # None: whose it was has left the team
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    model = models.CharField(max_length=60)
    name = models.CharField(_("name"), max_length=60)
    chosen = models.JSONField(default=dict, help_text=_("by the parameter’s name"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("model", "name")
        constraints = (
            models.UniqueConstraint(fields=("team", "model", "name"), name="one_preset_per_name"),
        )

    def __str__(self) -> str:
        return self.name
