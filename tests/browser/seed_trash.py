"""What lies in the trash of the studio that `seed` fills."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any


def old(team: Any) -> None:
    """The team keeps things for so long, and some get older."""
    from datetime import timedelta

    from jobs.models import Job
    from studio.common import clock
    from studio.models import Asset

    team.keep_days = 90
    team.ages_next_at = clock.now() + timedelta(days=1)
    team.save(update_fields=["keep_days", "ages_next_at"])
    soon = clock.now() + timedelta(days=5)
    for rows in (Job.objects.exclude(result=None), Asset.objects.filter(origin="upload")):
        some = rows.filter(team=team, deletion=None).order_by("pk").values("pk")[:2]
        rows.model.objects.filter(pk__in=[row["pk"] for row in some]).update(goes_at=soon)


def deleted(team: Any, users: dict[str, Any]) -> list[list[str]]:
    """Things in the trash, and the page of a job of which a shell is left."""
    from django.urls import reverse

    from jobs.common.states import State
    from jobs.models import Job
    from jobs.orders import trash
    from studio.files import file_store
    from tests import files

    chidi = users["chidi"]
    with tempfile.TemporaryDirectory() as folder:
        picture = files.write(Path(folder), "An old portrait of the desk.png", files.png(640, 800))
        name = picture.name
        asset, _new = file_store.keep(picture, team=team, owner=chidi, name=name)
    trash.delete_files(team, [asset], chidi, others=True)
    last = Job.objects.filter(team=team, state=State.CANCELED).latest("pk")
    gone = Job.objects.get(pk=last.pk)
    gone.pk, gone.public_id, gone.title = None, "deletedtitle", "Never sent"
    gone.idempotency_key, gone.set, gone.task_id = "", None, ""
    gone.save(force_insert=True)
    trash.delete_jobs(team, [gone], chidi, others=True)
    old(team)
    address = reverse("jobs:job", args=[team.slug, gone.public_id])
    return [["job-deleted", address, "410"]]
