"""Many at once: every chosen picture with every chosen speech, as a matrix of films. What of it
fits, what it costs, and the wishes.

Nothing is stored before the click: the pictures, the speeches, the choices and the cells that were
taken out stand in the address.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.accounts import choice
from jobs.billing import budget, confirmed_price, prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.engine import checks, eta
from jobs.models import Account, Check
from jobs.orders import consent, create_set, order_request, trim
from jobs.orders.trim import Trim
from jobs.pages import labels
from jobs.pages.budget_summary import BudgetSummary, no_room
from jobs.pages.create import presets
from jobs.pages.create.draft import word
from jobs.pages.create.file_slots import facts_line, file_url
from jobs.pages.create.page import Choice, Option
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models import Asset, Team, User

SIDE = 20  # pictures, and speeches
SHOWN = 60  # files of the library that are offered
SEPARATOR = "."  # between the ids of the files that one tick is for


@dataclass(frozen=True, slots=True)
class Head:
    """A picture or a speech at the edge of the matrix. `state` of a picture: passed, unknown,
    waits, refused; of a speech: fits, refused."""

    asset: Asset
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The word that is still to be given for chosen files of one kind: the form's `value`, what is
    agreed to, and whether it is ticked."""

    files: list[Asset]
    ticked: bool

    @property
    def kind(self) -> str:
        return self.files[0].kind

    @property
    def value(self) -> str:
        return SEPARATOR.join(asset.public_id for asset in self.files)

    @property
    def label(self) -> str:
        label = {
            "image": _("The team may use these people’s likenesses: %(names)s"),
            "audio": _("The team may use these people’s voices: %(names)s"),
        }[self.kind]
        return label % {"names": ", ".join(asset.name for asset in self.files)}

    @property
    def ask(self) -> str:
        return {
            "image": _("Say first that the team may use these pictures."),
            "audio": _("Say first that the team may use these speeches."),
        }[self.kind]

    @property
    def words(self) -> str:
        """What is kept with each file."""
        return consent.Right(self.files[0], None, self.ticked).words


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture with a speech. `on`: it is to be made; `words` say its price, or why it cannot be
    made now."""

    name: str
    label: str
    state: str
    words: str
    on: bool


class Batch:
    """What `data` (an address or a form) asks for, for `user` in `team`. 404s are for the view:
    `spec` must be a portrait model."""

    def __init__(self, team: Team, user: User, spec: entries.Model, data: QueryDict) -> None:
        self.team, self.user, self.spec = team, user, spec
        self.key = data.get("key", "")[:40] or uuid.uuid4().hex
        self.title = " ".join(data.get("title", "").replace("\x00", " ").split())[:200]
        given = {
            p.name: value
            for p in spec.choices()
            for value in p.values
            if word(value) == data.get(p.name)
        }
        self.chosen = entries.clean_choices(spec, given)
        self.picture_input, self.speech_input = (
            spec.inputs_of("image")[0],
            spec.input(spec.length_of),
        )
        self.pictures = self._files("image", data.getlist("picture"))
        self.speeches = self._files("audio", data.getlist("speech"))
        self.too_many = any(len(set(data.getlist(name))) > SIDE for name in ("picture", "speech"))
        # A box that is not ticked is not sent, so the form tells besides which ones were there.
        seen = {name for names in data.getlist("seen") for name in names.split()}
        self.off = set(data.getlist("off")) | (seen - set(data.getlist("cell")))
        self.said = {one for ids in data.getlist("consent") for one in ids.split(SEPARATOR)}

    def _files(self, kind: str, ids: list[str]) -> list[Asset]:
        named = [
            one for one in dict.fromkeys(ids[:SIDE]) if "\x00" not in one
        ]  # PostgreSQL refuses to be asked for it
        found = {
            asset.public_id: asset
            for asset in self.team.assets.filter(kind=kind, public_id__in=named).select_related(
                "parent"
            )
        }
        return [found[one] for one in named if one in found]

    # ── addresses ──

    @property
    def url(self) -> str:
        return reverse("jobs:batch", args=[self.team.slug])

    def query(self, chosen: dict[str, Any] | None = None) -> str:
        chosen = self.chosen if chosen is None else chosen
        pairs = [
            ("model", self.spec.name),
            *(("picture", a.public_id) for a in self.pictures),
            *(("speech", a.public_id) for a in self.speeches),
        ]
        pairs += [
            (p.name, word(chosen[p.name]))
            for p in self.spec.choices()
            if chosen[p.name] != p.default
        ]
        pairs += [
            ("off", name)
            for name in sorted(self.off & {cell.name for row in self.rows for cell in row[1]})
        ]
        pairs += [("consent", asked.value) for asked in self.asked if asked.ticked]
        pairs += [("consent", self.said_besides)] if self.said_besides else []
        return urlencode(pairs + ([("title", self.title)] if self.title else []))

    @property
    def address(self) -> str:
        return f"{self.url}?{self.query()}"

    # ── what is offered ──

    @property
    def models(self) -> list[entries.Model]:
        return models_of("portrait")

    @cached_property
    def library(self) -> dict[str, list[dict[str, Any]]]:
        """Pictures and speeches to choose from: those chosen, then the newest that fit."""
        found = {}
        for name, kind, chosen in (
            ("picture", "image", self.pictures),
            ("speech", "audio", self.speeches),
        ):
            taken = {asset.pk for asset in chosen}
            rest = [
                asset
                for asset in self.team.assets.filter(kind=kind)[:SHOWN]
                if asset.pk not in taken
            ]
            found[name] = [
                self._offer(name, asset, asset.pk in taken) for asset in [*chosen, *rest]
            ]
        return found

    def _offer(self, name: str, asset: Asset, on: bool) -> dict[str, Any]:
        problem = self._problem(asset)
        return {
            "id": f"{name}-{asset.public_id}",
            "asset": asset,
            "on": on,
            "unfit": bool(problem) and not on,
            "facts": problem or facts_line(asset),
            "thumb_url": file_url(self.team, asset, "thumb") if asset.thumb else "",
        }

    @property
    def choices(self) -> list[Choice]:
        found = []
        for p in self.spec.choices():
            options = [
                Option(
                    word(v),
                    translated(label),
                    translated(help_) if help_ else "",
                    "",
                    self.chosen[p.name] == v,
                )
                for v, label, help_ in p.words
            ]
            found.append(Choice(p.name, translated(p.label), options))
        return found

    @property
    def presets(self) -> list[tuple[str, str]]:
        """(name, the same matrix with its choices)."""
        mine = self.team.presets.filter(model=self.spec.name)
        return [
            (preset.name, f"{self.url}?{self.query(presets.choices_of(preset, self.spec))}")
            for preset in mine
        ]

    # ── the matrix ──

    @cached_property
    def account(self) -> Account | None:
        return choice.account_for(self.team, self.spec.name)

    def _kept(self, asset: Asset) -> Trim | None:
        return (
            trim.read("", asset, self.speech_input.limits)
            if self.speech_input.limits is not None
            else None
        )

    def _problem(self, asset: Asset) -> str:
        """Why no film can be made of this file; "" for one that fits. Of a long speech as much is
        kept as the model takes."""
        limits = (
            self.picture_input.limits
            if asset.kind == Asset.Kind.IMAGE
            else self.speech_input.limits
        )
        if limits is None:
            return ""
        parts = self._kept(asset) if asset.kind == Asset.Kind.AUDIO else None
        problems = limits.problems(
            trim.facts_of(asset, parts, limits) if parts is not None else asset.facts
        )
        return translated(problems[0].sentence) if problems else ""

    @cached_property
    def heads(self) -> list[Head]:
        """The speeches, left to right."""
        found = []
        for asset in self.speeches:
            problem, parts = self._problem(asset), self._kept(asset)
            note = problem or length(asset.seconds)
            if not problem and parts is not None and not parts.everything:
                note = _("first %(kept)s of %(whole)s") % {
                    "kept": length(parts.milliseconds / 1000),
                    "whole": length(asset.seconds),
                }
            found.append(Head(asset, "refused" if problem else "fits", note))
        return found

    def _known(self, picture: Asset) -> Check | None:
        return (
            checks.known(asset=picture, model=self.spec.check, chosen=self.chosen)
            if self.spec.check
            else None
        )

    def _head(self, picture: Asset) -> Head:
        problem = self._problem(picture)
        if problem:
            return Head(picture, "refused", problem)
        if not self.spec.check:
            return Head(picture, "passed", "")
        check = self._known(picture)
        if check is None or check.state in (Check.State.UNCERTAIN, Check.State.FAILED):
            return Head(
                picture,
                "unknown",
                _("not checked yet") if check is None else _("the check has no answer"),
            )
        if check.state == Check.State.PASSED:
            return Head(picture, "passed", "")
        if check.state == Check.State.REFUSED:
            return Head(
                picture,
                "refused",
                translated(check.sentence) or _("The service does not take this picture."),
            )
        return Head(picture, "waits", _("is being checked"))

    @cached_property
    def rows(self) -> list[tuple[Head, list[Cell]]]:
        """Each picture, with its cells from left to right."""
        prices = [self._price(head) for head in self.heads]
        return [
            (
                head,
                [
                    self._cell(head, speech, price)
                    for speech, price in zip(self.heads, prices, strict=True)
                ],
            )
            for head in map(self._head, self.pictures)
        ]

    def _price(self, speech: Head) -> prices.Quote | None:
        parts = self._kept(speech.asset)
        milliseconds = parts.milliseconds if parts is not None else speech.asset.milliseconds
        region = self.account.region if self.account else ""
        try:
            return prices.quote(
                self.spec,
                self.spec.variant_of(self.chosen),
                Decimal(milliseconds) / 1000,
                currency=self.team.currency,
                region=region,
            )
        except prices.NoPrice:
            return None

    def _cell(self, picture: Head, speech: Head, price: prices.Quote | None) -> Cell:
        name = f"{picture.asset.public_id}.{speech.asset.public_id}"
        label = _("%(picture)s with %(speech)s") % {
            "picture": picture.asset.name,
            "speech": speech.asset.name,
        }
        for head in (picture, speech):
            if head.state == "refused":
                return Cell(name, label, "refused", head.note, False)
        if price is None:
            return Cell(name, label, "refused", _("no price"), False)
        state = "fits" if picture.state == "passed" else picture.state
        words = prices.format_money(price.micros, price.currency)
        return Cell(
            name,
            label,
            state,
            words if state == "fits" else f"{words} · {picture.note}",
            name not in self.off,
        )

    # ── what is to be made ──

    @cached_property
    def chosen_cells(self) -> list[tuple[Asset, Head]]:
        """(picture, speech) of every film that is to be made and fits."""
        pairs = [
            (row.asset, cell, speech)
            for row, cells in self.rows
            for cell, speech in zip(cells, self.heads, strict=True)
        ]
        return [
            (picture, speech) for picture, cell, speech in pairs if cell.on and cell.state == "fits"
        ]

    @cached_property
    def asked(self) -> list[Asked]:
        """The words that are missing for what is to be made, pictures first."""
        sides = (
            [picture for picture, _speech in self.chosen_cells],
            [speech.asset for _picture, speech in self.chosen_cells],
        )
        missing = [consent.unsaid({asset.pk: asset for asset in side}.values()) for side in sides]
        return [
            Asked(files, self.said.issuperset(asset.public_id for asset in files))
            for files in missing
            if files
        ]

    @property
    def said_besides(self) -> str:
        """What was ticked for files of which nothing is to be made now: who takes their films in
        again is not asked again."""
        asked = {asset.public_id for one in self.asked for asset in one.files}
        return SEPARATOR.join(
            a.public_id
            for a in (*self.pictures, *self.speeches)
            if a.public_id in self.said - asked
        )

    def give(self, by: User) -> None:
        """Keep every word that is ticked, as said by `by` now."""
        for asked in self.asked:
            if asked.ticked:
                consent.give_all(asked.files, by, asked.words)

    @property
    def unknown(self) -> list[Asset]:
        """Pictures that the service has to look at first, as far as a film of them is wanted."""
        return [
            row.asset
            for row, cells in self.rows
            if row.state == "unknown" and (not cells or any(cell.on for cell in cells))
        ]

    @property
    def waits(self) -> bool:
        return any(row.state == "waits" for row, _cells in self.rows)

    @property
    def check_price(self) -> str:
        """What the checks of all unknown pictures cost; "" without a price."""
        return (
            prices.format_money(self.check_micros, self.team.currency) if self.check_micros else ""
        )

    @cached_property
    def check_micros(self) -> int:
        """The same in millionths; 0 without a price."""
        if not self.spec.check or self.account is None:
            return 0
        try:
            return checks.price(self.spec.check, self.account).micros * len(self.unknown)
        except prices.NoPrice:
            return 0

    @property
    def check_label(self) -> str:
        n = len(self.unknown)
        return ngettext("Check %(n)s picture", "Check %(n)s pictures", n) % {"n": n}

    @cached_property
    def wishes(self) -> list[order_request.OrderRequest]:
        found = []
        for picture, speech in self.chosen_cells:
            parts = self._kept(speech.asset)
            title = (
                f"{picture.name.rsplit('.', 1)[0][:90]} · "
                f"{speech.asset.name.rsplit('.', 1)[0][:90]}"
            )
            found.append(
                order_request.OrderRequest(
                    team=self.team,
                    owner=self.user,
                    model=self.spec.name,
                    files={self.picture_input.name: picture, self.speech_input.name: speech.asset},
                    chosen=dict(self.chosen),
                    account=self.account,
                    title=title,
                    key=self.key,
                    trims={self.speech_input.name: parts} if parts is not None else {},
                )
            )
        return found

    @cached_property
    def micros(self) -> int:
        prices = {head.asset.pk: self._price(head) for head in self.heads}
        return sum(
            price.micros
            for _picture, speech in self.chosen_cells
            if (price := prices[speech.asset.pk]) is not None
        )

    @property
    def total(self) -> str:
        return prices.format_money(self.micros, self.team.currency) if self.chosen_cells else ""

    @property
    def seen(self) -> str:
        """The cells that the form shows a box for, in one field: four hundred of them would make a
        heavy page."""
        return " ".join(
            cell.name for _head, cells in self.rows for cell in cells if cell.state != "refused"
        )

    @property
    def told(self) -> str:
        """The prices of the buttons, for the form that they belong to."""
        return confirmed_price.word(
            ({"make": self.micros} if self.chosen_cells else {})
            | ({"check": self.check_micros} if self.check_micros else {})
        )

    @property
    def make_label(self) -> str:
        n = len(self.chosen_cells)
        return (
            ngettext("Make %(n)s film", "Make %(n)s films", n) % {"n": n} if n else _("Make films")
        )

    @cached_property
    def purse(self) -> BudgetSummary:
        return BudgetSummary.of(self.team, self.user)

    @property
    def left_after(self) -> str:
        return self.purse.left_after(self.micros)

    @property
    def times(self) -> str:
        """When the last of them is ready, as far as anybody can tell."""
        if self.account is None or not self.chosen_cells:
            return ""
        variant = self.spec.variant_of(self.chosen)
        films = []
        for _picture, speech in self.chosen_cells:
            parts = self._kept(speech.asset)
            films.append(
                (variant, parts.milliseconds if parts is not None else speech.asset.milliseconds)
            )
        last = max(
            eta.next_places(self.account, self.spec.name, films, self.user),
            key=lambda place: place.position,
        )
        words = labels.ready_words(last)
        return _("the last one %(ready)s") % {"ready": words} if words else ""

    @cached_property
    def why(self) -> str:
        """Why nothing can be made now; "" when it can."""
        return self.blocked or no_room(self.team, self.user, self.micros)

    @cached_property
    def blocked(self) -> str:
        """The same without the budget, which the click itself tests: a second one finds the set of
        the first."""
        if self.account is None:
            return _("There is no account yet. Add one with its API key first.")
        if self.too_many:
            return _(
                "At most %(n)s pictures and %(n)s speeches go into one group. Take some away."
            ) % {"n": SIDE}
        if not self.pictures or not self.speeches:
            return _("Choose at least one picture and one speech.")
        if not self.chosen_cells:
            if self.waits:
                return _("The pictures are being checked.")
            return (
                _("The pictures are not checked yet.")
                if self.unknown
                else _("No cell of the matrix is chosen that fits.")
            )
        if len(self.chosen_cells) > create_set.MOST:
            return _(
                "These are %(n)s films, and at most %(most)s are made with one click. Take some "
                "out."
            ) % {
                "n": len(self.chosen_cells),
                "most": create_set.MOST,
            }
        return next((asked.ask for asked in self.asked if not asked.ticked), "")

    def have_checked(self) -> list[str]:
        """Ask the service about every unknown picture; the sentences why not, each once."""
        sentences: dict[str, None] = {}
        if self.account is None:
            return [_("There is no account yet. Add one with its API key first.")]
        for picture in self.unknown:
            try:
                known = self._known(picture)
                if known is not None:
                    checks.ask_again(known, self.user, picture)
                else:
                    checks.ask(
                        asset=picture,
                        model=self.spec.check,
                        chosen=self.chosen,
                        account=self.account,
                        by=self.user,
                    )
            except (Refused, budget.OverBudget, prices.NoPrice) as error:
                sentences[translated(error.sentence)] = None
        return list(sentences)
