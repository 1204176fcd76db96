"""What can be done with a job: cancel, run again, change, make the whole length, ask now, move to
the front. An empty address is a button that is not there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.billing import confirmed_price, prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.engine import ask_now
from jobs.models import Job
from jobs.orders import create, plan, test_clips
from jobs.orders.order_request import OrderRequest
from jobs.pages import asking
from jobs.pages.board.job_panels.inputs import InputFile
from jobs.pages.create.draft_fields import SOURCE, form_value
from studio.common import formats
from studio.models.people import Team


@dataclass(frozen=True, slots=True)
class ActionsPanel:
    """`key` makes a click that comes twice count once. `confirmed` carries the prices of the
    buttons in their forms; a price is "" where it is not known, or something does not fit any
    more; `asks` has the buttons that ask for approval. `whole` makes the video that this one is the
    test clip of."""

    key: str
    confirmed: str
    asks: str
    again_url: str
    again_price: str
    whole_url: str
    whole_price: str
    change_url: str
    template_url: str
    ask_url: str
    ask_label: str
    front_url: str
    delete_url: str
    cancel_url: str
    cancel_label: str
    cancel_note: str

    @classmethod
    def of(
        cls,
        job: Job,
        team: Team,
        files: Iterable[InputFile],
        *,
        writes: bool,
        manages: bool,
        approves: bool,
    ) -> ActionsPanel:
        """`writes`: the reader may cancel and run again; `manages`: move it to the front;
        `approves`: order without asking."""
        # An adopted task has no files here to make it from again.
        again = create.request_of(job, job.owner) if _can_run_again(job, writes) else None
        whole = test_clips.whole(job, job.owner) if writes and job.full else None
        micros = _prices(again, whole)
        cancel, ask = _cancel_label(job), _ask_label(job)

        def url(name: str, offered: object) -> str:
            return reverse(f"jobs:{name}", args=[team.slug, job.public_id]) if offered else ""

        def price(name: str) -> str:
            return formats.money_of(micros[name], team.currency) if name in micros else ""

        return cls(
            key=uuid.uuid4().hex,
            confirmed=confirmed_price.form_value(micros),
            asks="" if approves else asking.above(team, micros),
            again_url=url("again", again),
            again_price=price("again"),
            whole_url=url("whole", whole),
            whole_price=price("whole"),
            change_url=_change_url(job, team, files) if writes else "",
            template_url=_template_url(job, team),
            ask_url=url("ask_now", writes and ask),
            ask_label=ask,
            front_url=url("front", manages and job.state == State.QUEUED),
            delete_url=url("job_delete", writes and job.terminal),
            cancel_url=url("cancel", writes and cancel),
            cancel_label=cancel,
            cancel_note=_cancel_note(job, cancel),
        )


def _can_run_again(job: Job, writes: bool) -> bool:
    return writes and job.terminal and not job.adopted


def _prices(again: OrderRequest | None, whole: OrderRequest | None) -> dict[str, int]:
    """What the buttons cost now in micros, a template made anew included."""
    found = {}
    for name, wish in (("again", again), ("whole", whole)):
        try:
            if wish is not None:
                found[name] = plan.estimate(wish).micros
        except (Refused, prices.NoPrice):
            continue
    return found


def _change_url(job: Job, team: Team, files: Iterable[InputFile]) -> str:
    """The create page with the job's files and choices in it."""
    if job.adopted:
        return ""
    pages = ("portrait", "dance", "template")
    page = next((page for page in pages if job.spec in models_of(page)), "")
    if not page:
        return ""
    fields = {
        "model": job.model,
        SOURCE: job.public_id,
        **{given.name: given.asset.public_id for given in files},
    }
    fields |= {name: form_value(value) for name, value in job.parameters.items()}
    if job.template is not None and not job.template.deleted and job.spec.makes:
        fields["template"] = job.template.public_id
    return f"{reverse(f'jobs:{page}', args=[team.slug])}?{urlencode(fields)}"


def _template_url(job: Job, team: Team) -> str:
    """Where the template that the job made is danced."""
    made = job.spec.kind is entries.Kind.TEMPLATE and job.state == State.SUCCEEDED
    if not made or job.template is None or job.template.deleted:
        return ""
    return f"{reverse('jobs:dance', args=[team.slug])}?template={job.template.public_id}"


def _ask_label(job: Job) -> str:
    """The button that has happen now what would happen by itself; "" when nothing would."""
    if ask_now.downloads(job):
        return _("Download again — free")
    return _("Look again — free") if ask_now.looks(job) else ""


def _cancel_label(job: Job) -> str:
    """The button that cancels; "" when nothing can be canceled."""
    if job.state == State.QUEUED:
        return _("Cancel, free")
    pending = job.provider_started_at is None and job.provider_status in ("PENDING", "")
    return _("Ask the service to cancel") if job.state == State.RUNNING and pending else ""


def _cancel_note(job: Job, cancel: str) -> str:
    """Exactly what the button `cancel` does now, or why there is none."""
    if job.state == State.QUEUED:
        return _("It was not sent, so canceling costs nothing.")
    if cancel:
        return _(
            "Free as long as the service has not begun. If it has, the video is made, saved "
            "and paid."
        )
    if job.state == State.RUNNING:
        return _(
            "The service renders it; from here on it cannot be stopped, and the video is paid."
        )
    if job.state == State.SUBMITTING:
        return _("It is being sent right now. In a moment it can be canceled at the service.")
    return ""
