"""Jobs and what happened to them. Only the runner moves a job, so here its name is all that can be
changed."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.admin.engine import outcome_tag
from jobs.admin.manual_end import ManualEndAdmin
from jobs.billing import prices
from jobs.common.errors import Moved
from jobs.common.states import LABELS, Code, State
from jobs.engine import listed_tasks, uncertain
from jobs.models import Attempt, Job, JobEvent, JobInput, LedgerEntry
from jobs.pages.board.job_panels.decision import choice
from studio.admin.base import (
    NOTHING,
    ReadOnlyAdmin,
    ReadOnlyInline,
    amount,
    link,
    state_tag,
)
from studio.models import User


def job_state_tag(state: str) -> SafeString | str:
    if not state:
        return NOTHING
    label, word = LABELS[State(state)]
    return state_tag(word, label)


def _undecided(job: Job) -> bool:
    return job.state == State.UNCERTAIN and job.code == Code.SEVERAL_TASKS


class InputsOfJob(ReadOnlyInline):
    model = JobInput
    fields = readonly_fields = ("name", "file")

    @admin.display(description=_("file"))
    def file(self, one: JobInput) -> SafeString | str:
        return link(one.asset)


class AttemptsOfJob(ReadOnlyInline):
    model = Attempt
    fields = readonly_fields = (
        "number",
        "outcome_shown",
        "task_id",
        "request_id",
        "began_at",
        "ended_at",
    )
    ordering = ("number",)

    @admin.display(description=_("outcome"))
    def outcome_shown(self, attempt: Attempt) -> SafeString:
        return outcome_tag(attempt)


class LedgerOfJob(ReadOnlyInline):
    model = LedgerEntry
    fk_name = "job"
    fields = readonly_fields = (
        "created_at",
        "kind",
        "attempt",
        "units",
        "held_shown",
        "settled_shown",
        "note",
    )
    ordering = ("id",)

    @admin.display(description=_("reserved"))
    def held_shown(self, entry: LedgerEntry) -> SafeString | str:
        return amount(entry.held, entry.currency, 6)

    @admin.display(description=_("charged"))
    def settled_shown(self, entry: LedgerEntry) -> SafeString | str:
        return amount(entry.settled, entry.currency, 6)


class EventsOfJob(ReadOnlyInline):
    model = JobEvent
    fields = readonly_fields = ("at", "old_shown", "new_shown", "code", "text", "data")

    @admin.display(description=_("from"))
    def old_shown(self, event: JobEvent) -> SafeString | str:
        return job_state_tag(event.old)

    @admin.display(description=_("to"))
    def new_shown(self, event: JobEvent) -> SafeString | str:
        return job_state_tag(event.new)


@admin.register(Job)
class JobAdmin(ManualEndAdmin):
    editable = ("title",)
    list_display = (
        "title",
        "state_shown",
        "code",
        "team",
        "owner",
        "model",
        "account",
        "quote_shown",
        "settled_shown",
        "task_id",
        "created_at",
    )
    list_filter = ("state", "group", "model", "fault", "code", "length_differs")
    list_select_related = ("team", "owner", "account")
    search_fields = (
        "title",
        "public_id",
        "task_id",
        "request_id",
        "owner__email",
        "team__name",
        "team__slug",
    )
    search_help_text = _("Name, id, task id, request id, e-mail address or team")
    date_hierarchy = "created_at"
    inlines = (InputsOfJob, AttemptsOfJob, LedgerOfJob, EventsOfJob)
    view_on_site = True
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "title",
                    "public_id",
                    "state_shown",
                    "decide_shown",
                    "end_shown",
                    "code",
                    "group",
                    "team",
                    "owner",
                    "created_at",
                    "finished_at",
                )
            },
        ),
        (
            _("Wish"),
            {
                "fields": (
                    "model",
                    "parameters",
                    "account",
                    "lane",
                    "check_used",
                    "template",
                    "needs",
                    "again_of",
                    "adopted",
                    "idempotency_key",
                )
            },
        ),
        (
            _("Money"),
            {
                "fields": (
                    "quote_shown",
                    "settled_shown",
                    "variant",
                    "seconds_shown",
                    "billed_units",
                    "price",
                )
            },
        ),
        (
            _("At the service"),
            {
                "fields": (
                    "task_id",
                    "request_id",
                    "provider_status",
                    "submitted_at",
                    "provider_started_at",
                    "provider_ended_at",
                    "looked_at",
                    "next_look_at",
                    "looks",
                    "result_expires_at",
                    "result",
                    "length_differs",
                )
            },
        ),
        (
            _("When it did not go well"),
            {"fields": ("fault", "provider_code", "provider_message", "sentence", "advice")},
        ),
        (
            _("What was told"),
            {
                "fields": (
                    "forecast_ready_at",
                    "forecast_late_at",
                    "forecast_at_submit",
                    "alarmed",
                ),
                "classes": ("collapse",),
            },
        ),
        (
            _("Machine"),
            {
                "fields": (
                    "rank",
                    "attempt",
                    "retries",
                    "tries",
                    "not_before",
                    "submitting_at",
                    "lease_until",
                    "cancel_asked_at",
                ),
                "classes": ("collapse",),
            },
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide)
        return [path("<path:object_id>/decide/", view, name="jobs_job_decide"), *super().get_urls()]

    def decide(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A person's word on a submit without an answer: which task it is, or that it is sent
        again; GET asks, POST does it."""
        job = self.get_object(request, object_id)
        if job is None:
            raise Http404("There is no such job.")
        if not self.has_change_permission(request, job):
            raise PermissionDenied
        page = redirect("admin:jobs_job_change", job.pk)
        chosen = request.POST.get("task", "")
        if not _undecided(job) or (chosen and chosen not in listed_tasks.candidates(job)):
            self.message_user(
                request,
                _("There is nothing to decide here any more. Look at the job’s state."),
                messages.ERROR,
            )
            return page
        if request.method != "POST" or "task" not in request.POST:
            about = prices.format_money(job.quote_micros, job.currency)
            context = {
                **self.admin_site.each_context(request),
                "title": _("Which task is it?"),
                "job": job,
                "choices": [choice(job, task) for task in listed_tasks.to_choose(job)],
                "about": about,
            }
            return TemplateResponse(
                request, "admin/jobs/job/decide.html", {**context, "opts": self.opts}
            )
        try:
            uncertain.decide_uncertain(job, chosen, cast(User, request.user))
        except (Moved, IntegrityError):
            self.message_user(
                request, _("This task belongs to another job by now. Choose again."), messages.ERROR
            )
        else:
            said = (
                _("The task is imported.")
                if chosen
                else _("The job is back in the queue and will be sent again.")
            )
            self.log_change(request, job, f"chose task {chosen}" if chosen else "sent it again")
            self.message_user(request, said, messages.SUCCESS)
        return page

    @admin.display(description=_("decision"))
    def decide_shown(self, job: Job) -> SafeString | str:
        if not _undecided(job):
            return NOTHING
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:jobs_job_decide", args=[job.pk]),
            _("Say which task it is, or send it again"),
        )

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, job: Job) -> SafeString | str:
        return job_state_tag(job.state)

    @admin.display(description=_("quoted"), ordering="quote_micros")
    def quote_shown(self, job: Job) -> SafeString | str:
        return amount(job.quote_micros, job.currency)

    @admin.display(description=_("charged"), ordering="settled_micros")
    def settled_shown(self, job: Job) -> SafeString | str:
        return amount(job.settled_micros, job.currency)

    @admin.display(description=_("length quoted"), ordering="milliseconds")
    def seconds_shown(self, job: Job) -> str:
        return f"{job.seconds:.3f} s"


