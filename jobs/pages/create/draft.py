"""The form of every create page, made from a model of the catalogue, and the draft that it leads
to.

A draft is what a person has chosen so far. It lives in the form's fields and in the address of the
page (ids of assets, words of choices), so a reload keeps it and nothing is stored before the click
that costs.
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

from jobs.catalogue import entries
from jobs.catalogue.limits import Facts, Limits
from jobs.engine import checks
from jobs.models import Account, Check, Job, Template
from jobs.orders import consent, order_request, templates, trim
from jobs.orders.trim import Trim
from studio.common.translatable import translated
from studio.models.asset import Asset
from studio.models.edit import Edit
from studio.models.people import Team, User

FILE_KINDS = ("image", "audio", "video")
# A choice in the library is newer than what the form remembered, so it comes under a name of its
# own.
PICK = "pick_"
UPLOAD = "upload_"
TEMPLATE, TEMPLATE_VIDEO = "template", "template_video"
# What of a sound is kept, and the edit of a video that is under way.
KEEP = "keep_"
EDIT = "edit_"
# The word for a file: the public id of the file that it was said of.
CONSENT = "consent_"
# The job that this draft began as a copy of.
SOURCE = "from"
# Typed and dragged ends in seconds, the file that they were meant for, and a button that says it
# all.
FROM, TO, OF, SET = "from_", "to_", "of_", "set_"


def word(value: Any) -> str:
    """A declared value of a parameter as it stands in a form and an address;
    `catalogue.clean_choices` reads it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class FileField:
    """One file that a draft needs: a file input of the model, or the video that a template is made
    from."""

    name: str
    kind: str
    label: str
    limits: Limits


def file_fields(spec: entries.Model) -> tuple[FileField, ...]:
    """The files that a draft of `spec` can name, in the order of the declaration; limits are those
    of the model that reads the file."""
    fields = []
    for given in spec.inputs:
        if given.kind in FILE_KINDS and given.limits is not None:
            fields.append(FileField(given.name, given.kind, given.label, given.limits))
        elif given.kind == "template":
            source = entries.get(spec.makes).inputs_of("video")[0]
            fields.append(
                FileField(
                    TEMPLATE_VIDEO, source.kind, source.label, source.limits or Limits("video")
                )
            )
    return tuple(fields)


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


