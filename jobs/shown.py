"""Jobs in words: the sentence of a state, the row on the board, the card of a lane. View-models only, nothing is changed here.

A row says the same to everybody and at any time: no viewer, no role, no "ago". Times that pass are marked with their beginning, and
the page's script lets them run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.template.defaultfilters import date as shown_date
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs import catalogue, forecast, money, schedule
from jobs.models import Job, Lane
from jobs.states import FAULT_WORDS, LABELS, OUT, Code, State
from studio.models.people import Team
from studio.templatetags.ui import filesize_mb
from studio.templatetags.ui import seconds as length

USUAL = 1.4  # how much longer than the prior is nothing special
LAMPS = 9


def ordinal(position: int) -> str:
    """“Next in line”, “2nd in line”: where a waiting job stands."""
    if position <= 1:
        return _("Next in line")
    ending = "th" if 10 <= position % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(position % 10, "th")
    return _("%(place)s in line") % {"place": f"{position}{ending}"}


def hour(moment: datetime | None) -> str:
    return shown_date(moment, "H:i") if moment else ""


def running_for(since: datetime) -> SafeString:
    """The time since `since`, which the page's script keeps up to date."""
    elapsed = max(0, int((timezone.now() - since).total_seconds()))
    return format_html('<span class="num" data-since="{}">{}</span>', since.isoformat(), length(elapsed))


def usual_range(job: Job) -> tuple[float, float]:
    """Seconds that such a job takes at the service: half of them take longer than the first, one of ten longer than the second."""
    return forecast.usual(job) or (schedule.expected(job), schedule.expected(job) * USUAL)


def began(job: Job) -> datetime:
    return job.provider_started_at or job.submitted_at or job.submitting_at or job.created_at


def state_label(job: Job) -> str:
    state = State(job.state)
    if state is State.RUNNING and job.provider_status == "PENDING":
        return _("Waiting at the service")
    if state is State.RUNNING and job.spec.kind is catalogue.Kind.TEMPLATE:
        return _("Making the template")
    if state is State.QUEUED and job.code == Code.ACCOUNT_PAUSED:
        return _("Held, the account rests")
    return _(LABELS[state][0])


def state_word(job: Job) -> str:
    """The look’s word: a mark of the sprite and a colour of the tokens."""
    if job.state == State.QUEUED and job.code in (Code.ACCOUNT_PAUSED, Code.OVER_BUDGET):
        return "held"
    return LABELS[State(job.state)][1]


def cost_sentence(job: Job) -> str:
    """What a job that produced nothing cost."""
    if job.settled_micros:
        return _("The service billed it: %(sum)s.") % {"sum": money.shown(job.settled_micros, job.currency)}
    return _("Nothing was produced, cost %(sum)s.") % {"sum": money.shown(0, job.currency, 2)}


def sentence(job: Job, place: forecast.Place | None = None) -> str | SafeString:
    """What stands behind the state's label; `place` for one that waits for its turn."""
    state = State(job.state)
    if state is State.QUEUED:
        return _queued(job, place)
    if state is State.SUBMITTING:
        return _("to %(model)s") % {"model": job.spec.label}
    if state is State.UNCERTAIN:
        if job.code == Code.SEVERAL_TASKS:
            return _("Several tasks at the service could be this one, so a person decides. Nothing is paid twice.")
        return _("Not sent again, so nothing is paid twice. Looking at the service’s list.")
    if state is State.RUNNING:
        low, high = (length(int(end)) for end in usual_range(job))
        usual = _("usually") if forecast.usual(job) else "≈"
        return format_html("{} · {} {} – {}", running_for(began(job)), usual, low, high)
    if state is State.ARCHIVING:
        gone = hour(job.result_expires_at)
        return (
            _("bringing the film home; the service deletes its copy at %(time)s tomorrow") % {"time": gone} if gone else _("bringing the film home")
        )
    if state is State.SUCCEEDED:
        return _succeeded(job)
    if state is State.FAILED:
        return f"— {_(job.sentence)} {cost_sentence(job)}"
    return _("before it cost anything") if not job.settled_micros else cost_sentence(job)


def _queued(job: Job, place: forecast.Place | None) -> str:
    if job.code == Code.NEEDS_TEMPLATE:
        return _("for its template, which is made first")
    if job.code in (Code.ACCOUNT_PAUSED, Code.OVER_BUDGET):
        return _(job.sentence)
    if job.code == Code.BACKING_OFF:
        again = _("tries again at %(time)s") % {"time": shown_date(job.not_before, "H:i:s")} if job.not_before else _("tries again soon")
        return f"· {_(job.sentence)} {again}".replace("  ", " ") if job.sentence else f"· {again}"
    if place is None:
        return ""
    times = []
    if place.starts_at is not None:
        times.append(_("starts ≈ %(time)s") % {"time": hour(place.starts_at)})
    if place.ready_at is not None:
        times.append(_("ready ≈ %(time)s") % {"time": hour(place.ready_at)})
    return "· " + ", ".join(times) if times else ""


