"""The form of every create page, made from a model of the catalogue, and the draft that it leads to.

A draft is what a person has chosen so far. It lives in the form's fields and in the address of the page (ids of assets, words of
choices), so a reload keeps it and nothing is stored before the click that costs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs import catalogue, checks, kept, wishes
from jobs.kept import Kept
from jobs.limits import Facts, Limits
from jobs.models import Account, Check, Template
from studio.models.asset import Asset
from studio.models.edit import Edit
from studio.models.people import Team, User

FILE_KINDS = ("image", "audio", "video")
# A choice in the library is newer than what the form remembered, so it comes under a name of its own.
PICK = "pick_"
UPLOAD = "upload_"
TEMPLATE, TEMPLATE_VIDEO = "template", "template_video"
# What of a sound is kept, and the edit of a video that is under way.
KEEP = "keep_"
EDIT = "edit_"


def word(value: Any) -> str:
    """A declared value of a parameter as it stands in a form and an address; `catalogue.clean_choices` reads it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class FileField:
    """One file that a draft needs: a file input of the model, or the video that a template is made from."""

    name: str
    kind: str
    label: str
    limits: Limits


def file_fields(spec: catalogue.Model) -> tuple[FileField, ...]:
    """The files that a draft of `spec` can name, in the order of the declaration; limits are those of the model that reads the file."""
    fields = []
    for given in spec.inputs:
        if given.kind in FILE_KINDS and given.limits is not None:
            fields.append(FileField(given.name, given.kind, given.label, given.limits))
        elif given.kind == "template":
            source = catalogue.get(spec.makes).inputs_of("video")[0]
            fields.append(FileField(TEMPLATE_VIDEO, source.kind, source.label, source.limits or Limits("video")))
    return tuple(fields)


class TeamChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in the stubs
    """A row of the team, named by its public id."""

    default_error_messages = {"invalid_choice": gettext_lazy("This is not in the team’s library any more. Choose another one.")}

    def __init__(self, queryset: Any) -> None:
        super().__init__(queryset, required=False, to_field_name="public_id")


class DraftForm(forms.Form):
    """Reads a draft of `spec` from a query string or a submitted form; after `is_valid()` (or not) `draft` holds what could be read.

    Invalid values become errors of their field and fall back to the default, so half a draft is still a draft.
    """

    title = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    key = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, spec: catalogue.Model, team: Team) -> None:
        super().__init__(self._newest(data, spec), prefix=None)
        self.spec, self.team = spec, team
        self.fields["account"] = TeamChoice(team.accounts.all())
        for file in file_fields(spec):
            self.fields[file.name] = TeamChoice(team.assets.all())
            if file.kind == "audio":
                self.fields[KEEP + file.name] = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
            if file.kind == "video":
                self.fields[EDIT + file.name] = TeamChoice(team.edits.select_related("asset", "made"))
        if spec.makes:
            self.fields[TEMPLATE] = TeamChoice(team.templates.filter(model=spec.makes).select_related("account", "asset"))
        for parameter in spec.choices():
            choices = [(word(value), _(label)) for value, label, _help in parameter.words]
            self.fields[parameter.name] = forms.ChoiceField(choices=choices, required=False, label=_(parameter.label), widget=forms.RadioSelect)

    @staticmethod
    def _newest(data: Mapping[str, Any], spec: catalogue.Model) -> dict[str, Any]:
        """`data` with every choice made in the library moved to the field it is meant for."""
        newest = {name: data.get(name) for name in data if not name.startswith(PICK)}
        for file in file_fields(spec):
            picked = data.get(PICK + file.name)
            if picked:
                newest[file.name] = picked
                if file.name == TEMPLATE_VIDEO:
                    newest[TEMPLATE] = ""
        if newest.get(TEMPLATE):
            newest[TEMPLATE_VIDEO] = ""
        return newest

    @property
    def draft(self) -> Draft:
        """What could be read. Each call reads the same; files that miss a limit are in it, with their problems beside them."""
        self.full_clean()
        given = {p.name: self.cleaned_data.get(p.name) or p.default for p in self.spec.choices()}
        files: dict[str, Asset] = {}
        keeps: dict[str, Kept] = {}
        under_way: dict[str, Edit] = {}
        problems: dict[str, list[str]] = {name: [str(error) for error in errors] for name, errors in self.errors.items()}
        for file in file_fields(self.spec):
            asset = self.cleaned_data.get(file.name)
            if asset is None:
                continue
            edit = self.cleaned_data.get(EDIT + file.name)
            if edit is not None and edit.asset_id == asset.pk:
                if edit.state == Edit.State.FAILED:
                    problems.setdefault(UPLOAD + file.name, []).append(edit.sentence)
                elif edit.made is not None:
                    asset = edit.made
                elif edit.state != Edit.State.DONE:
                    under_way[file.name] = edit
            facts: Facts = asset.facts
            if asset.kind == file.kind == "audio":
                keeps[file.name] = kept.read(str(self.cleaned_data.get(KEEP + file.name) or ""), asset, file.limits)
                facts = kept.facts_of(asset, keeps[file.name], file.limits)
            missed = [_(problem.sentence) for problem in file.limits.problems(facts)]
            if asset.kind == file.kind:
                files[file.name] = asset
            if missed:
                problems.setdefault(file.name if asset.kind == file.kind else UPLOAD + file.name, []).extend(missed)
        draft = Draft(
            team=self.team,
            spec=self.spec,
            files={name: asset for name, asset in files.items() if name != TEMPLATE_VIDEO},
            chosen=catalogue.clean_choices(self.spec, given),
            template=self.cleaned_data.get(TEMPLATE),
            template_video=files.get(TEMPLATE_VIDEO),
            account=self.cleaned_data.get("account"),
            title=" ".join(str(self.cleaned_data.get("title") or "").split()),
            key=str(self.cleaned_data.get("key") or "") or uuid.uuid4().hex,
            problems=problems,
            keeps=keeps,
            edits=under_way,
        )
        draft.prefer_made_template()
        return draft