class DraftForm(forms.Form):
    """Reads a draft of `spec` from a query string or a submitted form; after `is_valid()` (or not)
    `draft` holds what could be read.

    Invalid values become errors of their field and fall back to the default, so half a draft is
    still a draft.
    """

    title = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    key = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, spec: entries.Model, team: Team) -> None:
        super().__init__(self._newest(data, spec), prefix=None)
        self.spec, self.team = spec, team
        self.fields["account"] = TeamChoice(team.accounts.all())
        self.fields[SOURCE] = TeamChoice(team.jobs.select_related("template"))
        for file in file_fields(spec):
            self.fields[file.name] = TeamChoice(team.assets.select_related("parent"))
            self.fields[CONSENT + file.name] = forms.CharField(
                max_length=40, required=False, widget=forms.HiddenInput
            )
            if file.kind == "audio":
                for name in (KEEP, SET, OF):
                    self.fields[name + file.name] = forms.CharField(
                        max_length=2000, required=False, widget=forms.HiddenInput
                    )
                for name in (FROM, TO):
                    self.fields[name + file.name] = forms.FloatField(
                        min_value=0, max_value=86_400, required=False
                    )
            if file.kind == "video":
                self.fields[EDIT + file.name] = TeamChoice(
                    team.edits.select_related("asset", "made__parent")
                )
        if spec.makes:
            self.fields[TEMPLATE] = TeamChoice(
                team.templates.filter(model=spec.makes).select_related("account", "asset")
            )
        for parameter in spec.choices():
            choices = [(word(value), translated(label)) for value, label, _help in parameter.words]
            self.fields[parameter.name] = forms.ChoiceField(
                choices=choices,
                required=False,
                label=translated(parameter.label),
                widget=forms.RadioSelect,
            )

    @staticmethod
    def _newest(data: Mapping[str, Any], spec: entries.Model) -> dict[str, Any]:
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

    @property
    def draft(self) -> Draft:
        """What could be read. Each call reads the same; files that miss a limit are in it, with
        their problems beside them."""
        self.full_clean()
        given = {p.name: self.cleaned_data.get(p.name) or p.default for p in self.spec.choices()}
        files: dict[str, Asset] = {}
        keeps: dict[str, Trim] = {}
        under_way: dict[str, Edit] = {}
        failed: dict[str, Edit] = {}
        said: set[str] = set()
        problems: dict[str, list[str]] = {
            name: [str(error) for error in errors] for name, errors in self.errors.items()
        }
        unread = self._anew_if_forgotten()
        for file in file_fields(self.spec):
            asset = self.cleaned_data.get(file.name)
            if asset is None:
                continue
            edit = self.cleaned_data.get(EDIT + file.name)
            if edit is not None and edit.asset_id == asset.pk:
                if edit.state == Edit.State.FAILED:
                    failed[file.name] = edit
                elif edit.made is not None:
                    asset = edit.made
                elif edit.state != Edit.State.DONE:
                    under_way[file.name] = edit
            facts: Facts = asset.facts
            if asset.kind == file.kind == "audio":
                keeps[file.name], unused = self._kept(file, asset)
                if unused:
                    problems.setdefault(file.name, []).append(unused)
                facts = trim.facts_of(asset, keeps[file.name], file.limits)
            missed = [translated(problem.sentence) for problem in file.limits.problems(facts)]
            if asset.kind == file.kind:
                files[file.name] = asset
                if consent.meant(asset, str(self.cleaned_data.get(CONSENT + file.name) or "")):
                    said.add(file.name)
            if missed:
                problems.setdefault(
                    file.name if asset.kind == file.kind else UPLOAD + file.name, []
                ).extend(missed)
        draft = Draft(
            team=self.team,
            spec=self.spec,
            files={name: asset for name, asset in files.items() if name != TEMPLATE_VIDEO},
            chosen=entries.clean_choices(self.spec, given),
            template=self.cleaned_data.get(TEMPLATE),
            template_video=files.get(TEMPLATE_VIDEO),
            account=self.cleaned_data.get("account"),
            title=" ".join(str(self.cleaned_data.get("title") or "").split()),
            key=str(self.cleaned_data.get("key") or "") or uuid.uuid4().hex,
            problems=problems,
            keeps=keeps,
            edits=under_way,
            failed=failed,
            said=said,
            source=self.cleaned_data.get(SOURCE),
            unread=unread,
        )
        draft.prefer_made_template()
        return draft

    def _anew_if_forgotten(self) -> str:
        """A template that the service forgot is asked for by its video, on the account that it
        belonged to; then why the price is another."""
        forgotten = self.cleaned_data.get(TEMPLATE)
        if forgotten is None or not forgotten.forgotten or forgotten.asset is None:
            return ""
        account = (
            forgotten.account
            if forgotten.account.key is not None
            else self.cleaned_data.get("account")
        )
        self.cleaned_data |= {TEMPLATE: None, TEMPLATE_VIDEO: forgotten.asset, "account": account}
        return _(
            "The service has forgotten this template, so the price is another one. Look at it, "
            "then click again."
        )

    def _kept(self, file: FileField, asset: Asset) -> tuple[Trim, str]:
        """The parts of a sound that the form names, and why a film cannot be made of them now; what
        was said of another file does not count."""
        told = self.cleaned_data
        if told.get(OF + file.name) not in ("", None, asset.public_id):
            return trim.read("", asset, file.limits), ""
        named = str(told.get(SET + file.name) or told.get(KEEP + file.name) or "")
        parts = trim.read(named, asset, file.limits)
        start, stop = told.get(FROM + file.name), told.get(TO + file.name)
        if told.get(SET + file.name) or (start is None and stop is None):
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
                "From %(first)s to %(last)s s is too short; a film has at least %(least)s s. "
                "Choose a later end."
            ) % {
                "first": f"{first / 1000:.1f}",
                "last": f"{last / 1000:.1f}",
                "least": f"{least / 1000:.1f}",
            }
        typed = trim.read(parts.edged(first, last).word, asset, file.limits)
        # The price beside the button was for other times, and nobody is to pay what they did not
        # read.
        unread = (
            named and self.data.get("do") not in (None, "use", "upload", "check") and typed != parts
        )
        return typed, _(
            "From and To were changed after the price was shown. Press “Use these times”, then "
            "look at the price."
        ) if unread else ""


