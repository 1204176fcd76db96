"""The cards of a team's lanes of the board: what renders, how many wait, when the line
ends, and which are paused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.accounts import pauses
from jobs.catalogue import entries
from jobs.common.states import OUT, State
from jobs.engine import eta
from jobs.models import Account, Job, Lane, PauseState
from jobs.pages import labels
from jobs.pages.service_time import ServiceTime, service_time_of
from studio.common.translatable import phrase, together, translated
from studio.models.people import Team

_WELL = (Account.Health.OK, Account.Health.UNTRIED, Account.Health.THROTTLED)


@dataclass
class Card:
    """One lane, or a whole account whose lanes are idle while it is paused. `closed` is what is
    paused or in trouble, and `note` is about that."""

    label: str
    account: str
    team: Team
    closed: Account | Lane | None = None
    closed_word: str = ""
    note: str = ""
    running: Job | None = None
    place: eta.Place | None = None
    out: int = 0
    others: int = 0  # tasks of another team on the same Model Studio connection
    waiting: int = 0
    ends_at: datetime | None = None

    @property
    def state_word(self) -> str:
        if self.running is not None:
            return labels.state_word(self.running)
        return "held" if self.closed_word else "queued"

    @property
    def state_label(self) -> str:
        if self.running is not None:
            return labels.state_label(self.running)
        if self.closed_word:
            return self.closed_word
        return _("Busy") if self.others else _("Waiting") if self.waiting else _("Free.")

    @property
    def sentence(self) -> str | SafeString:
        if self.running is not None:
            words = labels.sentence(self.running, self.place)
            return words[2:] if words.startswith("· ") else words
        if self.closed_word:
            return self.note
        if self.others:
            return _("with a video of another team on the same Model Studio connection")
        return (
            _("%(n)s for their turn") % {"n": self.waiting}
            if self.waiting
            else _("A job sent now starts at once.")
        )

    @property
    def pause_line(self) -> str | SafeString:
        """Why nothing more is sent while an earlier video is still being made."""
        return (
            format_html("<b>{}.</b> {}", self.closed_word, self.note)
            if self.running is not None and self.closed_word
            else ""
        )

    @property
    def service_time(self) -> ServiceTime | None:
        return service_time_of(self.running) if self.running is not None else None

    @property
    def url(self) -> str:
        return (
            reverse("jobs:job", args=[self.team.slug, self.running.public_id])
            if self.running is not None
            else ""
        )

    @property
    def total(self) -> int:
        return self.out + self.others + self.waiting

    @property
    def on(self) -> int:
        return 1 if self.running is not None or self.others else 0

    @property
    def next(self) -> int:
        return max(0, self.out + self.others - self.on)

    @property
    def line_label(self) -> str:
        return _("%(out)s at the service, %(waiting)s waiting here") % {
            "out": self.out + self.others,
            "waiting": self.waiting,
        }

    @property
    def ends(self) -> str:
        return (
            _("queue ends ≈ %(time)s") % {"time": labels.hour(self.ends_at)}
            if self.total and self.ends_at
            else ""
        )


@dataclass(frozen=True, slots=True)
class TeamLanes:
    """The lanes that a team's accounts use, with their account. `shared`: an account of somebody
    else may use one of them too."""

    lanes: list[Lane]
    shared: bool

    @classmethod
    def of(cls, team: Team) -> TeamLanes:
        mine = Q(account__team=team, account__removed_at=None) | Q(account__shared_by__team=team)
        others = Account.objects.filter(same_as=OuterRef("account_id"))
        lanes = (
            Lane.objects.filter(mine)
            .select_related("account", "account__pause_set_by", "pause_set_by")
            .annotate(shared=Exists(others))
        )
        found = list(lanes.distinct().order_by("account_id", "model"))
        return cls([*found], any(lane.shared for lane in found))


def in_lanes(team_lanes: TeamLanes, loaded: Sequence[Job], *, whole: bool) -> list[Job]:
    """The open jobs of whole lanes: what is `loaded`, and one statement more only when that is not
    the `whole` of the team's or when others stand in these lanes too. Jobs of others are only
    counted, never shown."""
    if whole and not team_lanes.shared:
        return [*loaded]
    others = Job.objects.filter(
        lane__in=[lane.pk for lane in team_lanes.lanes], state__in=(State.QUEUED, *OUT)
    ).exclude(pk__in=[job.pk for job in loaded])
    return [
        *loaded,
        *others.select_related("account", "lane", "lane__account").order_by("id")[
            : eta.MOST - len(loaded)
        ],
    ]


def cards(
    team: Team,
    lanes: Iterable[Lane],
    open_jobs: Iterable[Job],
    counts: Mapping[int, int],
    places: Mapping[int, eta.Place],
) -> list[Card]:
    """A card for each of `lanes` with open jobs, a pause or trouble; those that render first,
    without a statement.

    `open_jobs` are the open jobs of the whole lanes; `counts` has how many of the team wait per
    lane, which may be more.
    """
    by_lane: dict[int, list[Job]] = {}
    for job in open_jobs:
        by_lane.setdefault(job.lane_id, []).append(job)
    found: list[tuple[Lane, Card]] = []
    idle: dict[int, Lane] = {}
    seen: set[int] = set()
    for lane in lanes:
        jobs = by_lane.get(lane.pk, [])
        card = _card(team, lane, jobs, counts.get(lane.pk, 0), places)
        if card.out or card.waiting or isinstance(card.closed, Lane):
            found.append((lane, card))
            seen.add(lane.account_id)
        elif card.closed is not None:
            idle.setdefault(lane.account_id, lane)
    for account_id, lane in idle.items():
        if account_id not in seen:
            card = _card(team, lane, [], 0, places)
            card.label, card.account = (
                lane.account.label if lane.account.team_id == team.pk else _("Shared connection"),
                _("every model"),
            )
            found.append((lane, card))
    found.sort(key=lambda pair: (pair[1].running is None, pair[0].pk))
    return [card for _lane, card in found]


def _card(
    team: Team, lane: Lane, jobs: list[Job], waiting: int, places: Mapping[int, eta.Place]
) -> Card:
    spec = entries.MODELS.get(lane.model)
    own = [job for job in jobs if job.team_id == team.pk]
    account = (
        lane.account
        if lane.account.team_id == team.pk
        else next((job.account for job in own), None)
    )
    whose = (
        _("Connection %(name)s") % {"name": account.label}
        if account is not None
        else _("Shared connection")
    )
    card = Card(translated(spec.label) if spec else lane.model, whose, team, waiting=waiting)
    out = [job for job in own if State(job.state) in OUT]
    card.out, card.running = len(out), min(out, key=_order_at_service, default=None)
    card.others = sum(1 for job in jobs if job.team_id != team.pk and State(job.state) in OUT)
    card.place = places.get(card.running.pk) if card.running is not None else None
    card.closed, card.closed_word, card.note = _closed(account, lane, team)
    ends = [
        place.ready_at
        for job in own
        if (place := places.get(job.pk)) is not None and State(job.state) in (*OUT, State.QUEUED)
    ]
    known = [at for at in ends if at is not None]
    card.ends_at = max(known) if known and len(known) == len(ends) else None
    return card


def _order_at_service(job: Job) -> tuple[int, int]:
    """Which of a lane's tasks is shown: that which renders, then that which waits there,
    then what is unclear."""
    if job.state == State.RUNNING:
        return (0 if job.provider_status != "PENDING" else 1), job.pk
    return (2 if job.state == State.SUBMITTING else 3), job.pk


def _closed(
    account: Account | None, lane: Lane, team: Team
) -> tuple[Account | Lane | None, str, str]:
    """(what is paused or in trouble, its word, what it says); (None, "", "") when everything is
    open and well."""
    both: list[Account | Lane] = [one for one in (account, lane) if one is not None]
    for state, word in (
        (PauseState.PAUSED, _("Paused")),
        (PauseState.DRAINING, _("Finishes its queue")),
    ):
        for one in both:
            if one.pause_state == state:
                follows = phrase("What waits is still sent; nothing new is taken.")
                if state == PauseState.PAUSED:
                    follows = phrase("Nothing is sent until someone opens it.")
                return (
                    one,
                    word,
                    translated(
                        together(phrase("%(what)s.", what=pauses.sentence(one, team)), follows)
                    ),
                )
    now = timezone.now()
    for one in both:
        says = one.health_text if isinstance(one, Account) else one.paused_text
        if one.paused(now):
            return (
                one,
                _("Rests until %(time)s") % {"time": labels.hour(one.paused_until)},
                translated(says) if says else "",
            )
        if one.health not in _WELL:
            return (
                one,
                _("Trouble"),
                " ".join(
                    part
                    for part in (
                        translated(says) if says else "",
                        _("Tried again with the next job."),
                    )
                    if part
                ),
            )
    return None, "", ""
