"""The video of a job together with the sound of its dance video, made when it is asked for and kept
nowhere."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs.common.states import Group
from jobs.pages.board.player import sound_of
from jobs.pages.video_names import file_name
from studio.common.translatable import translated
from studio.files.file_store import local_copy, person_key
from studio.media import MediaError
from studio.media.decoders import with_sound
from studio.models import Asset
from studio.teams.access import TeamRequest, team_page

log = logging.getLogger("footlight.player_views")
FORMAT, MIME = "mp4", "video/mp4"  # what with_sound writes


@team_page()
@require_safe
def sound(request: TeamRequest, job: str) -> HttpResponseBase:
    """200 with the file to save; 404 without a video or without sound to add; a sentence on the
    job's page when it cannot be made."""
    found = (
        request.team.jobs.select_related("team", "result", "template__asset")
        .filter(public_id=job)
        .exclude(group=Group.DELETED)
        .first()
    )
    added = sound_of(found) if found is not None else None
    if found is None or found.result is None or added is None:
        raise Http404("There is no video here that lacks a sound.")
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=MIME)
    else:
        try:
            response = _made(found.result, added, person_key(request.user))
        except MediaError as error:
            messages.error(request, translated(error.sentence))
            return redirect(found)
        except FileNotFoundError:
            raise Http404("The stored video or its dance video is missing.") from None
        except OSError:  # a full disk, mostly
            log.exception("the video of job %s with its sound", found.public_id)
            messages.error(
                request, _("The video with its sound could not be written here. Try again later.")
            )
            return redirect(found)
    response["Content-Disposition"] = (
        content_disposition_header(True, file_name(found, FORMAT, _("with sound"))) or "attachment"
    )
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _made(video: Asset, added: Asset, person: str) -> FileResponse:
    """The video with the sound of `added`, to be sent. Raises MediaError, and FileNotFoundError
    when a stored file is missing."""
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="sound-") as folder:
        target = Path(folder, f"video.{FORMAT}")
        with local_copy(video) as picture, local_copy(added) as music:
            with_sound(picture, music, target, person=person)
        # Open files outlive their names: nothing is left behind, even when the reader goes away or
        # the process dies.
        return FileResponse(target.open("rb"), content_type=MIME)
