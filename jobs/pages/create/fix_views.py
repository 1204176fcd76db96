"""Fixes in place: a new file is made from the one in the draft and takes its place there; then the
picture is checked by itself.

POST with `fix` = “how:name”, where name is the file's field. How: "auto" makes it fit the model's
limits, "behind-white" and the like do the same for a transparent picture, "crop" takes crop_left,
crop_top, crop_width, crop_height (px of the straightened picture) and crop_angle (degrees), "cut"
takes cut_from and cut_to (seconds) of a video, "hold" holds its last picture until its sound ends,
"again" tries a video's failed edit once more. GET is asked while a file is made over: 204 until it
is there or its place in line is another.
"""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import FileField, file_fields
from jobs.pages.create.fixes import crop_for, cut_for, fix_for, hold_for
from jobs.pages.create.views import draft_of, have_checked, page_of, shown_again
from studio.common.translatable import translated
from studio.files import edit_queue
from studio.files.edit_queue import Recipe
from studio.media import MediaError
from studio.media.decoders import DecoderEnded
from studio.media.edits import BEHIND, straight_size
from studio.models.asset import Asset
from studio.teams.access import TeamRequest, takes_files, team_page
from studio.teams.permissions import Permission

BEHIND_FIX = "behind-"  # and one of BEHIND: like "auto", with that behind a transparent picture
LEAST = 0.5  # seconds of a video worth keeping where a model names no least length


class CropForm(forms.Form):
    crop_left = forms.IntegerField(min_value=0)
    crop_top = forms.IntegerField(min_value=0)
    crop_width = forms.IntegerField(min_value=1)
    crop_height = forms.IntegerField(min_value=1)
    crop_angle = forms.FloatField(min_value=-45, max_value=45, required=False)


class CutForm(forms.Form):
    cut_from = forms.FloatField(min_value=0, max_value=86_400, required=False)
    cut_to = forms.FloatField(min_value=0, max_value=86_400, required=False)


@takes_files
@team_page(read=Permission.MAKE)
@require_http_methods(["GET", "HEAD", "POST"])
def fix(request: TeamRequest) -> HttpResponse:
    """The page again, with the fixed file in its place, or with the sentence why it could not
    be."""
    page = page_of(request)
    draft = draft_of(request, page)
    errors = _fixed(request, draft) if request.method == "POST" else []
    if request.method != "POST" and draft.edits and not _moved_up(request, draft):
        return HttpResponse(status=204)
    return shown_again(request, draft, page, errors)


def _moved_up(request: TeamRequest, draft: Draft) -> bool:
    """Whether the page shows another place in line than its files have by now."""
    shown = request.GET.getlist("edits_ahead")
    places = [str(edit_queue.ahead(edit)) for edit in draft.edits.values()]
    return bool(shown) and sorted(shown) != sorted(places)


def _fixed(request: TeamRequest, draft: Draft) -> list[str]:
    how, _colon, name = request.POST.get("fix", "").partition(":")
    field = next((file for file in file_fields(draft.spec) if file.name == name), None)
    asset = draft.asset(name) if field is not None else None
    if field is None or asset is None:
        return [_("Choose a file first.")]
    try:
        recipe = _recipe(request, how, field, asset, draft)
        if asset.kind == Asset.Kind.VIDEO:
            draft.begin(name, edit_queue.ask(asset, recipe, request.user))
            _look(draft, field)
            return []
        try:
            made = edit_queue.change(asset, recipe, request.user)
        except DecoderEnded as error:
            if error.reason != "busy":
                raise
            # Its turn comes, but this page does not stand and wait for it.
            draft.begin(name, edit_queue.ask(asset, recipe, request.user))
            _look(draft, field)
            return []
    except MediaError as error:
        return [translated(error.sentence)]
    except Unclear as unclear:
        return [str(unclear)]
    draft.put(name, made)
    _look(draft, field)
    # The price of the check stood on the button.
    if draft.picture == made and not draft.problems[name] and draft.known_check() is None:
        return have_checked(request, draft)
    return []


def _look(draft: Draft, field: FileField) -> None:
    """What is wrong with the file that is there now."""
    asset = draft.asset(field.name)
    draft.problems[field.name] = (
        [translated(problem.sentence) for problem in field.limits.problems(asset.facts)]
        if asset is not None
        else []
    )


class Unclear(ValueError):
    """A form that does not say what is to be done. Its text is a sentence for people."""


def _recipe(request: TeamRequest, how: str, field: FileField, asset: Asset, draft: Draft) -> Recipe:
    """What studio.files.edit_queue is asked for. Raises Unclear, and MediaError for an angle that
    no picture can be turned by."""
    if how == "crop" and asset.kind == Asset.Kind.IMAGE:
        return _crop(request, field, asset)
    if how == "cut" and asset.kind == Asset.Kind.VIDEO:
        return _cut(request, field, asset)
    if how == "hold" and asset.kind == Asset.Kind.VIDEO:
        held = hold_for(field.limits, asset.facts)
        if held is None:
            raise Unclear(_("The pictures of this video last as long as its sound already."))
        return held[0].recipe
    failed = draft.failed_edits.get(field.name)
    if how == "again" and failed is not None:
        return dict(failed.recipe)
    behind = how.removeprefix(BEHIND_FIX) if how.startswith(BEHIND_FIX) else BEHIND[0]
    found = fix_for(field.limits, asset.facts, behind) if behind in BEHIND else None
    if found is None:
        raise Unclear(_("Nothing can be done about this file here. Choose another one."))
    return found.recipe


def _crop(request: TeamRequest, field: FileField, asset: Asset) -> Recipe:
    form = CropForm(request.POST)
    if not form.is_valid():
        raise Unclear(
            _(
                "Say where the picture is to be cut: left, top, width and height in pixels, and an "
                "angle from -45 to 45."
            )
        )
    told = form.cleaned_data
    left, top, angle = told["crop_left"], told["crop_top"], told["crop_angle"] or 0.0
    width, height = straight_size(asset.width, asset.height, angle)
    box = (left, top, min(left + told["crop_width"], width), min(top + told["crop_height"], height))
    if (
        box == (0, 0, asset.width, asset.height)
        and not angle
        and not field.limits.problems(asset.facts)
    ):
        raise Unclear(
            _(
                "The frame holds the whole picture, so nothing would change. Draw it smaller, or "
                "turn the picture."
            )
        )
    return crop_for(field.limits, asset.facts, box, angle)


def _cut(request: TeamRequest, field: FileField, asset: Asset) -> Recipe:
    form = CutForm(request.POST)
    if not form.is_valid():
        raise Unclear(_("Give the times in seconds, such as 2.5."))
    start = round((form.cleaned_data["cut_from"] or 0) * 1000)
    wanted = form.cleaned_data["cut_to"]
    stop = min(round(wanted * 1000) if wanted else asset.milliseconds, asset.milliseconds)
    least = field.limits.min_seconds or LEAST
    if stop - start < round(least * 1000):
        raise Unclear(
            _("Keep at least %(least)s s: “to” has to be that much later than “from”.")
            % {"least": f"{least:g}"}
        )
    if (start, stop) == (0, asset.milliseconds) and not field.limits.problems(asset.facts):
        raise Unclear(
            _(
                "That is the whole video, so nothing would change. Choose a later start or an "
                "earlier end."
            )
        )
    return cut_for(field.limits, asset.facts, start, stop)
