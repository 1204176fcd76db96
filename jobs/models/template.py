"""AnimateAnyone action templates, made from videos."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.account import Account
from studio.models.asset import Asset
from studio.models.people import Team, public_id
from studio.models.trash import Deletion


class UsableManager(models.Manager["Template"]):
    """Without those that were deleted, as `team.templates` and `asset.templates` too."""

    def get_queryset(self) -> models.QuerySet[Template]:
        return super().get_queryset().filter(deleted=False)


class Template(models.Model):
    """An AnimateAnyone action template: made once from a video on one account, reused by the
    team."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="templates")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="templates")
    model = models.CharField(max_length=60)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, null=True, related_name="templates")
    template_id = models.CharField(max_length=256)
    name = models.CharField(max_length=200)
    milliseconds = models.BigIntegerField()
    forgotten = models.BooleanField(default=False, help_text=_("the service no longer knows it"))
    # Deleted with its video: `deletion` while that lies in the trash, then a shell that jobs name.
    deleted = models.BooleanField(default=False)
    deletion = models.ForeignKey(
        Deletion,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="templates",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UsableManager()
    everything: models.Manager[Template] = models.Manager()

    class Meta:
        verbose_name, verbose_name_plural = _("dance template"), _("dance templates")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("account", "template_id"), name="one_template_per_account_and_id"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def video(self) -> Asset | None:
        """What it was made from, while that is here and not in the trash."""
        return self.asset if self.asset is not None and not self.asset.deletion_id else None

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000
