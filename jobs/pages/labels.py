"""Jobs in words: the label and the sentence of a state, times, places, amounts. Nothing is changed
here.

The words are the same for everybody and at any time: no viewer, no role, no "ago". Times that pass
are marked with their beginning, and the page's script lets them run.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.accounts import health, pauses
from jobs.catalogue import entries
from jobs.common.states import LABELS, Code, State
from jobs.engine import eta, retry
from jobs.models import Account, Job, Lane
from jobs.pages.service_time import began, usual_range
from studio.common import formats, reader
from studio.common.formats import DASH
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.people import Team

# A pause or a person holds it; nobody knows until when, so no time is given.
HELD = (Code.ACCOUNT_PAUSED, Code.MODEL_GONE, Code.HELD_BACK, Code.OVER_BUDGET)


def ordinal(position: int) -> str:
    """“Next in line”, “2nd in line”: where a waiting job stands."""
    if position <= 1:
        return _("Next in line")
    # A message for each ending: a language with one for all says the same four times.
    st, nd, rd, th = (
        _("%(n)sst in line"),
        _("%(n)snd in line"),
        _("%(n)srd in line"),
        _("%(n)sth in line"),
    )
    words = th if 10 <= position % 100 <= 20 else {1: st, 2: nd, 3: rd}.get(position % 10, th)
    return words % {"n": position}


def hour(moment: datetime | None) -> str:
    """“14:32”, and “21 Nov 14:32” on another day than today."""
    if moment is None:
        return ""
    today = reader.local(moment).date() == reader.today()
    return reader.written(moment, "time" if today else "day time")


def ready_words(place: eta.Place | None) -> str:
    """“ready 14:40 – 14:45”; “ready ≈ 14:40” when both ends are in one minute; "" when nobody
    knows."""
    if place is None or place.ready_at is None:
        return ""
    low, high = hour(place.ready_at), hour(place.late_at or place.ready_at)
    return (
        _("ready ≈ %(time)s") % {"time": low}
        if low == high
        else _("ready %(low)s – %(high)s") % {"low": low, "high": high}
    )


def place_words(place: eta.Place | None) -> str:
    """“starts ≈ 14:32 · ready 14:40 – 14:45”."""
    if place is None or place.starts_at is None:
        return ""
    return " · ".join(
        part
        for part in (_("starts ≈ %(time)s") % {"time": hour(place.starts_at)}, ready_words(place))
        if part
    )


def pause_words(account: Account, lane: Lane | None, team: Team) -> str:
    """Why nothing of `account` is sent in `lane` now, and until when if that is known; "" when it
    is open."""
    if lane is None:
        lane = Lane(account=account)
    pause = pauses.paused_by(account, lane)
    if pause is not None:
        return translated(pauses.sentence(pause, team))
    _code, why = health.why(account, lane)
    return f"{translated(why)} {tried_again(health.until(account, lane))}".rstrip() if why else ""


def tried_again(until: datetime | None) -> str:
    return _("Tried again at %(time)s.") % {"time": hour(until)} if until else ""


def running_for(since: datetime) -> SafeString:
    """The time since `since`, which the page's script keeps up to date."""
    elapsed = max(0, int((timezone.now() - since).total_seconds()))
    return format_html(
        '<span class="num" data-since="{}">{}</span>', since.isoformat(), length(elapsed)
    )


def state_label(job: Job) -> str:
    state = State(job.state)
    if state is State.RUNNING and job.provider_status == "PENDING":
        return _("Waiting at the service")
    if state is State.RUNNING and job.spec.kind is entries.Kind.TEMPLATE:
        return _("Making the template")
    if state is State.QUEUED and job.code in HELD:
        return {
            Code.ACCOUNT_PAUSED: _("Waits, the connection rests"),
            Code.MODEL_GONE: _("Waits, the model is not offered"),
            Code.HELD_BACK: _("Paused by a person"),
        }.get(Code(job.code), _("Waiting"))
    return translated(LABELS[state][0])


def label(job: Job, place: eta.Place | None = None) -> str:
    """The state's label, which for a job in line is its place there."""
    in_line = (
        job.state == State.QUEUED
        and place is not None
        and job.code not in (*HELD, Code.NEEDS_TEMPLATE)
    )
    return ordinal(place.position) if in_line and place is not None else state_label(job)


def state_word(job: Job) -> str:
    """The look’s word: a mark of the sprite and a colour of the tokens."""
    if job.state == State.QUEUED and job.code in HELD:
        return "held"
    return LABELS[State(job.state)][1]


def cost_sentence(job: Job) -> str:
    """What a job that produced nothing cost."""
    if job.settled_micros and job.code == Code.TASK_LOST:
        words = _("Its end was not seen and it may have been billed, so the quote counts: %(sum)s.")
        return words % {"sum": formats.money_of(job.settled_micros, job.currency)}
    if job.settled_micros:
        return _("The service billed it: %(sum)s.") % {
            "sum": formats.money_of(job.settled_micros, job.currency)
        }
    return _("Nothing was produced, cost %(sum)s.") % {"sum": formats.money_of(0, job.currency, 2)}


