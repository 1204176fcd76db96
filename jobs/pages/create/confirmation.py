"""The confirmation of a click where the page stays: what is in line, what is held, the way to it,
and the way back."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.billing import prices
from jobs.common.states import TERMINAL, State
from jobs.models import Job, JobSet
from jobs.orders import undo
from jobs.pages import labels


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`url` leads to what was made, `undo_url` takes it back, `follow_url` says how far it is by
    now; "" without. `state_word` is of what is not waiting any more."""

    sentence: str
    url: str
    undo_url: str
    state_word: str = ""
    follow_url: str = ""

    @classmethod
    def later(cls, made: Job | JobSet) -> Confirmation:
        """The same notice while what the click made goes on, and when it is over."""
        jobs = list(made.jobs.order_by("id")) if isinstance(made, JobSet) else [made]
        if all(job.state == State.QUEUED for job in jobs):
            return cls.of(made)
        over = all(job.terminal for job in jobs)
        ready = sum(job.state == State.SUCCEEDED for job in jobs)
        if isinstance(made, Job):
            words = {"title": made.title, "state": labels.state_label(made)}
            sentence = _("“%(title)s”: %(state)s.") % words
        else:
            numbers = {"title": made.title, "ready": ready, "n": len(jobs)}
            sentence = _("“%(title)s”: %(ready)s of %(n)s videos are ready.") % numbers
        return cls(
            sentence,
            made.get_absolute_url(),
            "",
            "succeeded" if over and ready == len(jobs) else "running",
            "" if over else _follow_url(made),
        )

    @classmethod
    def of(cls, made: Job | JobSet) -> Confirmation:
        """Of a job or a set that a click made; of one that is over when the same click came once
        more, from a page of before."""
        if isinstance(made, JobSet):
            if not made.jobs.exclude(state__in=TERMINAL).exists():
                return cls(
                    _("This click made “%(title)s” before. Click again for new videos.")
                    % {"title": made.title},
                    made.get_absolute_url(),
                    "",
                )
            return cls(
                set_words(made),
                made.get_absolute_url(),
                reverse("jobs:set_cancel", args=[made.team.slug, made.public_id]),
                follow_url=_follow_url(made),
            )
        if made.terminal:
            words = {"title": made.title, "state": labels.state_label(made)}
            sentence = (
                _("This click made “%(title)s” before: %(state)s. Click again for a new one.")
                % words
            )
            return cls(sentence, made.get_absolute_url(), "")
        held = prices.format_money(undo.held(made), made.currency)
        sentence = _("“%(title)s” is in line; %(amount)s is held for it.") % {
            "title": made.title,
            "amount": held,
        }
        return cls(
            sentence,
            made.get_absolute_url(),
            reverse("jobs:undo", args=[made.team.slug, made.public_id]),
            follow_url=_follow_url(made),
        )


def _follow_url(made: Job | JobSet) -> str:
    name = "jobs:set_notice" if isinstance(made, JobSet) else "jobs:notice"
    return reverse(name, args=[made.team.slug, made.public_id])


def set_words(made: JobSet) -> str:
    """“3 videos of “Welcome line” are in line; $1.4175 is held for them.”"""
    videos = made.jobs.count()
    words = ngettext(
        "%(n)s video of “%(title)s” is in line; %(amount)s is held for it.",
        "%(n)s videos of “%(title)s” are in line; %(amount)s is held for them.",
        videos,
    )
    return words % {
        "n": videos,
        "title": made.title,
        "amount": prices.format_money(undo.held(made), made.team.currency),
    }
