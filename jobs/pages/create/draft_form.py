"""The form of every create page, made from a model of the catalogue, and the draft that it leads
to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.catalogue import entries
from jobs.catalogue.limits import Facts
from jobs.common.states import Group
from jobs.orders import consent, trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import (
    CONSENT,
    EDIT,
    FROM,
    KEEP,
    OF,
    PICK,
    SET,
    SOURCE,
    TEMPLATE,
    TEMPLATE_VIDEO,
    TO,
    UPLOAD,
    FileField,
    file_fields,
    form_value,
)
from studio.common import formats
from studio.common.translatable import translated
from studio.models.asset import Asset
from studio.models.edit import Edit
from studio.models.people import Team, User


class TeamChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in the stubs
    """A row of the team, named by its public id."""

    default_error_messages = {
        "invalid_choice": gettext_lazy(
            "This is not in the team’s library any more. Choose another one."
        )
    }

    def __init__(self, queryset: Any) -> None:
        super().__init__(queryset, required=False, to_field_name="public_id")

    def to_python(self, value: Any) -> Any:
        if "\x00" in str(value or ""):  # PostgreSQL refuses to be asked for it
            raise forms.ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice"
            )
        return super().to_python(value)


def newest_choices(data: Mapping[str, Any], spec: entries.Model) -> dict[str, Any]:
    """`data` with every choice made in the library moved to the field it is meant for."""
    newest = {name: data.get(name) for name in data if not name.startswith(PICK)}
    for file in file_fields(spec):
        picked = data.get(PICK + file.name)
        if picked:
            newest[file.name] = picked
            if file.name == TEMPLATE_VIDEO:
                newest[TEMPLATE] = ""
    # A button that makes a choice is newer than the field that it stands beside.
    for name in (TEMPLATE, *(parameter.name for parameter in spec.choices())):
        if data.get(PICK + name):
            newest[name] = data[PICK + name]
    if newest.get(TEMPLATE):
        newest[TEMPLATE_VIDEO] = ""
    return newest


class DraftForm(forms.Form):
    """Reads a draft of `spec` from a query string or a submitted form; after `is_valid()` (or not)
    `draft` holds what could be read.

    Invalid values become errors of their field and fall back to the default, so half a draft is
    still a draft.
    """

    title = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    key = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        spec: entries.Model,
        team: Team,
        person: User | None = None,
    ) -> None:
        super().__init__(newest_choices(data, spec), prefix=None)
        self.spec, self.team, self.person = spec, team, person
        self.fields["account"] = TeamChoice(team.accounts(manager="present").all())
        self.fields[SOURCE] = TeamChoice(
            team.jobs.exclude(group=Group.DELETED).select_related("template")
        )
        for file in file_fields(spec):
            self._add_file(file)
        if spec.makes:
            self.fields[TEMPLATE] = TeamChoice(
                team.templates.filter(model=spec.makes).select_related("account", "asset")
            )
        for parameter in spec.choices():
            choices = [
                (form_value(value), translated(label)) for value, label, _help in parameter.words
            ]
            self.fields[parameter.name] = forms.ChoiceField(
                choices=choices,
                required=False,
                label=translated(parameter.label),
                widget=forms.RadioSelect,
            )

    def _add_file(self, file: FileField) -> None:
        def hidden(length: int) -> forms.CharField:
            return forms.CharField(max_length=length, required=False, widget=forms.HiddenInput)

        self.fields[file.name] = TeamChoice(self.team.assets.select_related("parent"))
        self.fields[CONSENT + file.name] = hidden(40)
        if file.kind == "audio":
            for name in (KEEP, SET, OF):
                self.fields[name + file.name] = hidden(2000)
            for name in (FROM, TO):
                self.fields[name + file.name] = forms.FloatField(
                    min_value=0, max_value=86_400, required=False
                )
        if file.kind != "audio":
            self.fields[EDIT + file.name] = TeamChoice(
                self.team.edits.select_related("asset", "made__parent")
            )

    @property
    def draft(self) -> Draft:
        """What could be read. Each call reads the same; files that miss a limit are in it, with
        their problems beside them."""
        self.full_clean()
        unread = self._anew_if_forgotten()
        shape = self.team.default_shape
        given = {
            p.name: self.cleaned_data.get(p.name) or p.usual(shape) for p in self.spec.choices()
        }
        draft = Draft(
            team=self.team,
            spec=self.spec,
            files={},
            chosen=entries.clean_choices(self.spec, given),
            template=self.cleaned_data.get(TEMPLATE),
            account=self.cleaned_data.get("account"),
            title=" ".join(str(self.cleaned_data.get("title") or "").split()),
            key=str(self.cleaned_data.get("key") or "") or uuid.uuid4().hex,
            problems={
                name: [str(error) for error in errors] for name, errors in self.errors.items()
            },
            source=self.cleaned_data.get(SOURCE),
            unread=unread,
            person=self.person,
        )
        for file in file_fields(self.spec):
            asset = self.cleaned_data.get(file.name)
            if asset is not None:
                self._read_file(draft, file, asset)
        draft.prefer_made_template()
        return draft

    def _read_file(self, draft: Draft, file: FileField, asset: Asset) -> None:
        """Put `asset`, or what is being made of it, into `draft` with what is wrong with it."""
        asset = self._edited(draft, file, asset)
        facts: Facts = asset.facts
        if asset.kind == file.kind == "audio":
            draft.trims[file.name], unused = self._kept(file, asset)
            if unused:
                draft.problems.setdefault(file.name, []).append(unused)
            facts = trim.facts_of(asset, draft.trims[file.name], file.limits)
        missed = [translated(problem.sentence) for problem in file.limits.problems(facts)]
        if asset.kind == file.kind:
            if file.name == TEMPLATE_VIDEO:
                draft.template_video = asset
            else:
                draft.files[file.name] = asset
            ticked = str(self.cleaned_data.get(CONSENT + file.name) or "")
            if consent.tick_holds(asset, ticked):
                draft.consented.add(file.name)
        if missed:
            name = file.name if asset.kind == file.kind else UPLOAD + file.name
            draft.problems.setdefault(name, []).extend(missed)

    def _edited(self, draft: Draft, file: FileField, asset: Asset) -> Asset:
        """The new version of a file that the form names, where it is made; else `asset`, with the
        edit that is under way or failed in `draft`."""
        edit: Edit | None = self.cleaned_data.get(EDIT + file.name)
        if edit is None or edit.asset_id != asset.pk:
            return asset
        if edit.state == Edit.State.FAILED:
            draft.failed_edits[file.name] = edit
        elif edit.made is not None and not edit.made.deletion_id:
            return edit.made
        elif edit.state != Edit.State.DONE:
            draft.edits[file.name] = edit
        return asset

    def _anew_if_forgotten(self) -> str:
        """A template that the service forgot is asked for by its video, on the account that it
        belonged to; then why the price is another."""
        forgotten = self.cleaned_data.get(TEMPLATE)
        if forgotten is None or not forgotten.forgotten or forgotten.video is None:
            return ""
        account = (
            forgotten.account
            if forgotten.account.key is not None
            else self.cleaned_data.get("account")
        )
        self.cleaned_data |= {TEMPLATE: None, TEMPLATE_VIDEO: forgotten.video, "account": account}
        return _(
            "The service has forgotten this template, so the price is another one. Look at it, "
            "then click again."
        )

    def _kept(self, file: FileField, asset: Asset) -> tuple[Trim, str]:
        """The parts of a sound that the form names, and why a video cannot be made of them now;
        what was typed for another file does not count."""
        data = self.cleaned_data
        if data.get(OF + file.name) not in ("", None, asset.public_id):
            return trim.read("", asset, file.limits), ""
        named = str(data.get(SET + file.name) or data.get(KEEP + file.name) or "")
        parts = trim.read(named, asset, file.limits)
        start, stop = data.get(FROM + file.name), data.get(TO + file.name)
        if data.get(SET + file.name) or (start is None and stop is None):
            return parts, ""
        # Fields show tenths: as long as nobody changed one, its end stays where it is to the
        # millisecond.
        first = parts.start if start in (None, trim.tenths(parts.start)) else round(start * 1000)
        last = parts.stop if stop in (None, trim.tenths(parts.stop)) else round(stop * 1000)
        if (first, last) == (parts.start, parts.stop):
            return parts, ""
        least = trim.least(file.limits, parts.whole)
        if min(last, parts.whole) - first < least:
            return parts, _(
                "From %(first)s to %(last)s s is too short; a video has at least %(least)s s. "
                "Choose a later end."
            ) % {
                "first": formats.figure(first / 1000),
                "last": formats.figure(last / 1000),
                "least": formats.figure(least / 1000),
            }
        typed = trim.read(parts.edged(first, last).form_value, asset, file.limits)
        # The price beside the button was for other times, and nobody is to pay what they did not
        # read.
        unread = (
            named and self.data.get("do") not in (None, "use", "upload", "check") and typed != parts
        )
        return typed, _(
            "From and To were changed after the price was shown. Press “Use these times”, then "
            "look at the price."
        ) if unread else ""
