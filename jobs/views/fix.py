"""Fixes in place: a new file is made from the one in the draft and takes its place there; then the picture is checked by itself.

POST with `fix`, the name of the file's field, and `how`: "auto" makes it fit the model's limits, "crop" takes crop_left, crop_top,
crop_width, crop_height (px of the straightened picture) and crop_angle (degrees), "cut" takes cut_from and cut_to (seconds) of a video.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jobs.desk import Desk
from jobs.fixes import crop_for, cut_for, fix_for
from jobs.forms import Draft, FileField, file_fields
from jobs.views.create import draft_of, fragment, have_checked, page_of
from studio import edits
from studio.access import TeamRequest, team_page
from studio.media import MediaError
from studio.models.asset import Asset
from studio.models.people import Role


class CropForm(forms.Form):
    crop_left = forms.IntegerField(min_value=0)
    crop_top = forms.IntegerField(min_value=0)
    crop_width = forms.IntegerField(min_value=1)
    crop_height = forms.IntegerField(min_value=1)
    crop_angle = forms.FloatField(min_value=-45, max_value=45, required=False)


class CutForm(forms.Form):
    cut_from = forms.FloatField(min_value=0, required=False)
    cut_to = forms.FloatField(min_value=0, required=False)


@team_page(write=Role.CREATOR)
@require_POST
def fix(request: TeamRequest) -> HttpResponse:
    """The page again, with the fixed file in its place, or with the sentence why it could not be."""
    page = page_of(request)
    draft = draft_of(request, page)
    errors = _fixed(request, draft)
    desk = Desk(draft, request.user, page=page)
    if request.htmx:
        return fragment(request, desk, errors)
    for sentence in errors:
        messages.error(request, sentence)
    return redirect(desk.address)


def _fixed(request: TeamRequest, draft: Draft) -> list[str]:
    field = next((file for file in file_fields(draft.spec) if file.name == request.POST.get("fix")), None)
    asset = draft.asset(field.name) if field is not None else None
    if field is None or asset is None:
        return [_("Choose a file first.")]
    recipe, errors = _recipe(request, field, asset)
    if recipe is None:
        return errors
    try:
        if asset.kind == Asset.Kind.VIDEO:
            draft.begin(field.name, edits.ask(asset, recipe, request.user))
            return []
        made = edits.change(asset, recipe, request.user)
    except MediaError as error:
        return [str(error)]
    draft.put(field.name, made)
    draft.problems[field.name] = [_(problem.sentence) for problem in field.limits.problems(made.facts)]
    # The price of the check stood on the button.
    if draft.picture == made and not draft.problems[field.name] and draft.known_check() is None:
        return have_checked(request, draft)
    return []


def _recipe(request: TeamRequest, field: FileField, asset: Asset) -> tuple[dict[str, Any] | None, list[str]]:
    how = request.POST.get("how", "auto")
    if how == "crop" and asset.kind == Asset.Kind.IMAGE:
        form = CropForm(request.POST)
        if not form.is_valid():
            return None, [_("Say where the picture is to be cut: left, top, width and height in pixels, and an angle from -45 to 45.")]
        told = form.cleaned_data
        left, top, angle = told["crop_left"], told["crop_top"], told["crop_angle"] or 0.0
        box = (left, top, left + told["crop_width"], top + told["crop_height"])
        return crop_for(field.limits, asset.facts, box, angle), []
    if how == "cut" and asset.kind == Asset.Kind.VIDEO:
        cut = CutForm(request.POST)
        if not cut.is_valid():
            return None, [_("Give the times in seconds, such as 2.5.")]
        start = round((cut.cleaned_data["cut_from"] or 0) * 1000)
        wanted = cut.cleaned_data["cut_to"]
        stop = min(round(wanted * 1000) if wanted else asset.milliseconds, asset.milliseconds)
        if stop - start < 500:
            return None, [_("Keep at least half a second: “to” has to be later than “from”.")]
        return cut_for(field.limits, asset.facts, start, stop), []
    found = fix_for(field.limits, asset.facts)
    if found is None:
        return None, [_("Nothing can be done about this file here. Choose another one.")]
    return found.recipe, []