@admin.register(JobInput)
class JobInputAdmin(ReadOnlyAdmin):
    list_display = ("job", "name", "asset")
    list_filter = ("name",)
    list_select_related = ("job", "asset")
    search_fields = ("job__title", "job__public_id", "asset__name", "asset__sha256")


@admin.register(JobEvent)
class JobEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "job_shown", "old_shown", "new_shown", "code", "text", "team")
    list_filter = ("new", "code")
    list_select_related = ("job", "team")
    search_fields = (
        "job__public_id",
        "job__title",
        "job__task_id",
        "code",
        "text",
        "team__name",
        "team__slug",
    )
    search_help_text = _(
        "Title, id or task id of the job, code, team, or a word of the text (names and numbers in "
        "it stand apart from the words)"
    )
    date_hierarchy = "at"
    ordering = ("-id",)

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        # The table is the longest of all and ordered by its id only.
        return ()

    @admin.display(description=_("job"))
    def job_shown(self, event: JobEvent) -> SafeString | str:
        return link(event.job, event.job.title)

    @admin.display(description=_("from"))
    def old_shown(self, event: JobEvent) -> SafeString | str:
        return job_state_tag(event.old)

    @admin.display(description=_("to"))
    def new_shown(self, event: JobEvent) -> SafeString | str:
        return job_state_tag(event.new)
