"""What a team shows to people without an account: links to videos."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.models.job import Job
from studio.models.people import Team, public_id


class ShareLink(models.Model):
    """An address under which anybody who has it watches some videos, until it ends.

    The secret of the address is the signature of `public_id` (jobs/sharing/links.py), so who reads
    the table cannot make it, and the team can copy it again.
    """

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="share_links", db_index=False
    )
    # None: whoever made it is not on this site any more
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    title = models.CharField(_("title"), max_length=200)
    password = models.CharField(
        max_length=128, blank=True, editable=False, help_text=_("its hash; empty: none is asked")
    )
    download_allowed = models.BooleanField(_("download allowed"), default=False)
    expires_at = models.DateTimeField(_("ends"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    views = models.PositiveIntegerField(_("views"), default=0)
    viewed_at = models.DateTimeField(_("last viewed"), null=True, blank=True)
    click = models.CharField(max_length=40, blank=True, editable=False)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    jobs: models.ManyToManyField[Job, SharedVideo] = models.ManyToManyField(
        Job, through="SharedVideo", related_name="share_links"
    )

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "click"),
                condition=~models.Q(click=""),
                name="one_share_link_per_click",
            ),
        )
        indexes = (models.Index(fields=("team", "-id"), name="share_link_team"),)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("jobs:share", args=[self.team.slug, self.public_id])


class SharedVideo(models.Model):
    """A video of a link, as it was chosen when the link was made: what a set gets later is not
    shown to strangers by itself."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="videos")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="shared_as")
    place = models.PositiveIntegerField(help_text=_("from 1; it stands in the address of its file"))

    class Meta:
        ordering = ("place",)
        constraints = (
            models.UniqueConstraint(fields=("link", "place"), name="one_video_per_place"),
            models.UniqueConstraint(fields=("link", "job"), name="one_place_per_video"),
        )

    def __str__(self) -> str:
        return f"video {self.place} of {self.link_id}"
