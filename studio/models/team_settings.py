"""What owners and admins of a team set for it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TeamSettings(models.Model):
    picture = models.FileField(_("picture"), max_length=200, upload_to="unused", blank=True)
    default_shape = models.CharField(
        _("usual shape"),
        max_length=8,
        blank=True,
        help_text=_("such as 3:4; empty: as each model has it"),
    )
    creators_connect = models.BooleanField(_("creators may add connections"), default=False)
    sharing_allowed = models.BooleanField(
        _("videos may be shared by link"),
        default=True,
        help_text=_("Off: no link is made, and those that were made show nothing."),
    )
    keep_days = models.PositiveIntegerField(
        _("days that videos and files are kept"),
        null=True,
        blank=True,
        help_text=_(
            "What is older goes into the trash, after a warning of a week. Empty: it stays."
        ),
    )
    ages_next_at = models.DateTimeField(
        null=True, editable=False, help_text=_("when it is next announced what gets too old")
    )

    class Meta:
        abstract = True
