"""What happened to a job, line by line."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.job import Job
from studio.common.fields import SentenceField
from studio.models.people import Team


class JobEvent(models.Model):
    """What happened and when; the timeline, and the ids of the live stream."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    old = models.CharField(max_length=10, blank=True)
    new = models.CharField(max_length=10)
    code = models.CharField(max_length=20, blank=True)
    text = SentenceField()
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("event of a job"), _("events of jobs")
        ordering = ("id",)
        indexes = (models.Index(fields=("team", "id"), name="event_team"),)

    def __str__(self) -> str:
        return self.text
