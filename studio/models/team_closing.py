"""When a team was closed, and how far its end is."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TeamClosing(models.Model):
    """A team that an owner deleted is closed at once, may be reopened until `erase_at`, and is
    emptied then. Its row stays, since ledger and trail name it; `closed_at` stays with it."""

    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    erase_at = models.DateTimeField(_("is erased from"), null=True, editable=False)
    erasing = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("it is being erased, so it cannot be reopened, and needs no owner"),
    )
    emptied_at = models.DateTimeField(_("erased"), null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None
