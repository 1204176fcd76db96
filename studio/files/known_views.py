"""What the page asks before it sends many files: which of them are here already, and how many more
this person may send in this hour."""

from __future__ import annotations

import re
from datetime import timedelta
from math import ceil

from django.db.models import Q
from django.http import HttpResponse, JsonResponse
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from studio.files.uploads import described
from studio.teams import quotas
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@team_page(read=Permission.MAKE)
@require_safe
def known(request: TeamRequest) -> HttpResponse:
    """{"asset": what an upload would answer or null, "left": number or null, "warning": sentence}.

    `sha256` of the address is the hash of a file as it would be sent; `asset` tells the team's file
    of that content. `left` are the uploads that the person still has in this hour, null without a
    limit; `warning` says so when `count` files are more, "" else. Asking counts as no upload.
    """
    digest = request.GET.get("sha256", "")
    found = None
    if SHA256.fullmatch(digest):
        found = request.team.assets.filter(Q(source_sha256=digest) | Q(sha256=digest)).first()
    left = quotas.uploads_left(request.user)
    count = request.GET.get("count", "")
    many = int(count) if re.fullmatch(r"[0-9]{1,6}", count, re.ASCII) else 0
    response = JsonResponse(
        {
            "asset": described(found, request.team, new=False) if found else None,
            "left": left,
            "warning": _warning(request, left) if left is not None and many > left else "",
        }
    )
    response["Cache-Control"] = "no-store"
    return response


def _warning(request: TeamRequest, left: int) -> str:
    wait = quotas.uploads_begin_anew(request.user)
    words = ngettext(
        "You may send %(n)s more file in this hour; what is here already does not count. The "
        "others wait, and can be sent in %(minutes)s min.",
        "You may send %(n)s more files in this hour; what is here already does not count. The "
        "others wait, and can be sent in %(minutes)s min.",
        left,
    )
    return words % {"n": left, "minutes": ceil(wait / timedelta(minutes=1))}
