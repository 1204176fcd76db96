"""Dance templates as cards show them: their addresses, what is said of their use and cost, and the
buttons that make them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.catalogue import entries as catalogue
from jobs.catalogue.create_pages import dance_of, page_of
from jobs.models import Template
from jobs.orders.templates import Remake, TemplateSummary, summaries
from studio.common import formats
from studio.models.people import Team, User

PLAYED = ("mp4", "mov")  # what a browser shows in a loop; of anything else there is the picture


@dataclass(frozen=True, slots=True)
class RemakeButton:
    """`url` is the create page of the template model, with the video and the account in it."""

    label: str
    price: str
    url: str

    @classmethod
    def of(cls, template: Template, remake: Remake, team: Team) -> RemakeButton:
        words = (
            _("Make it again")
            if remake.same
            else _("Make it on %(account)s too") % {"account": remake.account.label}
        )
        label = f"{words} — {remake.price}" if remake.price else words
        return cls(label, remake.price, _remake_url(template, remake, team))


def _remake_url(template: Template, remake: Remake, team: Team) -> str:
    spec, video = catalogue.get(template.model), template.video
    assert video is not None  # noqa: S101  (nothing is made again without its video)
    query = {
        "model": spec.name,
        spec.inputs_of("video")[0].name: video.public_id,
        "account": remake.account.public_id,
    }
    return reverse(f"jobs:{page_of(spec)}", args=[team.slug]) + "?" + urlencode(query)


@dataclass(frozen=True, slots=True)
class TemplateCard:
    summary: TemplateSummary

    @property
    def template(self) -> Template:
        return self.summary.template

    @property
    def team(self) -> Team:
        return self.summary.team

    @property
    def uses(self) -> int:
        return self.summary.uses

    @property
    def last_use(self) -> datetime | None:
        return self.summary.last_use

    @property
    def replaced(self) -> bool:
        return self.summary.replaced

    @property
    def url(self) -> str:
        return reverse("jobs:template_detail", args=[self.team.slug, self.template.public_id])

    @property
    def use_url(self) -> str:
        """The dance page with the template chosen; "" when nothing dances it, or the service has
        forgotten it."""
        model = (
            dance_of(catalogue.get(self.template.model))
            if self.template.model in catalogue.MODELS
            else None
        )
        if model is None or self.template.forgotten:
            return ""
        query = {"model": model.name, "template": self.template.public_id}
        return reverse(f"jobs:{page_of(model)}", args=[self.team.slug]) + "?" + urlencode(query)

    def _file(self, what: str) -> str:
        asset = self.template.video
        return (
            reverse("asset_file", args=[self.team.slug, asset.public_id, what])
            if asset is not None
            else ""
        )

    @property
    def poster_url(self) -> str:
        return (
            self._file("thumb")
            if self.template.video is not None and self.template.video.thumb
            else ""
        )

    @property
    def loop_url(self) -> str:
        """The video that the moves are from; "" when it is not here, or no browser plays it."""
        return (
            self._file("original")
            if self.template.video is not None and self.template.video.format in PLAYED
            else ""
        )

    @property
    def used(self) -> str:
        words = {0: _("not used yet"), 1: _("used once")}
        return words.get(self.summary.uses) or _("used %(n)s times") % {"n": self.summary.uses}

    @property
    def cost(self) -> str:
        """“$0.1170 paid once, $0.0293 a use after 4”; "" when it is not known what was paid."""
        if self.summary.paid is None:
            return ""
        once = {"paid": formats.money_of(self.summary.paid, self.team.currency)}
        if not self.summary.uses:
            return _("%(paid)s paid once") % once
        each = formats.money_of(round(self.summary.paid / self.summary.uses), self.team.currency)
        return _("%(paid)s paid once, %(each)s a use after %(n)s") % {
            **once,
            "each": each,
            "n": self.summary.uses,
        }

    def _buttons(self, *, same: bool) -> list[RemakeButton]:
        return [
            RemakeButton.of(self.template, remake, self.team)
            for remake in self.summary.remakes
            if remake.same is same
        ]

    @property
    def again(self) -> RemakeButton | None:
        """On its own account, when the service has forgotten it there."""
        return next(iter(self._buttons(same=True)), None)

    @property
    def anew(self) -> RemakeButton | None:
        """Where one that the service has forgotten is made again: its own account, else another;
        None when that is not needed or cannot be."""
        if not self.template.forgotten or self.replaced or not self.summary.remakes:
            return None
        return RemakeButton.of(self.template, self.summary.remakes[0], self.team)

    @property
    def elsewhere(self) -> list[RemakeButton]:
        """On other accounts of the team that do not have it yet."""
        return self._buttons(same=False)


def template_cards(
    team: Team, rows: Sequence[Template], reader: User | None = None
) -> list[TemplateCard]:
    """The cards of `rows` of `team` (with account and asset), in their order. A few statements
    however many there are."""
    return [TemplateCard(summary) for summary in summaries(team, rows, reader)]
