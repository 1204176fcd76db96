"""The confirmation of a click where the page stays: what is in line, what is held, the way to it,
and the way back."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.common.dates import short_day
from jobs.common.states import TERMINAL, State
from jobs.models import Job, JobSet, PendingOrder
from jobs.orders import rest, undo
from jobs.pages import labels
from studio.common import formats
from studio.common.translatable import translated


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
    def of(cls, made: Job | JobSet | PendingOrder) -> Confirmation:
        """Of a job or a set that a click made; of one that is over when the same click came once
        more, from a page of before."""
        if isinstance(made, PendingOrder):
            return cls._of_pending(made)
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
        held = formats.money_of(undo.held(made), made.currency)
        sentence = _("“%(title)s” is in line; %(amount)s is reserved for it.") % {
            "title": made.title,
            "amount": held,
        }
        return cls(
            sentence,
            made.get_absolute_url(),
            reverse("jobs:undo", args=[made.team.slug, made.public_id]),
            follow_url=_follow_url(made),
        )

    @classmethod
    def _of_pending(cls, pending: PendingOrder) -> Confirmation:
        place = [pending.team.slug, pending.public_id]
        url = reverse("jobs:approval", args=place)
        if not pending.is_open:
            words = {"title": pending.title, "state": pending.get_state_display()}
            sentence = _("This click asked for approval of “%(title)s” before: %(state)s.") % words
            return cls(sentence, url, "")
        sentence = _(
            "Asked for approval of “%(title)s”; nothing is reserved or sent until somebody says "
            "yes. It expires on %(day)s."
        ) % {
            "title": pending.title,
            "day": short_day(pending.expires_at.date()) if pending.expires_at else "",
        }
        return cls(sentence, url, reverse("jobs:approval_withdraw", args=place))


def _follow_url(made: Job | JobSet) -> str:
    name = "jobs:set_notice" if isinstance(made, JobSet) else "jobs:notice"
    return reverse(name, args=[made.team.slug, made.public_id])


def set_words(made: JobSet) -> str:
    """“3 videos of “Welcome line” are in line; $1.4175 is held for them.”"""
    videos, left = made.jobs.count(), rest.of_set(made)
    if left is not None:
        words = _(
            "%(n)s of %(all)s videos of “%(title)s” started; %(amount)s is reserved for them. The "
            "other %(held)s are held, with nothing reserved. %(why)s"
        )
        return words % {
            "n": videos,
            "all": videos + left.videos,
            "title": made.title,
            "amount": formats.money_of(undo.held(made), made.team.currency),
            "held": left.videos,
            "why": translated(left.why),
        }
    words = ngettext(
        "%(n)s video of “%(title)s” is in line; %(amount)s is reserved for it.",
        "%(n)s videos of “%(title)s” are in line; %(amount)s is reserved for them.",
        videos,
    )
    return words % {
        "n": videos,
        "title": made.title,
        "amount": formats.money_of(undo.held(made), made.team.currency),
    }