@dataclass
class Draft:
    """What a person has chosen so far for one job of `spec`. `files` by the name of the model's input; `problems` by field."""

    team: Team
    spec: catalogue.Model
    files: dict[str, Asset]
    chosen: dict[str, Any]
    template: Template | None = None
    template_video: Asset | None = None
    account: Account | None = None
    title: str = ""
    key: str = ""
    problems: dict[str, list[str]] = field(default_factory=dict)
    keeps: dict[str, Kept] = field(default_factory=dict)  # of each sound
    edits: dict[str, Edit] = field(default_factory=dict)  # of videos, not made yet
    reused: Asset | None = None  # the video whose template was there already

    def asset(self, name: str) -> Asset | None:
        return self.template_video if name == TEMPLATE_VIDEO else self.files.get(name)

    def put(self, name: str, asset: Asset) -> None:
        """A file that came just now takes the place of what was chosen before."""
        if name == TEMPLATE_VIDEO:
            self.template, self.template_video = None, asset
            self.prefer_made_template()
        else:
            self.files[name] = asset
            self.keeps.pop(name, None)
            if asset.kind == "audio":
                self.keeps[name] = kept.read("", asset, self.spec.input(name).limits or Limits("audio"))
        self.edits.pop(name, None)

    def begin(self, name: str, edit: Edit) -> None:
        """A new version of the video `name` is being made, or is there already."""
        if edit.made is not None:
            self.put(name, edit.made)
        else:
            self.edits[name] = edit

    def prefer_made_template(self) -> None:
        """A video whose template the team has already is not paid for again."""
        if self.template is None and self.template_video is not None:
            made = (
                self.team.templates.filter(model=self.spec.makes, asset=self.template_video, forgotten=False)
                .select_related("account", "asset")
                .first()
            )
            if made is not None:
                self.reused, self.template, self.template_video = self.template_video, made, None

    @property
    def picture(self) -> Asset | None:
        """The file that the model's check looks at."""
        if not self.spec.check:
            return None
        return self.files.get(catalogue.get(self.spec.check).inputs_of("image")[0].name)

    @property
    def check_choices(self) -> dict[str, Any]:
        """The part of the choices that the check is asked with."""
        names = {p.name for p in catalogue.get(self.spec.check).parameters} if self.spec.check else set()
        return {name: value for name, value in self.chosen.items() if name in names}

    @property
    def milliseconds(self) -> int | None:
        """Length of the result, from the file or template that decides it; None while that is not chosen."""
        if self.spec.length_of in self.keeps:
            return self.keeps[self.spec.length_of].milliseconds
        decides: Asset | Template | None = self.files.get(self.spec.length_of)
        if decides is None and self.spec.makes:
            decides = self.template or self.template_video
        return decides.milliseconds if decides is not None else None

    @property
    def name(self) -> str:
        """The title, or one made from what is in the draft, so that nobody has to think of one."""
        if self.title:
            return self.title
        named = [self.template.name if self.template else "", *(asset.name.rsplit(".", 1)[0] for asset in reversed(self.files.values()))]
        named.append(self.template_video.name.rsplit(".", 1)[0] if self.template_video else "")
        return next((" ".join(text.split())[:200] for text in named if text.strip()), "")

    def fields(self) -> dict[str, str]:
        """The draft as form fields, without the key: a click belongs to one page, an address to many."""
        found = {"model": self.spec.name}
        found |= {name: asset.public_id for name, asset in self.files.items()}
        if self.template is not None:
            found[TEMPLATE] = self.template.public_id
        if self.template_video is not None:
            found[TEMPLATE_VIDEO] = self.template_video.public_id
        if self.account is not None:
            found["account"] = self.account.public_id
        found |= {p.name: word(self.chosen[p.name]) for p in self.spec.choices() if self.chosen[p.name] != p.default}
        for file in file_fields(self.spec):
            parts, asset = self.keeps.get(file.name), self.asset(file.name)
            if parts is not None and asset is not None and parts != kept.read("", asset, file.limits):
                found[KEEP + file.name] = parts.word
        found |= {EDIT + name: edit.public_id for name, edit in self.edits.items()}
        if self.title:
            found["title"] = self.title
        return found

    @property
    def query(self) -> str:
        return urlencode(self.fields())

    def known_check(self) -> Check | None:
        """The verdict (or the question under way) for this very picture and choice; None when it was never asked."""
        picture = self.picture
        return checks.known(asset=picture, model=self.spec.check, chosen=self.check_choices) if picture is not None else None

    def wish(self, owner: User) -> wishes.Wish:
        """The draft as the engine takes it. Which account: the template's own, else the chosen one, else the first usable."""
        account = self.template.account if self.template is not None else self.account
        return wishes.Wish(
            team=self.team,
            owner=owner,
            model=self.spec.name,
            files=dict(self.files),
            chosen=dict(self.chosen),
            template=self.template,
            template_video=self.template_video,
            account=account,
            title=self.name,
            key=self.key,
            keeps=dict(self.keeps),
        )
