"""The note on a video that is not as long as the service billed it, and how the difference is
claimed."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.models import Job


@dataclass(frozen=True, slots=True)
class LengthNote:
    """`title` says both lengths, `text` what follows."""

    title: str
    text: str

    @classmethod
    def of(cls, job: Job) -> LengthNote | None:
        """None when there is no video, or when it is as long as billed."""
        if job.result is None or not job.length_differs or job.billed_units is None:
            return None
        billed = float(job.billed_units)
        title = _("The video plays %(plays)s s, and the service billed %(billed)s s.") % {
            "plays": f"{job.result.seconds:.1f}",
            "billed": f"{billed:.1f}",
        }
        whole = _("It was played to its last frame, so this is all that came.")
        return cls(title, f"{whole} {_claim(job) if job.result.seconds < billed else _unbilled()}")


def _claim(job: Job) -> str:
    words = _(
        "To claim the difference, open a ticket for Model Studio in Alibaba Cloud’s console, with "
        "task %(task)s, request %(request)s, both lengths and the video. What is given back is "
        "entered as an adjustment by whoever runs this site."
    )
    return words % {"task": job.task_id, "request": job.request_id or _("(unknown)")}


def _unbilled() -> str:
    return _("Nothing is claimed from you for the rest; the bill of Model Studio is what counts.")