def _succeeded(job: Job) -> str:
    if job.spec.kind is catalogue.Kind.TEMPLATE:
        return _("· a template of %(length)s, ready to use") % {"length": length(float(job.billed_units or job.seconds))}
    made = length(job.result.seconds if job.result is not None else job.seconds)
    return _("· %(length)s, archived %(time)s") % {"length": made, "time": hour(job.finished_at)}


def announcement(job: Job) -> str:
    """What the page's one live region says when this job has changed."""
    return _("%(title)s: %(state)s") % {"title": job.title, "state": state_label(job)}


def amount(job: Job) -> tuple[int, str]:
    """Micros and the word beside them."""
    state = State(job.state)
    if job.settled_micros is not None:
        return job.settled_micros, _("settled")
    if state in (State.FAILED, State.CANCELED):
        return 0, _("released")
    if state is State.UNCERTAIN:
        return job.quote_micros, _("unclear")
    return job.quote_micros, _("held")


def price_shown(micros: int, currency: str) -> str:
    """Four places, and two for nothing: “$0.4725”, “$0.00”."""
    return money.shown(micros, currency, 4 if micros else 2)


def icon_of(spec: catalogue.Model) -> str:
    if spec.kind is catalogue.Kind.TEMPLATE:
        return "template"
    return "portrait" if spec.inputs_of("audio") else "dance"


def chosen_words(job: Job) -> list[tuple[str, str]]:
    """(parameter, choice) of everything that was sent, in the declared words."""
    found = []
    for parameter in job.spec.choices():
        if parameter.only_when and job.parameters.get(parameter.only_when[0]) != parameter.only_when[1]:
            continue
        value = job.parameters.get(parameter.name, parameter.default)
        label = next((label for known, label, _help in parameter.words if known == value), str(value))
        found.append((_(parameter.label), _(label)))
    return found


# ── the row ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Gauge:
    since: datetime
    elapsed: float
    low: float
    high: float
    label: str


@dataclass
class Row:
    """One job on the board."""

    public_id: str
    pk: int
    url: str
    title: str
    model_label: str
    facts: str
    owner_name: str
    state: str
    state_word: str
    state_label: str
    sentence: str | SafeString
    say: str
    poster_url: str
    icon: str
    amount: str
    amount_word: str
    group: int
    where: str = ""
    gauge: Gauge | None = None
    lamps: dict[str, Any] | None = None
    cancel_url: str = ""
    active: bool = True


def row(job: Job, team: Team, place: forecast.Place | None = None, thumb: str = "") -> Row:
    """The row of `job`. `place` for one that waits; `thumb` is the public id of the picture that stands for it."""
    micros, word = amount(job)
    facts = [label for _name, label in chosen_words(job)][:1]
    if job.milliseconds and job.state != State.SUCCEEDED:
        facts.append(length(job.seconds))
    shown = Row(
        public_id=job.public_id,
        pk=job.pk,
        url=reverse("jobs:job", args=[team.slug, job.public_id]),
        title=job.title,
        model_label=job.spec.label,
        facts=" · ".join(facts),
        owner_name=job.owner.short_name,
        state=job.state,
        state_word=state_word(job),
        state_label=state_label(job),
        sentence=sentence(job, place),
        say=announcement(job),
        poster_url=reverse("asset_file", args=[team.slug, thumb, "thumb"]) if thumb else "",
        icon=icon_of(job.spec),
        amount=price_shown(micros, job.currency),
        amount_word=word,
        group=int(job.group),
        active=not job.terminal,
    )
    if job.state == State.QUEUED:
        shown.cancel_url = reverse("jobs:cancel", args=[team.slug, job.public_id])
    _where(shown, job, place)
    return shown


