"""The engine as staff see it: every submit, and how right the forecasts were."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.catalogue import entries
from jobs.common.states import Outcome
from jobs.engine import forecast_score
from jobs.models import Attempt
from jobs.pages.board.attempts import WORDS
from studio.admin.base import NOTHING, ReadOnlyAdmin, link, state_tag

TARGET = 80  # percent of forecasts that should be within 20 % of the truth
DAYS = 30
_TONES = {
    Outcome.DONE: "succeeded",
    Outcome.BROKEN: "failed",
    Outcome.UNFETCHED: "failed",
    Outcome.ENDED: "failed",
    Outcome.REFUSED: "held",
    Outcome.UNCERTAIN: "uncertain",
}


def outcome_tag(attempt: Attempt) -> SafeString:
    return state_tag(
        _TONES.get(Outcome(attempt.outcome), "running"), WORDS.get(attempt.outcome, attempt.outcome)
    )


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "job_shown",
        "number",
        "outcome_shown",
        "task_id",
        "request_id",
        "began_at",
        "ended_at",
    )
    list_filter = ("outcome",)
    list_select_related = ("job",)
    search_fields = ("task_id", "request_id", "job__public_id", "job__title")
    search_help_text = _("Task id, request id, or the job’s id or name")
    date_hierarchy = "began_at"
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        return [
            path("forecasts/", self.admin_site.admin_view(self.forecasts), name="jobs_forecasts"),
            *super().get_urls(),
        ]

    def forecasts(self, request: HttpRequest) -> HttpResponse:
        """Of the videos of the last DAYS days: how many were ready within 20 % of the waiting time
        that was told."""
        if not request.user.has_perm("jobs.view_worktime"):
            raise PermissionDenied
        rows = [_score_row(score) for score in forecast_score.score(DAYS)]
        page = {
            **self.admin_site.each_context(request),
            "title": _("Forecasts"),
            "rows": rows,
            "days": DAYS,
            "target": TARGET,
        }
        return TemplateResponse(request, "admin/jobs/forecasts.html", page)

    @admin.display(description=_("job"))
    def job_shown(self, attempt: Attempt) -> SafeString | str:
        return link(attempt.job, attempt.job.title)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_shown(self, attempt: Attempt) -> SafeString:
        return outcome_tag(attempt)


def _score_row(score: forecast_score.Score) -> dict[str, Any]:
    spec = entries.MODELS.get(score.model)
    return {
        "model": f"{spec.label} ({score.model})" if spec else score.model,
        "variant": score.variant or NOTHING,
        "jobs": score.jobs,
        "click": _share(score.click_within),
        "sent": _share(score.sent_within),
    }


def _share(share: float | None) -> SafeString | str:
    """“84 %” in the colour of whether the target is met; a dash when nothing was told."""
    if share is None:
        return NOTHING
    percent = 100 * share
    return state_tag("succeeded" if percent >= TARGET else "failed", f"{percent:.0f} %")
