"""Jobs and what happened to them. Only the runner moves a job, so here its name is all that can be changed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.models import Job, JobEvent, JobInput, LedgerEntry
from jobs.states import LABELS, State
from studio.admin import NOTHING, Kept, Watched, WatchedRows, amount, link, tag


def state_tag(state: str) -> SafeString | str:
    if not state:
        return NOTHING
    label, word = LABELS[State(state)]
    return tag(word, label)


class InputsOfJob(WatchedRows):
    model = JobInput
    fields = readonly_fields = ("name", "file")

    @admin.display(description=_("file"))
    def file(self, one: JobInput) -> SafeString | str:
        return link(one.asset)


class LedgerOfJob(WatchedRows):
    model = LedgerEntry
    fk_name = "job"
    fields = readonly_fields = ("created_at", "kind", "attempt", "units", "held_shown", "settled_shown", "note")
    ordering = ("id",)

    @admin.display(description=_("held"))
    def held_shown(self, entry: LedgerEntry) -> SafeString | str:
        return amount(entry.held, entry.currency, 6)

    @admin.display(description=_("settled"))
    def settled_shown(self, entry: LedgerEntry) -> SafeString | str:
        return amount(entry.settled, entry.currency, 6)


class EventsOfJob(WatchedRows):
    model = JobEvent
    fields = readonly_fields = ("at", "old_shown", "new_shown", "code", "text", "data")

    @admin.display(description=_("from"))
    def old_shown(self, event: JobEvent) -> SafeString | str:
        return state_tag(event.old)

    @admin.display(description=_("to"))
    def new_shown(self, event: JobEvent) -> SafeString | str:
        return state_tag(event.new)


@admin.register(Job)
class JobAdmin(Kept):
    editable = ("title",)
    list_display = ("title", "state_shown", "code", "team", "owner", "model", "account", "quote_shown", "settled_shown", "task_id", "created_at")
    list_filter = ("state", "group", "model", "fault", "code")
    list_select_related = ("team", "owner", "account")
    search_fields = ("title", "public_id", "task_id", "request_id", "owner__email", "team__name", "team__slug")
    search_help_text = _("Name, id, task id, request id, e-mail address or team")
    date_hierarchy = "created_at"
    inlines = (InputsOfJob, LedgerOfJob, EventsOfJob)
    view_on_site = True
    fieldsets = (
        (None, {"fields": ("title", "public_id", "state_shown", "code", "group", "team", "owner", "created_at", "finished_at")}),
        (_("Wish"), {"fields": ("model", "parameters", "account", "lane", "check_used", "template", "needs", "again_of", "idempotency_key")}),
        (_("Money"), {"fields": ("quote_shown", "settled_shown", "variant", "seconds_shown", "billed_units", "price")}),
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
                )
            },
        ),
        (_("When it did not go well"), {"fields": ("fault", "provider_code", "provider_message", "sentence", "advice")}),
        (_("Machine"), {"fields": ("attempt", "tries", "not_before", "submitting_at", "lease_until", "cancel_asked_at"), "classes": ("collapse",)}),
    )

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, job: Job) -> SafeString | str:
        return state_tag(job.state)

    @admin.display(description=_("quoted"), ordering="quote_micros")
    def quote_shown(self, job: Job) -> SafeString | str:
        return amount(job.quote_micros, job.currency)

    @admin.display(description=_("settled"), ordering="settled_micros")
    def settled_shown(self, job: Job) -> SafeString | str:
        return amount(job.settled_micros, job.currency)

    @admin.display(description=_("length quoted"), ordering="milliseconds")
    def seconds_shown(self, job: Job) -> str:
        return f"{job.seconds:.3f} s"


@admin.register(JobInput)
class JobInputAdmin(Watched):
    list_display = ("job", "name", "asset")
    list_filter = ("name",)
    list_select_related = ("job", "asset")
    search_fields = ("job__title", "job__public_id", "asset__name", "asset__sha256")


@admin.register(JobEvent)
class JobEventAdmin(Watched):
    list_display = ("at", "job_shown", "old_shown", "new_shown", "code", "text", "team")
    list_filter = ("new", "code")
    list_select_related = ("job", "team")
    search_fields = ("job__public_id", "job__title", "job__task_id", "text", "team__name", "team__slug")
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
        return state_tag(event.old)

    @admin.display(description=_("to"))
    def new_shown(self, event: JobEvent) -> SafeString | str:
        return state_tag(event.new)
