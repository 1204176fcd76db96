"""Words that people give files to find them by."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.models.asset import Asset
from studio.models.people import Team, public_id


class FileTag(models.Model):
    """A word of a team, and the files that have it. It goes with the last of them."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="file_tags", db_index=False
    )
    name = models.CharField(_("name"), max_length=40)
    key = models.CharField(max_length=80, help_text=_("the name, however large its letters are"))
    assets = models.ManyToManyField(Asset, related_name="tags", verbose_name=_("files"))

    class Meta:
        verbose_name, verbose_name_plural = _("tag"), _("tags")
        ordering = ("key",)
        constraints = (
            models.UniqueConstraint(fields=("team", "key"), name="one_tag_per_word_and_team"),
        )

    def __str__(self) -> str:
        return self.name
