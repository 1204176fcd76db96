"""What was deleted and may still come back, and stored files that no row names any more."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.models.people import Team, public_id


class Deletion(models.Model):
    """One thing in the trash, with all that went with it: the files, jobs and templates whose
    `deletion` it is. It comes back whole, or is erased after `remove_at`; then the row goes too.
    """

    class Kind(models.TextChoices):
        FILE = "file", _("file")
        VIDEO = "video", _("video")
        JOB = "job", _("job without a video")
        LIKENESS = "likeness", _("file with everything made of it")
        TEAM = "team", _("all of a team")

    class Reason(models.TextChoices):
        PERSON = "person", _("somebody deleted it")
        AGE = "age", _("the team keeps videos for so long")
        LEAVING = "leaving", _("whose it was has left the team")
        ERASURE = "erasure", _("whose it was is erased")
        TEAM = "team", _("the team was deleted")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="deletions", db_index=False
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reason = models.CharField(max_length=8, choices=Reason.choices, default=Reason.PERSON)
    name = models.CharField(_("name"), max_length=200)
    face = models.ForeignKey(
        "studio.Asset",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("the file whose small picture stands for it"),
    )
    files = models.PositiveIntegerField(default=0)
    videos = models.PositiveIntegerField(default=0, help_text=_("of jobs, among the files"))
    size = models.BigIntegerField(default=0, help_text=_("of its files, in bytes"))
    created_at = models.DateTimeField(auto_now_add=True)
    remove_at = models.DateTimeField(help_text=_("from then on it is erased"))
    erasing = models.BooleanField(
        default=False, help_text=_("it is being erased, so it cannot come back")
    )

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("team", "-id"), name="deletion_team"),
            models.Index(fields=("remove_at",), name="deletion_due"),
        )

    def __str__(self) -> str:
        return self.name


class FileRemoval(models.Model):
    """A stored file whose row is gone: written in the transaction that takes the row away, and
    deleted after the file. Whoever stores the same content again takes it back
    (studio/files/removals.py)."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(
        null=True, help_text=_("since when somebody removes the file; after a minute another may")
    )

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name
