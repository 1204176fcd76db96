"""How long a thing is kept, where its team has said that old ones go."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Retention(models.Model):
    """Of a video's job and of a file. jobs/orders/retention.py writes both columns."""

    pinned = models.BooleanField(
        default=False, editable=False, help_text=_("it stays, however old it gets")
    )
    goes_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("it was announced that it goes into the trash then, for its age"),
    )

    class Meta:
        abstract = True
