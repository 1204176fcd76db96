"""What a team may set for itself, as a form. Saving writes what changed, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from jobs.billing import ledger
from jobs.catalogue import entries
from jobs.orders import retention
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import time_zones
from studio.common.translatable import translated
from studio.files import team_picture
from studio.media import MediaError
from studio.models import Team, User
from studio.models.people import Currency
from studio.teams.forms import CURRENCY_HELP

Changes = dict[str, tuple[object, object]]  # column: before, after
COLUMNS = (
    "name",
    "default_shape",
    "currency",
    "time_zone",
    "creators_connect",
    "sharing_allowed",
    "keep_days",
)


class SettingsForm(forms.Form):
    """The settings of `team`, changed by `by`. `currency_fixed`: the ledger has an entry, so it is
    shown and not asked for. `sets_limits`: whoever it is may set limits, and so the time zone."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Of a team, a client or a show.")
    )
    picture = forms.FileField(
        label=_("Picture of the team"),
        required=False,
        help_text=_("A small copy is kept. Members of the team see it, nobody else."),
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )
    no_picture = forms.BooleanField(label=_("Remove the picture"), required=False)
    default_shape = forms.ChoiceField(
        label=_("Usual shape of videos"),
        required=False,
        help_text=_("What a create page begins with, where the model offers this shape."),
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=Currency.choices,
        required=False,
        widget=forms.RadioSelect,
        help_text=CURRENCY_HELP,
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_(
            "Months and days of limits begin at midnight there. Another one counts from now on; "
            "what was spent before keeps its month and day."
        ),
    )
    creators_connect = forms.ChoiceField(
        label=_("Who may add Model Studio connections"),
        choices=(("", _("Owners and admins")), ("on", _("Creators too"))),
        required=False,
        widget=forms.RadioSelect,
        help_text=_(
            "Nobody sees a key that is stored. Only owners and admins pause, change or retire one."
        ),
    )

    sharing_allowed = forms.ChoiceField(
        label=_("Sharing videos by link"),
        choices=(("on", _("Allowed")), ("", _("Not allowed"))),
        required=False,
        widget=forms.RadioSelect,
        help_text=_(
            "Whoever made a video gives people without an account a link to it, for as long as "
            "they choose. Not allowed: links that were made show nothing until it is allowed again."
        ),
    )

    keep_days = forms.TypedChoiceField(
        label=_("Videos and files are kept"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_(
            "What gets older is announced for a week, on pages and by mail, and then goes into the "
            "trash, unless somebody keeps it for good. A file stays for as long as something is "
            "made of it. Another time counts from now on, with a new warning."
        ),
    )

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        files: Mapping[str, object] | None = None,
        *,
        team: Team,
        by: User,
        sets_limits: bool,
    ) -> None:
        given = {name: getattr(team, name) for name in COLUMNS}
        for name in ("creators_connect", "sharing_allowed"):
            given[name] = "on" if given[name] else ""
        super().__init__(data, files, initial=given)  # type: ignore[arg-type]
        self.team, self.by = team, by
        self.currency_fixed = team.ledger.exists()
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)  # noqa: S101
        # Another zone begins another day and month of the limits, so it is for who holds them.
        zone.disabled = not sets_limits
        zone.choices = [(name, name) for name in time_zones.offered()]
        shape, kept = self.fields["default_shape"], self.fields["keep_days"]
        assert isinstance(shape, forms.ChoiceField)  # noqa: S101
        assert isinstance(kept, forms.ChoiceField)  # noqa: S101
        kept.choices = _keep_choices(team)
        shape.choices = [
            ("", _("As each model has it")),
            *((name, name) for name in entries.shapes()),
        ]

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_currency(self) -> str:
        """A page that does not ask for it, or a form of before it was fixed, changes nothing."""
        given = str(self.cleaned_data["currency"] or self.team.currency)
        if given != self.team.currency and self.currency_fixed:
            raise ValidationError(
                _(
                    "Something was paid or reserved in %(currency)s, so the currency is fixed for "
                    "ever. Make another team for another currency."
                )
                % {"currency": self.team.currency}
            )
        return given

    def clean_creators_connect(self) -> bool:
        return bool(self.cleaned_data["creators_connect"] == "on")

    def clean_sharing_allowed(self) -> bool:
        """A form of before there was a choice changes nothing."""
        if self.add_prefix("sharing_allowed") not in self.data:
            return self.team.sharing_allowed
        return bool(self.cleaned_data["sharing_allowed"] == "on")

    def clean_keep_days(self) -> int | None:
        """A form of before there was a choice changes nothing."""
        if self.add_prefix("keep_days") not in self.data:
            return self.team.keep_days
        days: int | None = self.cleaned_data["keep_days"]
        return days

    def save(self) -> Changes:
        """Write what changed; returns it. ValidationError when a picture cannot be kept or
        something was paid meanwhile; then nothing is written."""
        wanted: dict[str, object] = {name: self.cleaned_data[name] for name in COLUMNS}
        picture = self._picture()
        if picture is not None:
            wanted["picture"] = picture
        with transaction.atomic():
            ledger.lock(self.team)
            self.team.refresh_from_db()
            changed = _differences(self.team, wanted)
            if "currency" in changed and self.team.ledger.exists():
                raise ValidationError({"currency": self.fields["currency"].help_text})
            _write(self.team, changed)
            if "keep_days" in changed:
                retention.changed(self.team)
            record(
                Event.TEAM_CHANGED,
                team=self.team,
                by=self.by,
                before={name: before for name, (before, _after) in changed.items()},
                after={name: after for name, (_before, after) in changed.items()},
            )
        return changed

    def _picture(self) -> str | None:
        """The name of the picture to show, "" for none; None when it stays as it is."""
        sent = self.cleaned_data.get("picture")
        if sent:
            try:
                return team_picture.keep(sent, team=self.team, by=self.by)
            except MediaError as error:
                raise ValidationError({"picture": translated(error.sentence)}) from None
        return "" if self.cleaned_data["no_picture"] else None


def _keep_choices(team: Team) -> list[tuple[str, str]]:
    """How long things may be kept, each with how many videos are older now."""
    days = sorted({*retention.CHOICES, *([team.keep_days] if team.keep_days else [])})
    return [
        ("", gettext("until somebody deletes them")),
        *((str(one), _keep_words(team, one)) for one in days),
    ]


def _keep_words(team: Team, days: int) -> str:
    number = retention.older(team, days)
    words = gettext("for %(days)s days (no video is older now)")
    if number:
        words = ngettext(
            "for %(days)s days (%(n)s video is older now)",
            "for %(days)s days (%(n)s videos are older now)",
            number,
        )
    more = "+" if number >= retention.COUNTED else ""
    return words % {"days": days, "n": f"{number}{more}"}


def _differences(team: Team, wanted: Mapping[str, object]) -> Changes:
    before = {name: getattr(team, name) for name in wanted}
    if "picture" in before:
        before["picture"] = str(team.picture.name or "")
    return {name: (before[name], wanted[name]) for name in wanted if before[name] != wanted[name]}


def _write(team: Team, changed: Changes) -> None:
    if not changed:
        return
    columns = {name: after for name, (_before, after) in changed.items()}
    for name, value in columns.items():
        setattr(team, name, value)
    team.save(update_fields=list(columns))
    if "picture" in changed:
        transaction.on_commit(partial(team_picture.drop, str(changed["picture"][0])))