@dataclass
class Draft:
    """What a person has chosen so far for one job of `spec`. `files` by the name of the model's
    input; `problems` by field."""

    team: Team
    spec: entries.Model
    files: dict[str, Asset]
    chosen: dict[str, Any]
    template: Template | None = None
    template_video: Asset | None = None
    account: Account | None = None
    title: str = ""
    key: str = ""
    problems: dict[str, list[str]] = field(default_factory=dict)
    keeps: dict[str, Trim] = field(default_factory=dict)  # of each sound
    edits: dict[str, Edit] = field(default_factory=dict)  # of videos, not made yet
    failed: dict[str, Edit] = field(default_factory=dict)  # of videos, to be tried again
    said: set[str] = field(
        default_factory=set
    )  # files whose word is ticked; it is kept at the click
    reused: Asset | None = None  # the video whose template was there already
    known_on: Template | None = None  # of the chosen video, on another account than the chosen one
    forgotten: Template | None = None  # of the chosen video, not known to the service any more
    source: Job | None = None  # what it began as a copy of
    unread: str = (
        ""  # why the price beside the button was for something else; nothing is made by that click
    )

    def asset(self, name: str) -> Asset | None:
        return self.template_video if name == TEMPLATE_VIDEO else self.files.get(name)

    @property
    def ticked(self) -> list[Asset | None]:
        """The files whose consent is ticked."""
        return [self.asset(name) for name in sorted(self.said)]

    def put(self, name: str, asset: Asset) -> None:
        """A file that came just now takes the place of what was chosen before."""
        before = self.asset(name)
        if before is None or not consent.meant(asset, before.public_id):
            self.said.discard(name)
        if name == TEMPLATE_VIDEO:
            self.template, self.template_video = None, asset
            self.prefer_made_template()
        else:
            self.files[name] = asset
            self.keeps.pop(name, None)
            if asset.kind == "audio":
                self.keeps[name] = trim.read(
                    "", asset, self.spec.input(name).limits or Limits("audio")
                )
        self.edits.pop(name, None)
        self.failed.pop(name, None)

    def begin(self, name: str, edit: Edit) -> None:
        """A new version of the video `name` is being made, or is there already."""
        if edit.made is not None:
            self.put(name, edit.made)
        else:
            self.edits[name] = edit
            self.failed.pop(name, None)

    def prefer_made_template(self) -> None:
        """A video whose template the team has already is not paid for again, unless another account
        was chosen for it."""
        self.known_on = self.forgotten = None
        if self.template is not None or self.template_video is None:
            return
        made = templates.made_of(self.team, self.spec.makes, self.template_video)
        known = [template for template in made if not template.forgotten]
        here = [
            template
            for template in known
            if self.account is None or template.account.root_id == self.account.root_id
        ]
        if here:
            self.reused, self.template, self.template_video = self.template_video, here[0], None
        else:
            self.known_on = known[0] if known else None
            self.forgotten = next((template for template in made if template.forgotten), None)

    @property
    def picture(self) -> Asset | None:
        """The file that the model's check looks at."""
        if not self.spec.check:
            return None
        return self.files.get(entries.get(self.spec.check).inputs_of("image")[0].name)

    @property
    def check_choices(self) -> dict[str, Any]:
        """The part of the choices that the check is asked with."""
        names = (
            {p.name for p in entries.get(self.spec.check).parameters} if self.spec.check else set()
        )
        return {name: value for name, value in self.chosen.items() if name in names}

    @property
    def milliseconds(self) -> int | None:
        """Length of the result, from the file or template that decides it; None while that is not
        chosen."""
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
        named = [
            self.template.name if self.template else "",
            *(asset.name.rsplit(".", 1)[0] for asset in reversed(self.files.values())),
        ]
        named.append(self.template_video.name.rsplit(".", 1)[0] if self.template_video else "")
        return next((" ".join(text.split())[:200] for text in named if text.strip()), "")

    def fields(self) -> dict[str, str]:
        """The draft as form fields, without the key: a click belongs to one page, an address to
        many."""
        found = {"model": self.spec.name}
        found |= {name: asset.public_id for name, asset in self.files.items()}
        if self.template is not None:
            found[TEMPLATE] = self.template.public_id
        if self.template_video is not None:
            found[TEMPLATE_VIDEO] = self.template_video.public_id
        if self.account is not None:
            found["account"] = self.account.public_id
        found |= {
            p.name: word(self.chosen[p.name])
            for p in self.spec.choices()
            if self.chosen[p.name] != p.default
        }
        for file in file_fields(self.spec):
            parts, asset = self.keeps.get(file.name), self.asset(file.name)
            if (
                parts is not None
                and asset is not None
                and parts != trim.read("", asset, file.limits)
            ):
                found[KEEP + file.name] = parts.word
        found |= {EDIT + name: edit.public_id for name, edit in (self.failed | self.edits).items()}
        found |= {
            CONSENT + name: asset.public_id
            for name in sorted(self.said)
            if (asset := self.asset(name)) is not None
        }
        if self.title:
            found["title"] = self.title
        if self.source is not None:
            found[SOURCE] = self.source.public_id
        return found

    @property
    def query(self) -> str:
        return urlencode(self.fields())

    def known_check(self) -> Check | None:
        """The verdict (or the question under way) for this very picture and choice; None when it
        was never asked."""
        picture = self.picture
        return (
            checks.known(asset=picture, model=self.spec.check, chosen=self.check_choices)
            if picture is not None
            else None
        )

    def wish(self, owner: User) -> order_request.OrderRequest:
        """The draft as the engine takes it. Which account: the template's own, else the chosen one,
        else the first usable."""
        account = self.template.account if self.template is not None else self.account
        return order_request.OrderRequest(
            team=self.team,
            owner=owner,
            model=self.spec.name,
            files=dict(self.files),
            chosen=dict(self.chosen),
            template=self.template,
            template_video=self.template_video,
            account=account,
            title=self.name,
            # A form that was gone back to and sent to another account is another wish.
            key=self.key + (self.account.public_id if self.account is not None else ""),
            trims=dict(self.keeps),
        )
