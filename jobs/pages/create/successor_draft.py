"""A draft made with another model: what of it goes along, what is lost, and what it costs there.

Everything is read off the catalogue. Files go along by their kind, choices by their name and value;
whatever the other model does not know or does not take is told before anyone clicks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.accounts import choice
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import page_of
from jobs.engine import checks
from jobs.models import Account
from jobs.orders import trim
from jobs.orders.trim import Trim
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import (
    CONSENT,
    EDIT,
    KEEP,
    TEMPLATE_VIDEO,
    FileField,
    file_fields,
    form_value,
)
from jobs.pages.create.fixes import fix_for
from studio.common import formats
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.asset import Asset


@dataclass(frozen=True, slots=True)
class Carried:
    """One file that goes along: under which name, and how much of it (`parts` of a sound,
    `milliseconds` of anything that lasts)."""

    field: FileField
    asset: Asset
    milliseconds: int = 0
    whole: int = 0
    parts: Trim | None = None
    edit: str = ""  # public id of the new version of a video that is under way
    note: str = ""
    consented: bool = False  # its consent is ticked


class SuccessorDraft:
    """Making what `draft` would make with the model `to` instead. `account`: where the draft is
    made now."""

    def __init__(self, draft: Draft, to: entries.Model, account: Account | None = None) -> None:
        self.draft, self.spec = draft, to
        self.account = self._account(account)

    def _account(self, account: Account | None) -> Account | None:
        """The same account if it has the model, else the one that the create page would take."""
        person = self.draft.person
        if (
            account is not None
            and account.key is not None
            and account.serves(self.spec)
            and choice.may_use(account, person)
        ):
            return account
        return choice.account_for(self.draft.team, person, self.spec.name)

    # ── what goes along ──

    @cached_property
    def carried(self) -> list[Carried]:
        """The draft's files that the other model has a field for, by their kind, in the order of
        its declaration."""
        mine = dict(self.draft.files)
        video = self.draft.template_video or (
            self.draft.template.video if self.draft.template is not None else None
        )
        if video is not None:
            mine[TEMPLATE_VIDEO] = video
        found = []
        for field in file_fields(self.spec):
            name = next((name for name, asset in mine.items() if asset.kind == field.kind), None)
            if name is not None:
                found.append(
                    replace(
                        self._carried(field, name, mine.pop(name)),
                        consented=name in self.draft.consented,
                    )
                )
        return found

    def _carried(self, field: FileField, name: str, asset: Asset) -> Carried:
        if asset.kind == "audio":
            parts = self.draft.trims.get(name) or Trim(
                ((0, asset.milliseconds),), asset.milliseconds
            )
            most = trim.longest(field.limits, parts.milliseconds)
            note = ""
            if most < parts.milliseconds:
                note = _("It takes %(most)s: the first %(kept)s of the %(whole)s go along.") % {
                    "most": _most(field),
                    "kept": length(most / 1000),
                    "whole": length(parts.milliseconds / 1000),
                }
            return Carried(field, asset, most, parts.milliseconds, parts.first(most), note=note)
        edit = self.draft.edits.get(name)
        if edit is not None:
            return Carried(
                field, asset, asset.milliseconds, asset.milliseconds, edit=edit.public_id
            )
        return self._fitted(field, asset)

    def _fitted(self, field: FileField, asset: Asset) -> Carried:
        """A picture or video as it is, with what has to be done about it there."""
        missed = field.limits.problems(asset.facts)
        fix = fix_for(field.limits, asset.facts) if missed else None
        milliseconds = trim.longest(field.limits, asset.milliseconds)
        if fix is not None:
            milliseconds = min(milliseconds, int(fix.recipe.get("stop", milliseconds)))
        note = ""
        if fix is not None and milliseconds < asset.milliseconds:
            words = _(
                "It takes %(most)s: the first %(kept)s of the %(whole)s can be kept there with one "
                "click."
            )
            values = {
                "most": _most(field),
                "kept": length(milliseconds / 1000),
                "whole": length(asset.seconds),
            }
            note = words % values
        elif missed:
            note = f"{translated(field.label)}: {translated(missed[0].sentence)}"
        return Carried(field, asset, milliseconds, asset.milliseconds, note=note)

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """Every choice of the other model: those of the draft that it knows by name and value, its
        own defaults for the rest."""
        mine = self.draft.chosen
        given = {name: value for name, value in mine.items() if _knows(self.spec, name, value)}
        return entries.clean_choices(self.spec, given)

    @cached_property
    def lost(self) -> list[str]:
        """“Style: Calm” for every choice and file that counts here and that the other model has no
        place for."""
        mine, found = self.draft.chosen, []
        for parameter in self.draft.spec.choices():
            heeded = (
                parameter.only_when is None
                or mine.get(parameter.only_when[0]) == parameter.only_when[1]
            )
            if heeded and not _knows(self.spec, parameter.name, mine[parameter.name]):
                label = next(
                    (
                        label
                        for value, label, _help in parameter.words
                        if value == mine[parameter.name]
                    ),
                    "",
                )
                found.append(f"{translated(parameter.label)}: {translated(label)}")
        gone = {asset.pk for asset in self.draft.files.values()} - {
            file.asset.pk for file in self.carried
        }
        found += [asset.name for asset in self.draft.files.values() if asset.pk in gone]
        template = self.draft.template
        if template is not None and template.video is None:
            found.append(
                _("the template “%(name)s”, whose video is not here") % {"name": template.name}
            )
        return found

    @property
    def fields(self) -> dict[str, str]:
        """The draft of the other model as form fields."""
        found = {"model": self.spec.name}
        for file in self.carried:
            found[file.field.name] = file.asset.public_id
            if file.parts is not None and file.parts != trim.read(
                "", file.asset, file.field.limits
            ):
                found[KEEP + file.field.name] = file.parts.form_value
            if file.consented:
                found[CONSENT + file.field.name] = file.asset.public_id
            if file.edit:
                found[EDIT + file.field.name] = file.edit
        found |= {
            p.name: form_value(self.chosen[p.name])
            for p in self.spec.choices()
            if self.chosen[p.name] != p.usual(self.draft.team.default_shape)
        }
        named = self.draft.account or (
            self.draft.template.account if self.draft.template is not None else None
        )
        if named is not None and self.account == named:
            found["account"] = named.public_id
        if self.draft.title:
            found["title"] = self.draft.title
        return found

    @property
    def url(self) -> str:
        return (
            reverse(f"jobs:{page_of(self.spec)}", args=[self.draft.team.slug])
            + "?"
            + urlencode(self.fields)
        )

    @property
    def label(self) -> str:
        return _("Make the same with %(model)s") % {"model": translated(self.spec.label)}

    # ── what it costs ──

    @property
    def milliseconds(self) -> int:
        """Length of the video there; 0 while nothing with a length is chosen."""
        decides = self.spec.input(self.spec.length_of).kind if self.spec.length_of else ""
        kind = "video" if decides == "template" else decides
        return next((file.milliseconds for file in self.carried if file.field.kind == kind), 0)

    def _quote(
        self,
        spec: entries.Model,
        chosen: dict[str, Any],
        milliseconds: int,
        account: Account | None,
    ) -> prices.Quote | None:
        region = account.region if account is not None else ""
        try:
            return prices.quote(
                spec,
                spec.variant_of(chosen),
                Decimal(milliseconds) / 1000,
                currency=self.draft.team.currency,
                region=region,
            )
        except prices.NoPrice:
            return None

    @cached_property
    def quote(self) -> prices.Quote | None:
        """The video there; None when it has no price."""
        return self._quote(self.spec, self.chosen, self.milliseconds, self.account)

    @property
    def total(self) -> str:
        """“$0.7168”; "" without a length or a price."""
        return (
            formats.money_of(self.quote.micros, self.quote.currency)
            if self.quote is not None and self.milliseconds
            else ""
        )

    def price(self, here: int | None) -> str:
        """“$0.7168 for these 10.0 s, +$0.6022” against `here`, micros of the draft as it is (None:
        of its video alone); per second while nothing has a length."""
        quote = self.quote
        if quote is None:
            return _("no price yet")
        if not self.milliseconds:
            now = self._quote(self.draft.spec, self.draft.chosen, 0, self.account)
            each = formats.money_of(quote.price.micros, quote.currency)
            if now is None:
                return _("%(each)s a second") % {"each": each}
            return _("%(each)s a second instead of %(now)s") % {
                "each": each,
                "now": formats.money_of(now.price.micros, now.currency),
            }
        whole = self.draft.milliseconds or self.milliseconds
        values = {
            "total": self.total,
            "length": length(self.milliseconds / 1000),
            "whole": length(whole / 1000),
        }
        price = (
            _("%(total)s for %(length)s of these %(whole)s")
            if self.milliseconds < whole
            else _("%(total)s for these %(length)s")
        ) % values
        if here is None:
            now = self._quote(self.draft.spec, self.draft.chosen, whole, self.account)
            here = now.micros if now is not None else quote.micros
        apart = quote.micros - here
        if not apart:
            return _("%(said)s, the same as here") % {"said": price}
        return f"{price}, {'+' if apart > 0 else ''}{formats.money_of(apart, quote.currency)}"

    @cached_property
    def check_note(self) -> str:
        """That the picture has to be checked anew; "" when it is known there, or the model asks for
        no check."""
        picture = next((file.asset for file in self.carried if file.field.kind == "image"), None)
        if not self.spec.check or picture is None:
            return ""
        check = entries.get(self.spec.check)
        if checks.known(asset=picture, model=check.name, chosen=self.chosen) is not None:
            return ""
        quote = self._check_quote(check)
        return (
            _("Its own check of the picture costs %(price)s, once.") % {"price": quote}
            if quote
            else ""
        )

    def _check_quote(self, check: entries.Model) -> str:
        region = self.account.region if self.account is not None else ""
        try:
            quote = prices.quote(
                check, "", Decimal(1), currency=self.draft.team.currency, region=region
            )
        except prices.NoPrice:
            return ""
        return formats.money_of(quote.micros, quote.currency)

    @property
    def notes(self) -> list[str]:
        """What is different there: the template, parts of files, files that have to be fitted, the
        check."""
        dances = self.draft.spec.makes or self.draft.spec.kind is entries.Kind.TEMPLATE
        itself = (
            _("It takes the video itself, so no template is needed.")
            if dances and not self.spec.makes
            else ""
        )
        return [
            note
            for note in (*(file.note for file in self.carried), itself, self.check_note)
            if note
        ]


def _knows(spec: entries.Model, name: str, value: Any) -> bool:
    """Whether `spec` has a parameter of this name that takes this very value; True is not 1."""
    return any(
        p.name == name and any(type(known) is type(value) and known == value for known in p.values)
        for p in spec.choices()
    )


def _most(field: FileField) -> str:
    """“at most 30 s”, “less than 20 s”."""
    words = _("less than %(n)s s") if field.limits.open_seconds else _("at most %(n)s s")
    return words % {"n": f"{field.limits.max_seconds:g}"}
