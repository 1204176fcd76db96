"""What the site knows of whoever asks: to take along, and to have it erased."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studio.common.translatable import translated
from studio.models import User
from studio.personal_data import erasure, export
from studio.personal_data.forms import EraseForm
from studio.teams.access import signed_in
from studio.teams.step_up import confirm_first


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@confirm_first
def personal_data(request: HttpRequest) -> HttpResponseBase:
    """POST with `do` = export sends the zip; with erase it erases, signs out and shows the report;
    409 when something must be done first."""
    person = request.user
    if not isinstance(person, User):
        raise Http404
    if request.method != "POST":
        return _page(request, person, EraseForm(person=person))
    if request.POST.get("do") == "export":
        return export.download(User.objects.get(pk=person.pk))
    form = EraseForm(request.POST, person=person)
    if not form.is_valid():
        return _page(request, person, form, status=422)
    person = User.objects.get(pk=person.pk)
    try:
        report = erasure.erase(person, files=form.erases_files)
    except erasure.NotErasable:
        return _page(request, person, form, status=409)
    # Signing out in the usual way would tell the trail who it was.
    request.session.flush()
    request.user = AnonymousUser()
    lines = [(translated(one.sentence), one.stays) for one in report]
    return render(
        request,
        "studio/personal_data/erased.html",
        {
            "gone": [said for said, kept in lines if not kept],
            "kept": [said for said, kept in lines if kept],
        },
    )


def _page(request: HttpRequest, person: User, form: EraseForm, status: int = 200) -> HttpResponse:
    reasons = [translated(sentence) for sentence in erasure.reasons_against(person)]
    return render(
        request,
        "studio/personal_data/page.html",
        {"form": form, "reasons": reasons},
        status=status,
    )
