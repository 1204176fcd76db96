"""The page on which staff end a job whose task does not end."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.billing import prices
from jobs.common.errors import Moved
from jobs.engine import manual_end
from jobs.models import Job
from studio.admin.base import NOTHING, NoDeleteAdmin
from studio.common.translatable import translated
from studio.models import User


class ManualEndAdmin(NoDeleteAdmin):
    """Adds the page, and the link to it from the job's own."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.end)
        return [path("<path:object_id>/end/", view, name="jobs_job_end"), *super().get_urls()]

    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET says what follows, POST does it."""
        job = self.get_object(request, object_id)
        if job is None:
            raise Http404("There is no such job.")
        if not isinstance(request.user, User) or not self.has_change_permission(request, job):
            raise PermissionDenied
        if manual_end.may_be_ended(job) and request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": _("End this job by hand?"),
                "job": job,
                "quote": prices.format_money(job.quote_micros, job.currency),
                "behind": job.lane.jobs.filter(state=job.state, id__gt=job.pk).count(),
                "opts": self.opts,
            }
            return TemplateResponse(request, "admin/jobs/job/end.html", context)
        try:
            if not manual_end.may_be_ended(job):
                raise Moved("there is no task that runs")
            said = manual_end.end_manually(job, request.user)
        except Moved:
            words = _("There is nothing to end here any more. Look at the job’s state.")
            self.message_user(request, words, messages.ERROR)
        else:
            self.log_change(request, job, "ended it by hand")
            self.message_user(request, translated(said), messages.SUCCESS)
        return redirect("admin:jobs_job_change", job.pk)

    @admin.display(description=_("end"))
    def end_shown(self, job: Job) -> SafeString | str:
        if not manual_end.may_be_ended(job):
            return NOTHING
        url = reverse("admin:jobs_job_end", args=[job.pk])
        return format_html(
            '<a href="{}">{}</a>', url, _("End it by hand, when its task never ends")
        )