def sentence(job: Job, place: eta.Place | None = None) -> str | SafeString:
    """What stands behind the state's label; `place` for one that waits or renders."""
    state = State(job.state)
    if state is State.QUEUED:
        return _queued(job, place)
    if state is State.SUBMITTING:
        return _("to %(model)s") % {"model": translated(job.spec.label)}
    if state is State.UNCERTAIN:
        if (
            job.code == Code.SEVERAL_TASKS
            and timezone.now() > (job.submitting_at or job.created_at) + retry.LIST_REACHES
        ):
            return _(
                "The service’s list no longer reaches back to it, so a person decides. Nothing is "
                "paid twice."
            )
        if job.code == Code.SEVERAL_TASKS:
            return _(
                "Several tasks at the service could be this one, so a person decides. Nothing is "
                "paid twice."
            )
        return _("Not sent again, so nothing is paid twice. Looking at the service’s list.")
    if state is State.RUNNING:
        return _running(job, place)
    if state is State.ARCHIVING:
        return _archiving(job)
    if state is State.SUCCEEDED:
        return _succeeded(job)
    if state is State.FAILED:
        return f"— {translated(job.sentence)} {cost_sentence(job)}"
    return _("before it cost anything") if not job.settled_micros else cost_sentence(job)


def _queued(job: Job, place: eta.Place | None) -> str:
    if job.code == Code.NEEDS_TEMPLATE:
        return _("for its template, which is made first")
    if job.code in HELD and job.sentence:
        until = (
            health.until(job.account, job.lane)
            if job.code in (Code.ACCOUNT_PAUSED, Code.MODEL_GONE)
            else None
        )
        return f"{translated(job.sentence)} {tried_again(until)}".rstrip()
    if job.code == Code.BACKING_OFF:
        again = (
            _("tries again at %(time)s") % {"time": reader.written(job.not_before, "second")}
            if job.not_before
            else _("tries again soon")
        )
        return (
            f"· {translated(job.sentence)} {again}".replace("  ", " ")
            if job.sentence
            else f"· {again}"
        )
    if place is None:
        return ""
    words = place_words(place) or pause_words(job.account, job.lane, job.team)
    return f"· {words}" if words else ""


def _running(job: Job, place: eta.Place | None) -> str | SafeString:
    """How long it took so far against the usual, and calmly when that is long over."""
    if job.provider_status == "PENDING":
        words = place_words(place)
        return f"· {words}" if words else ""
    since = running_for(began(job))
    if not job.milliseconds:
        return format_html("{} · {}", since, _("its length is known when it has ended"))
    low, high = usual_range(job)
    learned = eta.usual(job) is not None
    span = {"low": length(int(low)), "high": length(int(high))}
    if learned:
        words = (
            _("of usually %(low)s")
            if span["low"] == span["high"]
            else _("of usually %(low)s – %(high)s")
        )
        usual = format_html("{} {}", since, words % span)
    else:
        usual = format_html("{} · ≈ {low} – {high}", since, **span)
    if (timezone.now() - began(job)).total_seconds() <= high:
        return usual
    slow = _("slower than nine of ten") if learned else _("longer than expected")
    if job.looked_at is None:
        return format_html("{} · {}; {}", usual, slow, _("still looking"))
    return format_html(
        "{} · {}; {}",
        usual,
        slow,
        format_html(_("still looking, last answer {} ago"), running_for(job.looked_at)),
    )


def _archiving(job: Job) -> str:
    gone = hour(job.result_expires_at)
    if job.tries and job.sentence:
        why = _("bringing the video home. %(why)s") % {"why": translated(job.sentence)}
        return (
            f"{why} {_('The service deletes its copy at %(time)s.') % {'time': gone}}"
            if gone
            else why
        )
    return (
        _("bringing the video home; the service deletes its copy at %(time)s") % {"time": gone}
        if gone
        else _("bringing the video home")
    )


def _succeeded(job: Job) -> str:
    if job.spec.kind is entries.Kind.TEMPLATE:
        return _("· a template of %(length)s, ready to use") % {
            "length": length(float(job.billed_units or job.seconds))
        }
    made = length(job.result.seconds if job.result is not None else job.seconds)
    return _("· %(length)s, saved %(time)s") % {"length": made, "time": hour(job.finished_at)}


def announcement(job: Job) -> str:
    """What the page's one live region says when this job has changed."""
    return _("%(title)s: %(state)s") % {"title": job.title, "state": state_label(job)}


def amount(job: Job) -> tuple[int | None, str]:
    """Micros and the word beside them. None is an amount that nobody knows yet."""
    state = State(job.state)
    if job.settled_micros is not None:
        return job.settled_micros, _("charged")
    if job.adopted:
        ended = state in (State.FAILED, State.CANCELED)
        return (0, _("not billed")) if ended else (job.quote_micros or None, _("by the bill"))
    if state in (State.FAILED, State.CANCELED):
        return 0, _("released")
    if state is State.UNCERTAIN:
        return job.quote_micros, _("unclear")
    return job.quote_micros, _("reserved")


def format_amount(micros: int | None, currency: str) -> str:
    """Four places, and two for nothing: “$0.4725”, “$0.00”; a dash for what nobody knows."""
    return DASH if micros is None else formats.money_of(micros, currency, 4 if micros else 2)


def chosen_words(job: Job) -> list[tuple[str, str]]:
    """(parameter, choice) of everything that was sent, in the declared words. What was sent
    elsewhere is not known here."""
    found: list[tuple[str, str]] = []
    if job.adopted:
        return found
    for parameter in job.spec.choices():
        if (
            parameter.only_when
            and job.parameters.get(parameter.only_when[0]) != parameter.only_when[1]
        ):
            continue
        value = job.parameters.get(parameter.name, parameter.default)
        label = next(
            (label for known, label, _help in parameter.words if known == value), str(value)
        )
        found.append((translated(parameter.label), translated(label)))
    return found
