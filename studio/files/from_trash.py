"""Content that lies in the trash and comes again: the row comes back, as what is kept now.

The same content is kept once per team, so a file that is uploaded or made again while it lies in
the trash is taken out of it: in the name of who brings it now, without the consent that was given
before, and alone. What went into the trash with it stays there. A video of a job stays there too:
each has a row of its own.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q

from studio.common.translatable import phrase
from studio.files.names import clean_name
from studio.media import MediaError
from studio.models import Asset, Consent, Deletion, Team, User, usage


def bring_back(
    team: Team,
    digest: str,
    owner: User | None,
    name: str,
    *,
    origin: str,
    parent: Asset | None,
    recipe: dict[str, object],
) -> Asset | None:
    """The team's file of this content out of the trash, as `owner`'s under `name`; None when none
    is there."""
    with transaction.atomic():
        # The team first, as everything does that fills, empties or searches the trash.
        Team.objects.select_for_update(no_key=True).get(pk=team.id)
        found = (
            Asset.everything.filter(Q(source_sha256=digest) | Q(sha256=digest), team=team)
            .exclude(deletion=None)
            .exclude(origin=Asset.Origin.RESULT)
            .select_related("owner", "deletion")
            .first()
        )
        if found is None or found.deletion is None:
            return None
        was = found.owner
        Deletion.objects.filter(pk=found.deletion.pk).update(
            files=F("files") - 1, size=F("size") - found.size
        )
        Consent.objects.filter(asset=found).delete()
        columns = {
            "deletion": None,
            "owner": owner,
            "name": clean_name(name, found.extension),
            "origin": origin,
            "parent": parent,
            "recipe": recipe,
        }
        Asset.everything.filter(pk=found.pk).update(**columns)
        if was != owner:
            usage.move(was, owner, found.size, 1)
    found.refresh_from_db()
    return found


def require_parent(parent: Asset | None) -> None:
    """In the transaction that keeps what was made of `parent`: MediaError when that was deleted
    meanwhile, so that nothing of it appears after its deletion."""
    if parent is None:
        return
    # Shared with who deletes it by the foreign key of the new row; asked before, so it is locked.
    here = Asset.objects.select_for_update(no_key=True, of=("self",)).filter(pk=parent.pk).exists()
    if not here:
        raise MediaError(
            "broken",
            phrase(
                "“%(name)s” was deleted meanwhile, so nothing was made of it. It can be restored "
                "from the trash.",
                name=parent.name,
            ),
        )
