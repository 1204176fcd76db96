"""What a job's page needs to play its video and to hand it out. A silent video is played with the
sound of its dance video."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.models import Job
from jobs.pages.create.file_slots import facts_line, file_url
from jobs.pages.video_names import file_name
from studio.common.formats import filesize_mb
from studio.common.translatable import translated
from studio.models.asset import Asset
from studio.models.people import Team

NOT_PLAYED = ("avi", "mkv")  # formats that browsers do not play


def sound_of(job: Job) -> Asset | None:
    """The dance video whose sound belongs to the silent video of `job`; None when there is no
    video, or no sound to add to it.

    A dance that waited for its template was given it before it was sent, so a finished one always
    names it; an adopted task names none.
    """
    if job.result is None or job.result.has_audio or job.spec.output.sound or job.template is None:
        return None
    video = job.template.video
    return video if video is not None and video.has_audio else None


@dataclass
class Player:
    """The video of a job as its page plays it. `video` is the job's result."""

    job: Job
    team: Team
    video: Asset

    @property
    def url(self) -> str:
        return file_url(self.team, self.video)

    @property
    def poster_url(self) -> str:
        return file_url(self.team, self.video, "thumb") if self.video.thumb else ""

    @property
    def facts(self) -> str:
        return facts_line(self.video)

    @property
    def note(self) -> str:
        """What the model says of its videos, such as “The video has no sound.”; "" for nothing."""
        return translated(self.job.spec.output.note) if self.job.spec.output.note else ""

    @property
    def silent(self) -> bool:
        return not (self.video.has_audio or self.job.spec.output.sound)

    @property
    def fps(self) -> float:
        """Frames per second, for stepping: of the file, else what the model promises; 0 when
        neither is known."""
        return self.video.fps or self.job.spec.output.fps

    @property
    def name(self) -> str:
        return file_name(self.job, self.video.extension)

    @property
    def size(self) -> str:
        return filesize_mb(self.video.size)

    # ── the sound of the dance video ──

    @cached_property
    def sound(self) -> Asset | None:
        return sound_of(self.job)

    @property
    def sound_url(self) -> str:
        """What is played in step with the video; "" when there is nothing to play or no browser
        plays it."""
        return (
            file_url(self.team, self.sound)
            if self.sound is not None and self.sound.format not in NOT_PLAYED
            else ""
        )

    @property
    def sound_note(self) -> str:
        """Where the sound that one hears comes from."""
        return (
            _("Here it plays with the sound of its dance video, “%(name)s”.")
            % {"name": self.sound.name}
            if self.sound is not None
            else ""
        )

    @property
    def sound_lost(self) -> str:
        """What stands there instead when the browser cannot play that sound."""
        return _(
            "This browser cannot play the sound of the dance video; download the video with it to "
            "hear it."
        )

    @property
    def with_sound_url(self) -> str:
        """The video and that sound in one file; "" when there is no sound to add."""
        return (
            reverse("jobs:job_sound", args=[self.team.slug, self.job.public_id])
            if self.sound is not None
            else ""
        )


def player_of(job: Job, team: Team) -> Player | None:
    """None as long as there is no video."""
    return Player(job, team, job.result) if job.result is not None else None
