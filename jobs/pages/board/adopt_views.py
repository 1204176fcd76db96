"""Adopt a task that was made elsewhere: a page with one form, and the job it leads to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from jobs.accounts import choice
from jobs.billing import budget, prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.models import Job
from jobs.orders import adopt as adoption
from studio.common.translatable import translated
from studio.models.people import Team, User
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission


class AdoptForm(forms.Form):
    task_id = forms.CharField(
        label=gettext_lazy("Task id"),
        max_length=200,
        help_text=gettext_lazy(
            "As the service answered it, such as a8532587-fa8c-4ef8-82be-0c46e17950bd."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )
    model = forms.ChoiceField(
        label=gettext_lazy("Model"),
        required=False,
        help_text=gettext_lazy("Only needed when the service’s list does not say which it is."),
    )

    def __init__(
        self, data: Any = None, *, team: Team, by: User, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.fields["account"] = forms.ModelChoiceField(
            choice.usable(team, by).order_by("id"),
            label=_("Connection"),
            to_field_name="public_id",
            empty_label=None,
            help_text=_("The one whose key made the task; the service shows tasks to no other."),
        )
        videos = [
            (spec.name, f"{translated(spec.label)} ({spec.name})")
            for spec in entries.MODELS.values()
            if spec.kind is entries.Kind.VIDEO
        ]
        self.fields["model"].choices = [("", _("Find out")), *videos]  # type: ignore[attr-defined]


@team_page(read=Permission.MAKE)
@require_http_methods(["GET", "HEAD", "POST"])
def adopt(request: TeamRequest) -> HttpResponse:
    """POST asks the service about the task, which is free, and follows it from then on."""
    if request.method != "POST":
        return _page(
            request,
            AdoptForm(
                team=request.team,
                by=request.user,
                initial={"account": request.GET.get("account", "")},
            ),
        )
    form = AdoptForm(request.POST, team=request.team, by=request.user)
    if not form.is_valid():
        return _page(request, form, status=422)
    account, task_id, model = (form.cleaned_data[name] for name in ("account", "task_id", "model"))
    try:
        job = adoption.adopt(account, task_id, request.user, model)
    except Refused as refused:
        form.add_error("task_id", [translated(sentence) for sentence in refused.sentences])
    except IntegrityError:
        form.add_error("task_id", _("This task is followed already."))
    except (budget.OverBudget, prices.NoPrice) as error:
        form.add_error(None, translated(error.sentence))
    else:
        messages.success(
            request,
            _("“%(title)s” is followed from now on. Its video is saved here, priced and filed.")
            % {"title": job.title},
        )
        return redirect(job)
    return _page(request, form, status=422, known=_known(request.team, task_id.strip()))


def _known(team: Team, task_id: str) -> Job | None:
    """The team's own job that has this task, or had it before it went on to another."""
    job: Job | None = (
        team.jobs.filter(task_id=task_id).first()
        or team.jobs.filter(attempts__task_id=task_id).first()
    )
    return job


def _page(
    request: TeamRequest, form: AdoptForm, status: int = 200, known: Job | None = None
) -> HttpResponse:
    page = {
        "nav": "jobs",
        "form": form,
        "known": known,
        "no_account": not choice.usable(request.team, request.user).exists(),
    }
    return render(request, "jobs/board/adopt.html", page, status=status)
