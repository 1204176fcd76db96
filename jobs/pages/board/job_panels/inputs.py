"""What a job was made from: its files with what the check found in them, its choices, and the ids
that the service knows it by."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.engine import eta
from jobs.models import Job
from jobs.pages import labels
from jobs.pages.create.file_slots import facts_line, file_url, wave
from studio.common import formats
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.asset import Asset
from studio.models.people import Team

Corners = list[int]  # [x1, y1, x2, y2] in the picture's own pixels


@dataclass(frozen=True, slots=True)
class InputFile:
    """`name` is the parameter of the call that the file was sent as. `face` and `frame` are the
    boxes that the check found (`face_bbox` and `ext_bbox`), of pictures only; `peaks` is
    the waveform of a sound."""

    name: str
    label: str
    asset: Asset
    url: str
    page_url: str
    facts: str
    peaks: list[float]
    face: Corners | None
    frame: Corners | None
    poster_url: str


@dataclass(frozen=True, slots=True)
class InputsPanel:
    """`facts` and `ids` are pairs of a label and a value; `provider` is the service's own last word
    and when it was heard."""

    files: list[InputFile]
    facts: list[tuple[str, str]]
    ids: list[tuple[str, str]]
    provider: str

    @classmethod
    def of(cls, job: Job, team: Team) -> InputsPanel:
        return cls(files_of(job, team), _facts(job), _ids(job), _provider(job))


def files_of(job: Job, team: Team) -> list[InputFile]:
    """The files that were sent with `job`, in the order in which they were given."""
    boxes = job.check_used.facts if job.check_used is not None else {}
    found = []
    for given in job.inputs.select_related("asset"):
        asset = given.asset
        picture = asset.kind == "image"
        label = next((i.label for i in job.spec.inputs if i.name == given.name), given.name)
        found.append(
            InputFile(
                given.name,
                translated(label),
                asset,
                file_url(team, asset),
                reverse("asset", args=[team.slug, asset.public_id]),
                facts_line(asset),
                wave(asset),
                boxes.get("face_bbox") if picture else None,
                boxes.get("ext_bbox") if picture else None,
                file_url(team, asset, "thumb") if asset.thumb else "",
            )
        )
    return found


def _facts(job: Job) -> list[tuple[str, str]]:
    facts = [
        (_("Model"), f"{translated(job.spec.label)} ({job.model})"),
        *labels.chosen_words(job),
    ]
    if job.milliseconds:
        facts.append((_("Length"), length(job.seconds)))
    facts += [
        (_("Connection"), job.account.label),
        (_("Imported by") if job.adopted else _("Created by"), job.owner.short_name),
    ]
    if job.forecast_ready_at is not None:
        promised = eta.Place(
            1, 0, job.forecast_ready_at, job.forecast_ready_at, job.forecast_late_at
        )
        facts.append((_("Estimate when ordered"), labels.ready_words(promised)))
    return facts


def _ids(job: Job) -> list[tuple[str, str]]:
    ids = ((_("Task"), job.task_id), (_("Request"), job.request_id), (_("Job"), job.public_id))
    return [(name, value) for name, value in ids if value]


def _provider(job: Job) -> str:
    if not job.provider_status:
        return ""
    heard = (
        _("heard at %(time)s") % {"time": formats.written(job.looked_at, "second")}
        if job.looked_at
        else ""
    )
    return " · ".join(part for part in (job.provider_status, heard) if part)
