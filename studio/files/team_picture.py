"""The picture of a team: made small in a decoder, stored beside the team's files and shown to its
members only."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponseBase
from django.views.decorators.http import require_safe

from studio.common.translatable import phrase
from studio.files import file_store
from studio.files.serving import serve
from studio.media import MediaError, decoders
from studio.models import Team, User
from studio.teams import quotas
from studio.teams.access import TeamRequest, team_page

MIME = "image/webp"
YEAR = 365 * 24 * 3600


def keep(sent: file_store.Source, *, team: Team, by: User) -> str:
    """Store the small picture made of `sent`; returns its name in the storage, which is that of its
    content. Counted as an upload of `by`. MediaError with a sentence when it is no picture; then
    nothing is stored."""
    quotas.count_upload(by)
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="team-") as folder:
        path, digest = file_store.received(sent, Path(folder))
        ready = decoders.prepare(
            path, digest, Path(folder), clean=True, person=file_store.person_key(by)
        )
        if ready.facts.kind != "image" or ready.thumb is None:
            raise MediaError(
                "not-supported",
                phrase("This is no picture. Choose a file such as a photo or a logo (PNG, JPEG)."),
            )
        return file_store.put(ready.thumb, f"{team.pk}/picture-{ready.sha256[:32]}.webp", MIME)


def drop(name: str) -> None:
    """Delete the stored picture `name`, unless a team shows it."""
    if name and not Team.objects.filter(picture=name).exists():
        default_storage.delete(name)


@team_page()
@require_safe
def picture(request: TeamRequest) -> HttpResponseBase:
    """The team's picture. The page's address of it changes with its content."""
    name = str(request.team.picture.name or "")
    if not name:
        raise Http404("The team has no picture.")
    try:
        size = default_storage.size(name)
    except FileNotFoundError:
        raise Http404("The stored file is missing.") from None
    return serve(
        request,
        name,
        size=size,
        mime=MIME,
        etag=Path(name).stem,
        caching=f"private, max-age={YEAR}, immutable",
    )