def _where(shown: Row, job: Job, place: forecast.Place | None) -> None:
    state = State(job.state)
    if state is State.QUEUED and place is not None and job.code not in (Code.NEEDS_TEMPLATE, Code.ACCOUNT_PAUSED):
        shown.state_label = ordinal(place.position)
        position = min(place.position, LAMPS)
        # in a line that moves, the first one is on stage and the second one waits at the service
        shown.lamps = {
            "total": position,
            "on": min(1, place.ahead),
            "next": int(place.ahead > 1),
            "you": position,
            "label": _("%(n)s before it") % {"n": place.ahead},
        }
        if place.position > LAMPS:
            shown.where = _("%(n)s before it") % {"n": place.ahead}
    elif state is State.RUNNING:
        low, high = usual_range(job)
        since = began(job)
        elapsed = max(0.0, (timezone.now() - since).total_seconds())
        label = _("%(elapsed)s of usually %(low)s to %(high)s") % {
            "elapsed": length(int(elapsed)),
            "low": length(int(low)),
            "high": length(int(high)),
        }
        shown.gauge = Gauge(since, elapsed, low, high, label)
        shown.where = _("ready ≈ %(time)s") % {"time": hour(since + timedelta(seconds=schedule.expected(job)))}
    elif state is State.SUCCEEDED and job.result is not None:
        film = job.result
        made = _("made in %(length)s") % {"length": length(_took(job))} if job.submitted_at and job.provider_ended_at else ""
        shown.where = " · ".join(part for part in (f"{film.width} × {film.height}", filesize_mb(film.size), made) if part)
    elif state is State.FAILED:
        shown.where = FAULT_WORDS.get(job.fault, "") and _("Fault: %(whose)s") % {"whose": _(FAULT_WORDS[job.fault])}


def _took(job: Job) -> int:
    ended = job.provider_ended_at or job.finished_at or timezone.now()
    return max(0, int((ended - began(job)).total_seconds()))


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class LaneCard:
    """One lane on the board's stage: what renders, how many wait, when the line ends."""

    lane: Lane
    label: str
    account: str
    running: Job | None = None
    out: int = 0
    waiting: int = 0
    work: float = 0.0
    paused_text: str = ""
    gauge: Gauge | None = None
    url: str = ""
    lamps_label: str = field(default="")

    @property
    def state_word(self) -> str:
        if self.paused_text:
            return "held"
        return state_word(self.running) if self.running is not None else "queued"

    @property
    def state_label(self) -> str:
        if self.paused_text:
            return _("The account rests")
        return state_label(self.running) if self.running is not None else _("Waiting") if self.waiting else _("Free.")

    @property
    def sentence(self) -> str | SafeString:
        if self.paused_text:
            return self.paused_text
        if self.running is None:
            return _("%(n)s for their turn") % {"n": self.waiting} if self.waiting else _("A job sent now starts at once.")
        return sentence(self.running)

    @property
    def total(self) -> int:
        return self.out + self.waiting

    @property
    def on(self) -> int:
        return 1 if self.running is not None else 0

    @property
    def next(self) -> int:
        return max(0, self.out - self.on)

    @property
    def ends(self) -> str:
        if not self.total or self.paused_text:
            return ""
        return _("line ends ≈ %(time)s") % {"time": hour(timezone.now() + timedelta(seconds=self.work))}


def _stage_rank(job: Job) -> int:
    """Which of a lane's tasks is the one on stage: that which renders, then that which waits there, then what is unclear."""
    if job.state == State.RUNNING:
        return 0 if job.provider_status != "PENDING" else 1
    return 2 if job.state == State.SUBMITTING else 3


def lane_cards(open_jobs: Iterable[Job], team: Team, counts: Mapping[int, int]) -> list[LaneCard]:
    """Cards of the lanes with open jobs. `counts` has how many wait per lane, which may be more than were loaded."""
    cards: dict[int, LaneCard] = {}
    now = timezone.now()
    for job in sorted(open_jobs, key=lambda job: job.pk):
        lane, account = job.lane, job.lane.account
        card = cards.setdefault(lane.pk, LaneCard(lane, job.spec.label, account.label, waiting=counts.get(lane.pk, 0)))
        if account.paused(now) or lane.paused(now):
            card.paused_text = account.health_text if account.paused(now) else lane.paused_text
        if State(job.state) in OUT:
            card.out += 1
            if card.running is None or _stage_rank(job) < _stage_rank(card.running):
                card.running = job
        if State(job.state) in OUT or job.state == State.QUEUED:
            card.work += schedule.expected(job)
    for card in cards.values():
        card.lamps_label = _("%(out)s at the service, %(waiting)s waiting here") % {"out": card.out, "waiting": card.waiting}
        if card.running is not None:
            card.url = reverse("jobs:job", args=[team.slug, card.running.public_id])
            if card.running.state == State.RUNNING:
                low, high = usual_range(card.running)
                since = began(card.running)
                card.gauge = Gauge(since, (now - since).total_seconds(), low, high, _("time at the service against the usual"))
    return sorted(cards.values(), key=lambda card: (card.running is None, card.lane.pk))
