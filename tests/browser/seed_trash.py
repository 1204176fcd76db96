"""What lies in the trash of the studio that `seed` fills."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any


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
    address = reverse("jobs:job", args=[team.slug, gone.public_id])
    return [["job-deleted", address, "410"]]
