"""Everything that a job's own page tells: what went in, what happened and when, what it cost, whose
fault it was, what can be done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.template.defaultfilters import date as shown_date
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.billing import confirmed_price, prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.common.errors import Refused
from jobs.common.states import FAULT_WORDS, OUT, Code, Rank, State
from jobs.engine import ask_now, eta, expiry
from jobs.models import Job, JobEvent
from jobs.orders import create, plan, test_clips
from jobs.orders.order_request import OrderRequest
from jobs.pages import labels
from jobs.pages.board import attempts
from jobs.pages.board.player import Player, player_of
from jobs.pages.create import compare, model_retirement
from jobs.pages.create.draft_fields import SOURCE, form_value
from jobs.pages.create.file_slots import facts_line, file_url, wave
from studio.common.formats import seconds as length
from studio.common.translatable import translated
from studio.models.people import Team

TASK_LIFE = timedelta(hours=24)  # CONTRACT §8: task, result and address live that long
TONES: dict[str, str] = {State.FAILED: "bad", State.UNCERTAIN: "bad"}


class Story:
    """`job` as its page shows it. `writes`: the reader may cancel and run again; `manages`: move it
    to the front."""

    def __init__(self, job: Job, team: Team, *, writes: bool, manages: bool = False) -> None:
        self.job, self.team, self.writes, self.manages = job, team, writes, manages
        self.spec = job.spec
        self.state = State(job.state)

    def _url(self, name: str) -> str:
        return reverse(f"jobs:{name}", args=[self.team.slug, self.job.public_id])

    # ── the verdict on top ──

    @cached_property
    def place(self) -> eta.Place | None:
        return eta.place(self.job) if self.state in (State.QUEUED, *OUT) else None

    @property
    def state_word(self) -> str:
        return labels.state_word(self.job)

    @property
    def state_label(self) -> str:
        return labels.label(self.job, self.place)

    @property
    def ready(self) -> str:
        """“ready 14:40 – 14:45” under the gauge; "" once it takes longer than nine of ten."""
        late = self.gauge is not None and self.gauge.elapsed > self.gauge.high
        return labels.ready_words(self.place) if self.gauge is not None and not late else ""

    @property
    def sentence(self) -> str | SafeString:
        if self.state is State.FAILED:
            return _("at %(time)s") % {"time": labels.hour(self.job.finished_at)}
        return labels.sentence(self.job, self.place)

    @property
    def say(self) -> str:
        return labels.announcement(self.job)

    @property
    def advice(self) -> str:
        """What to do about a job that waits for something."""
        return (
            translated(self.job.advice)
            if self.job.advice and self.state is not State.FAILED
            else ""
        )

    @property
    def facts(self) -> list[tuple[str, str]]:
        job = self.job
        facts = [
            (_("Model"), f"{translated(self.spec.label)} ({job.model})"),
            *labels.chosen_words(job),
        ]
        if job.milliseconds:
            facts.append((_("Length"), length(job.seconds)))
        facts += [
            (_("Account"), job.account.label),
            (_("Adopted by") if job.adopted else _("Created by"), job.owner.short_name),
        ]
        if job.told_ready_at is not None:
            told = eta.Place(1, 0, job.told_ready_at, job.told_ready_at, job.told_late_at)
            facts.append((_("Told at the click"), labels.ready_words(told)))
        return facts

    @property
    def ids(self) -> list[tuple[str, str]]:
        job = self.job
        return [
            (name, value)
            for name, value in (
                (_("Task"), job.task_id),
                (_("Request"), job.request_id),
                (_("Job"), job.public_id),
            )
            if value
        ]

    @property
    def provider(self) -> str:
        """The service's own last word, and when it was heard."""
        job = self.job
        if not job.provider_status:
            return ""
        heard = (
            _("heard at %(time)s") % {"time": shown_date(job.looked_at, "H:i:s")}
            if job.looked_at
            else ""
        )
        return " · ".join(part for part in (job.provider_status, heard) if part)

    # ── the film ──

    @cached_property
    def player(self) -> Player | None:
        return player_of(self.job, self.team)

    @cached_property
    def gauge(self) -> labels.Gauge | None:
        return labels.gauge_of(self.job)

    @property
    def template_url(self) -> str:
        """Where the template that this job made is danced."""
        if (
            self.state is not State.SUCCEEDED
            or self.spec.kind is not entries.Kind.TEMPLATE
            or self.job.template is None
        ):
            return ""
        return (
            f"{reverse('jobs:dance', args=[self.team.slug])}?template={self.job.template.public_id}"
        )

    # ── what went in ──

    @cached_property
    def inputs(self) -> list[dict[str, Any]]:
        facts = self.job.check_used.facts if self.job.check_used is not None else {}
        found = []
        for given in self.job.inputs.select_related("asset"):
            asset = given.asset
            boxes = asset.kind == "image"
            label = next((i.label for i in self.spec.inputs if i.name == given.name), given.name)
            found.append(
                {
                    "name": given.name,
                    "label": translated(label),
                    "asset": asset,
                    "url": file_url(self.team, asset),
                    "page_url": reverse("asset", args=[self.team.slug, asset.public_id]),
                    "facts": facts_line(asset),
                    "peaks": wave(asset),
                    "face": facts.get("face_bbox") if boxes else None,
                    "frame": facts.get("ext_bbox") if boxes else None,
                    "poster_url": file_url(self.team, asset, "thumb") if asset.thumb else "",
                }
            )
        return found

    # ── what happened ──

    @cached_property
    def timeline(self) -> list[dict[str, str]]:
        events = list(self.job.events.order_by("id"))
        steps = []
        before: datetime | None = None
        for event in events:
            steps.append(self._step(event, before))
            before = event.at
        if not self.job.terminal:
            if steps and steps[-1]["tone"] == "good":
                steps[-1]["tone"] = "lit"
            what = _("Template") if self.spec.kind is entries.Kind.TEMPLATE else _("Film")
            steps.append({"title": what, "when": _("not made yet"), "tone": "todo", "note": ""})
        return steps

    @cached_property
    def sent(self) -> list[attempts.Line]:
        """Every submit, with its task and what became of it."""
        return attempts.lines(self.job)

    @property
    def free_retry(self) -> str:
        return attempts.free_retry(self.job)

    @property
    def endangered(self) -> list[Job]:
        """This job, when its film should long be home."""
        return [self.job] if self.state is State.ARCHIVING and self.job.alarmed else []

    def _step(self, event: JobEvent, before: datetime | None) -> dict[str, str]:
        notes = []
        if before is not None and (event.at - before).total_seconds() >= 1:
            notes.append(
                _("after %(length)s")
                % {"length": length(round((event.at - before).total_seconds(), 1))}
            )
        if event.data.get("request_id"):
            notes.append(_("request %(id)s") % {"id": event.data["request_id"]})
        tone = TONES.get(event.new, "good")
        return {
            "title": translated(event.text),
            "when": shown_date(event.at, "H:i:s"),
            "iso": event.at.isoformat(),
            "tone": tone,
            "note": " · ".join(notes),
        }

    @property
    def day(self) -> str:
        return _("%(day)s, times in UTC") % {
            "day": shown_date(self.job.created_at.astimezone(UTC), "j M Y")
        }

    @property
    def clocks(self) -> list[dict[str, Any]]:
        """The two lifetimes at the service, until the film is ours."""
        job, now = self.job, timezone.now()
        found = []
        if self.state in (State.RUNNING, State.ARCHIVING) and job.submitted_at is not None:
            left = max(timedelta(0), job.submitted_at + TASK_LIFE - now)
            found.append(
                {
                    "left": left,
                    "title": _("Task, %(left)s") % {"left": length(left)},
                    "note": _("then the service forgets it"),
                }
            )
        home = expiry.left(job)
        if home is not None:
            found.append(
                {
                    "left": home,
                    "title": _("Film, %(left)s") % {"left": length(home)},
                    "note": _("then its copy there is gone"),
                }
            )
        return found

    # ── money ──

    @property
    def quote(self) -> str:
        job = self.job
        if job.adopted:
            return _(
                "Adopted: made elsewhere, so nothing was held; the service’s bill is what counts."
            )
        price = prices.Quote(job.quote_micros, Decimal(job.milliseconds) / 1000, job.price)
        return _("%(formula)s = %(sum)s quoted") % {
            "formula": price.formula,
            "sum": prices.format_money(job.quote_micros, job.currency),
        }

    @property
    def price_source(self) -> str:
        price = self.job.price
        source = _("%(source)s, in force since %(day)s.") % {
            "source": price.source,
            "day": shown_date(price.effective_from, "j M Y"),
        }
        return source + (
            " " + _("Worked out from the price in the other currency.") if price.inferred else ""
        )

    @property
    def sum(self) -> str:
        micros, _word = labels.amount(self.job)
        return labels.price_shown(micros, self.job.currency)

    @property
    def sum_word(self) -> str:
        return labels.amount(self.job)[1]

    @property
    def settled(self) -> str:
        """What was billed against what was quoted; "" while it is not known."""
        job = self.job
        if job.settled_micros is None or job.billed_units is None:
            return ""
        billed = _("The service billed %(units)s s: %(sum)s.") % {
            "units": f"{job.billed_units:f}",
            "sum": prices.format_money(job.settled_micros, job.currency, 6),
        }
        if job.adopted:
            return billed
        apart = job.settled_micros - job.quote_micros
        if not apart:
            return billed + " " + _("That is the quote.")
        share = f"{abs(apart) / job.quote_micros * 100:.1f}" if job.quote_micros else "?"
        return (
            billed
            + " "
            + (
                _("%(share)s % more than quoted.")
                if apart > 0
                else _("%(share)s % less than quoted.")
            ).replace("%(share)s", share)
        )

    @cached_property
    def ledger(self) -> list[Any]:
        return list(self.job.ledger.order_by("id"))

    @property
    def held_sum(self) -> int:
        return sum(entry.held for entry in self.ledger)

    @property
    def settled_sum(self) -> int:
        return sum(entry.settled for entry in self.ledger)

    # ── how it ended, when not well ──

    @property
    def failed(self) -> bool:
        return self.state is State.FAILED

    @property
    def what(self) -> str:
        return translated(self.job.sentence) or _("It did not work.")

    @property
    def fault(self) -> str:
        return (
            translated(FAULT_WORDS[self.job.fault])
            if self.job.fault in FAULT_WORDS
            else _("Unknown")
        )

    @property
    def remedy(self) -> str:
        if self.job.adopted and not self.job.advice:
            return _("Make it again where it was made, or here from its files.")
        return translated(self.job.advice) or _(
            "Run it again; if it fails once more, show the answer of the service to whoever runs "
            "this site."
        )

    @property
    def cost(self) -> str:
        given_back = _("The %(sum)s that were held went back.") % {
            "sum": prices.format_money(self.job.quote_micros, self.job.currency)
        }
        return labels.cost_sentence(self.job) + (
            "" if self.job.settled_micros or self.job.adopted else " " + given_back
        )

    # ── what can be done ──

    @property
    def again_price(self) -> str:
        """What the same wish costs now, a template made anew included; "" when it has no price, or
        something does not fit any more."""
        return (
            prices.format_money(self._prices["again"], self.team.currency)
            if "again" in self._prices
            else ""
        )

    @cached_property
    def _prices(self) -> dict[str, int]:
        """Micros that the buttons show, by what they do."""
        found = {}
        again = create.request_of(self.job, self.job.owner) if self.again_url else None
        for do, wish in (("again", again), ("whole", self._whole)):
            try:
                if wish is not None:
                    found[do] = plan.estimate(wish).micros
            except (Refused, prices.NoPrice):
                continue
        return found

    @property
    def told(self) -> str:
        """The prices of the buttons, for the forms that they are in."""
        return confirmed_price.form_value(self._prices)

    @cached_property
    def _whole(self) -> OrderRequest | None:
        return test_clips.whole(self.job, self.job.owner) if self.writes and self.job.full else None

    @property
    def whole_url(self) -> str:
        """Where the film is made that this one is the test clip of."""
        return self._url("whole") if self._whole is not None else ""

    @property
    def whole_price(self) -> str:
        """What that costs now; "" when it has no price, or something does not fit any more."""
        return (
            prices.format_money(self._prices["whole"], self.team.currency)
            if "whole" in self._prices
            else ""
        )

    @cached_property
    def ending(self) -> model_retirement.Ending | None:
        """The ways on where the model of this job is retired or gone."""
        found = model_retirement.of_job(self.job, self.team) if self.writes else None
        return found if found is not None and found.ways else None

    @property
    def again_url(self) -> str:
        # An adopted task has no files here to make it from again.
        return (
            self._url("again") if self.writes and self.job.terminal and not self.job.adopted else ""
        )

    @property
    def change_url(self) -> str:
        """The create page with this job's files and choices in it."""
        if not self.writes or self.job.adopted:
            return ""
        page = next(
            (page for page in ("portrait", "dance", "template") if self.spec in models_of(page)), ""
        )
        if not page:
            return ""
        fields = {
            "model": self.job.model,
            SOURCE: self.job.public_id,
            **{given["name"]: given["asset"].public_id for given in self.inputs},
        }
        fields |= {name: form_value(value) for name, value in self.job.parameters.items()}
        if self.job.template is not None and self.spec.makes:
            fields["template"] = self.job.template.public_id
        return f"{reverse(f'jobs:{page}', args=[self.team.slug])}?{urlencode(fields)}"

    @cached_property
    def changes(self) -> list[compare.Change]:
        """What it has other than the job it was made again from."""
        return compare.changes(self.job)

    @property
    def front_url(self) -> str:
        return self._url("front") if self.manages and self.state is State.QUEUED else ""

    @property
    def front(self) -> bool:
        """An admin moved it to the front."""
        return self.state is State.QUEUED and self.job.rank == Rank.FRONT

    @property
    def undecided(self) -> bool:
        """A person has to say which task it is, or that none was made."""
        return self.state is State.UNCERTAIN and self.job.code == Code.SEVERAL_TASKS

    @property
    def about(self) -> str:
        """What a decision about an unclear submit is worth."""
        return prices.format_money(self.job.quote_micros, self.job.currency)

    @property
    def sooner_url(self) -> str:
        return self._url("sooner") if self.writes and self.sooner_words else ""

    @property
    def sooner_words(self) -> str:
        """The button that has happen now what would happen by itself; "" when nothing would."""
        if ask_now.downloads(self.job):
            return _("Download again — free")
        return _("Look again — free") if ask_now.looks(self.job) else ""

    @property
    def cancel_url(self) -> str:
        return self._url("cancel") if self.writes and self.cancel_words else ""

    @property
    def cancel_words(self) -> str:
        """The button that cancels; "" when nothing can be canceled."""
        if self.state is State.QUEUED:
            return _("Cancel, free")
        if (
            self.state is State.RUNNING
            and self.job.provider_started_at is None
            and self.job.provider_status in ("PENDING", "")
        ):
            return _("Ask the service to cancel")
        return ""

    @property
    def cancel_note(self) -> str:
        """Exactly what canceling does now, or why it cannot be done."""
        if self.state is State.QUEUED:
            return _("It was not sent, so canceling costs nothing.")
        if self.cancel_words:
            return _(
                "Free as long as the service has not begun. If it has, the film is made, archived "
                "and paid."
            )
        if self.state is State.RUNNING:
            return _(
                "The service renders it; from here on it cannot be stopped, and the film is paid."
            )
        if self.state is State.SUBMITTING:
            return _("It is being sent right now. In a moment it can be canceled at the service.")
        return ""
