"""A draft: what a person has chosen so far for one job.

It lives in the form's fields and in the address of the page (ids of assets, values of choices), so
a reload keeps it and nothing is stored before the click that costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from jobs.catalogue import entries
from jobs.catalogue.limits import Limits
from jobs.engine import checks
from jobs.models import Account, Check, Job, Template
from jobs.orders import consent, templates, trim
from jobs.orders.order_request import OrderRequest
from jobs.orders.trim import Trim
from jobs.pages.create.draft_fields import (
    CONSENT,
    EDIT,
    KEEP,
    SOURCE,
    TEMPLATE,
    TEMPLATE_VIDEO,
    file_fields,
    form_value,
)
from studio.models.asset import Asset
from studio.models.edit import Edit
from studio.models.people import Team, User


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
    trims: dict[str, Trim] = field(default_factory=dict)  # of each sound
    edits: dict[str, Edit] = field(default_factory=dict)  # of videos and pictures, not made yet
    failed_edits: dict[str, Edit] = field(default_factory=dict)  # of them, to be tried again
    consented: set[str] = field(default_factory=set)  # files whose consent is ticked
    reused: Asset | None = None  # the video whose template was there already
    known_on: Template | None = None  # of the chosen video, on another account than the chosen one
    forgotten: Template | None = None  # of the chosen video, not known to the service any more
    source: Job | None = None  # what it began as a copy of
    person: User | None = None  # whose it is; None: accounts that everybody may use
    unread: str = (
        ""  # why the price beside the button was for something else; nothing is made by that click
    )

    def asset(self, name: str) -> Asset | None:
        return self.template_video if name == TEMPLATE_VIDEO else self.files.get(name)

    @property
    def ticked(self) -> list[Asset | None]:
        """The files whose consent is ticked."""
        return [self.asset(name) for name in sorted(self.consented)]

    def put(self, name: str, asset: Asset) -> None:
        """A file that came just now takes the place of what was chosen before."""
        before = self.asset(name)
        if before is None or not consent.tick_holds(asset, before.public_id):
            self.consented.discard(name)
        if name == TEMPLATE_VIDEO:
            self.template, self.template_video = None, asset
            self.prefer_made_template()
        else:
            self.files[name] = asset
            self.trims.pop(name, None)
            if asset.kind == "audio":
                self.trims[name] = trim.read(
                    "", asset, self.spec.input(name).limits or Limits("audio")
                )
        self.edits.pop(name, None)
        self.failed_edits.pop(name, None)

    def begin(self, name: str, edit: Edit) -> None:
        """A new version of the file `name` is being made, or is there already."""
        if edit.made is not None:
            self.put(name, edit.made)
        else:
            self.edits[name] = edit
            self.failed_edits.pop(name, None)

    def prefer_made_template(self) -> None:
        """A video whose template the team has already is not paid for again, unless another account
        was chosen for it."""
        self.known_on = self.forgotten = None
        if self.template is not None or self.template_video is None:
            return
        made = templates.made_of(self.team, self.spec.makes, self.template_video, self.person)
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
        if self.spec.length_of in self.trims:
            return self.trims[self.spec.length_of].milliseconds
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
            p.name: form_value(self.chosen[p.name])
            for p in self.spec.choices()
            if self.chosen[p.name] != p.usual(self.team.default_shape)
        }
        for file in file_fields(self.spec):
            parts, asset = self.trims.get(file.name), self.asset(file.name)
            if (
                parts is not None
                and asset is not None
                and parts != trim.read("", asset, file.limits)
            ):
                found[KEEP + file.name] = parts.form_value
        found |= {
            EDIT + name: edit.public_id for name, edit in (self.failed_edits | self.edits).items()
        }
        found |= {
            CONSENT + name: asset.public_id
            for name in sorted(self.consented)
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
        """The check (with its answer, or under way) of this very picture and choice; None when it
        was never asked."""
        picture = self.picture
        return (
            checks.known(asset=picture, model=self.spec.check, chosen=self.check_choices)
            if picture is not None
            else None
        )

    def order(self, owner: User) -> OrderRequest:
        """The draft as it is ordered. Which account: the template's own, else the chosen one,
        else the first usable."""
        account = self.template.account if self.template is not None else self.account
        return OrderRequest(
            team=self.team,
            owner=owner,
            model=self.spec.name,
            files=dict(self.files),
            chosen=dict(self.chosen),
            template=self.template,
            template_video=self.template_video,
            account=account,
            title=self.name,
            # A form that was gone back to and sent to another account is another order.
            key=self.key + (self.account.public_id if self.account is not None else ""),
            trims=dict(self.trims),
        )
