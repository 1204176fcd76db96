"""Files that people put together under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.models.asset import Asset
from studio.models.people import Team, public_id


class Collection(models.Model):
    """Files of a team under a name: for who made it alone, or for everybody in the team. The files
    are the library's and stay when it goes."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="collections", db_index=False
    )
    # None: whose it was is gone, and it is the team's
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    name = models.CharField(_("name"), max_length=60)
    whole_team = models.BooleanField(_("for everybody in the team"), default=False)
    assets = models.ManyToManyField(Asset, related_name="collections", verbose_name=_("files"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("collection"), _("collections")
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "owner", "name"), name="one_collection_per_name_and_person"
            ),
        )

    def __str__(self) -> str:
        return self.name
