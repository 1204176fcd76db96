"""Filters of the board that people keep under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.models.people import Team, public_id


class SavedView(models.Model):
    """What the board's address asks for, under a name: for its owner alone, or for everybody in the
    team."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="views", db_index=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(
        max_length=1000, help_text=_("as the address of the board has it, without its page")
    )
    whole_team = models.BooleanField(_("for everybody in the team"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("saved view"), _("saved views")
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "owner", "name"), name="one_view_per_name_and_person"
            ),
        )

    def __str__(self) -> str:
        return self.name
