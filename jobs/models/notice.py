"""What people are still to be told of."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from studio.models.people import Team


class ReadyNotice(models.Model):
    """Jobs of a person in a team have ended, and nobody knows whether the person saw it: they are
    told by mail, or have looked themselves, and then the row goes."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # the event and the time of the first end that the person has not seen
    event = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("team", "user"), name="one_notice_per_team_and_person"),
        )

    def __str__(self) -> str:
        return f"notice of {self.user_id} in {self.team_id}"


class EventCursor(models.Model):
    """Up to which event of all jobs something that reads them in turn has come."""

    name = models.CharField(max_length=20, unique=True)
    event = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.event}"
