"""What a browser says of a video that is ready, to who looks elsewhere."""

from __future__ import annotations

from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs.common.states import State
from studio.teams.access import TeamRequest, team_page


@team_page()
@never_cache
@require_safe
def ready(request: TeamRequest, job: str) -> JsonResponse:
    """`{"mine", "title", "url", "words"}` of a job whose video is ready; 404 of any other."""
    found = request.team.jobs.filter(public_id=job.replace("\x00", "")).first()
    if found is None or found.state != State.SUCCEEDED:
        raise Http404("No video of this job is ready.")
    return JsonResponse(
        {
            "mine": found.owner_id == request.user.pk,
            "title": found.title,
            "url": f"{found.get_absolute_url()}#watch",
            "words": _("Your video is ready"),
        }
    )
