"""A file that a team owns: image, audio or video; uploaded or made; known by the sha256 of its
content."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from studio.media import Facts
from studio.models.people import Team, public_id
from studio.models.retention import Retention
from studio.models.trash import Deletion


class OutsideTrash(models.Manager["Asset"]):
    """Without what lies in the trash: what pages, pickers, searches and links start from, also as
    `team.assets` and `asset.children`."""

    def get_queryset(self) -> models.QuerySet[Asset]:
        return super().get_queryset().filter(deletion=None)


class Asset(Retention):
    class Kind(models.TextChoices):
        IMAGE = "image", _("picture")
        AUDIO = "audio", _("sound")
        VIDEO = "video", _("video")

    class Origin(models.TextChoices):
        UPLOAD = "upload", _("uploaded")
        RESULT = "result", _("made by a job")
        EDIT = "edit", _("made from another file")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="assets", db_index=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.UPLOAD)
    parent = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="children",
        help_text=_("what it was made from"),
    )
    recipe = models.JSONField(default=dict, blank=True, help_text=_("what was done to the parent"))
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)

    # names are ours: <team>/<sha256>.<ext>, of a result <team>/<sha256>-<job>.<ext>
    file = models.FileField(max_length=200, upload_to="unused")
    thumb = models.FileField(max_length=200, upload_to="unused", blank=True)
    sha256 = models.CharField(max_length=64, help_text=_("of the stored file"))
    # A picture is stored without its metadata, so the bytes that came in hash differently.
    source_sha256 = models.CharField(
        max_length=64, blank=True, help_text=_("of the bytes as uploaded")
    )

    format = models.CharField(max_length=8)
    mime = models.CharField(max_length=40)
    size = models.BigIntegerField()
    width = models.IntegerField(default=0)
    height = models.IntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)
    fps = models.FloatField(default=0)
    codec = models.CharField(max_length=20, blank=True)
    audio_codec = models.CharField(max_length=20, blank=True)
    has_audio = models.BooleanField(default=False)
    sound_milliseconds = models.BigIntegerField(
        default=0,
        help_text=_("of a video: when its sound ends; 0 when there is none or nobody has looked"),
    )
    peaks = models.JSONField(default=list, blank=True)
    sound = models.JSONField(
        default=dict,
        blank=True,
        help_text=_(
            "of a sound: lead, tail, pauses, all in seconds, loudness_db, clipped; empty when not "
            "listened to"
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    deletion = models.ForeignKey(
        Deletion,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="assets",
        db_index=False,
        editable=False,
        help_text=_("it lies in the trash with this"),
    )

    objects = OutsideTrash()
    everything: models.Manager[Asset] = models.Manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            # Two videos of two jobs may be the same to the byte; each keeps its row and its name.
            models.UniqueConstraint(
                fields=("team", "sha256"),
                condition=~models.Q(origin="result"),
                name="one_original_per_content_and_team",
            ),
        )
        indexes = (
            models.Index(fields=("team", "sha256"), name="asset_team_content"),
            models.Index(fields=("team", "source_sha256"), name="asset_team_source"),
            # Whether any row names a stored file, before it is removed.
            models.Index(fields=("file",), name="asset_file"),
            models.Index(fields=("thumb",), name="asset_thumb"),
            # The library, beside however much lies in the trash.
            models.Index(
                fields=("team", "-id"), condition=models.Q(deletion=None), name="asset_kept"
            ),
            models.Index(
                fields=("team", "kind", "-id"),
                condition=models.Q(deletion=None),
                name="asset_kept_kind",
            ),
            # What came in, beside however much was made here; and what was made, beside the rest.
            models.Index(
                fields=("team", "kind", "-id"),
                condition=models.Q(deletion=None) & ~models.Q(origin="result"),
                name="asset_kept_not_made",
            ),
            models.Index(
                fields=("team", "-id"),
                condition=models.Q(deletion=None, origin="result"),
                name="asset_kept_made",
            ),
            models.Index(
                fields=("deletion",),
                condition=models.Q(deletion__isnull=False),
                name="asset_deletion",
            ),
            # What gets old where the team keeps things for so long, and what was announced.
            models.Index(
                fields=("team", "created_at"),
                condition=models.Q(deletion=None, pinned=False, goes_at=None),
                name="asset_ageing",
            ),
            models.Index(
                fields=("goes_at",),
                condition=models.Q(goes_at__isnull=False),
                name="asset_going",
            ),
            models.Index(
                fields=("team", "goes_at"),
                condition=models.Q(goes_at__isnull=False),
                name="asset_going_of_team",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("asset", args=[self.team.slug, self.public_id])

    @property
    def origin_file(self) -> Asset | None:
        """What it was made from, while that is not in the trash."""
        return self.parent if self.parent is not None and not self.parent.deletion_id else None

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    @property
    def extension(self) -> str:
        return str(self.file.name).rsplit(".", 1)[-1]

    @property
    def facts(self) -> Facts:
        """What the bytes said, in the shape that limits are tested against."""
        return Facts(
            kind=self.kind,
            format=self.format,
            mime=self.mime,
            extension=self.extension,
            size=self.size,
            width=self.width,
            height=self.height,
            seconds=self.seconds,
            fps=self.fps,
            codec=self.codec,
            audio_codec=self.audio_codec,
            has_audio=self.has_audio,
            sound_seconds=self.sound_milliseconds / 1000,
        )
