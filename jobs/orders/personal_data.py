"""What jobs, their events and the ledger know of a person: for their export, and what becomes of it
when they are erased (studio/personal_data)."""

from __future__ import annotations

from django.db.models import Q

from jobs.common.states import TERMINAL
from jobs.models import (
    Account,
    ApiKey,
    Budget,
    Check,
    Job,
    JobEvent,
    LedgerEntry,
    PendingOrder,
    Preset,
    ReadyNotice,
    SavedView,
    ShareLink,
)
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.models import Team, User
from studio.personal_data.export import portions, time
from studio.personal_data.parts import Outcome, Row, Section

AT_ONCE = 500  # events that are looked at together


def sections(person: User) -> list[Section]:
    jobs = Job.objects.filter(owner=person).select_related("team")
    events = JobEvent.objects.filter(job__owner=person).select_related("job")
    checks = Check.objects.filter(asked_by=person).select_related("team")
    ledger = LedgerEntry.objects.filter(member=person).select_related("team", "job")
    presets = Preset.objects.filter(owner=person).select_related("team")
    shares = ShareLink.objects.filter(made_by=person).select_related("team")
    pending = PendingOrder.objects.filter(owner=person).select_related("team")
    views = SavedView.objects.filter(owner=person).select_related("team")
    return [
        Section("jobs", portions(jobs, _job)),
        Section("job-events", portions(events, _event)),
        Section("checks", portions(checks, _check)),
        Section("ledger", portions(ledger, _entry)),
        Section("presets", portions(presets, _preset)),
        Section("share-links", portions(shares, _share)),
        Section("saved-views", portions(views, _view)),
        Section("pending-orders", portions(pending, _pending)),
    ]


def _job(job: Job) -> Row:
    return {
        "id": job.public_id,
        "team": job.team.name,
        "title": job.title,
        "model": job.model,
        "parameters": job.parameters,
        "state": job.state,
        "created": time(job.created_at),
        "finished": time(job.finished_at),
    }


def _event(event: JobEvent) -> Row:
    return {"job": event.job.public_id, "at": time(event.at), "text": str(event.text)}


def _check(check: Check) -> Row:
    return {
        "id": check.public_id,
        "team": check.team.name,
        "model": check.model,
        "state": check.state,
        "created": time(check.created_at),
    }


def _entry(entry: LedgerEntry) -> Row:
    return {
        "at": time(entry.created_at),
        "team": entry.team.name,
        "job": entry.job.public_id if entry.job else "",
        "kind": entry.kind,
        "held_millionths": entry.held,
        "settled_millionths": entry.settled,
        "currency": entry.currency,
    }


def _preset(preset: Preset) -> Row:
    return {"team": preset.team.name, "model": preset.model, "name": preset.name}


def _view(view: SavedView) -> Row:
    return {"team": view.team.name, "name": view.name, "query": view.query}


def _share(link: ShareLink) -> Row:
    return {
        "team": link.team.name,
        "title": link.title,
        "created": time(link.created_at),
        "ends": time(link.expires_at),
        "revoked": time(link.revoked_at),
        "views": link.views,
    }


def _pending(pending: PendingOrder) -> Row:
    return {
        "id": pending.public_id,
        "team": pending.team.name,
        "title": pending.title,
        "orders": pending.wish["orders"],
        "state": pending.state,
        "created": time(pending.created_at),
        "answer": pending.answer,
    }


def erase(person: User, names: list[str], pseudonym: str) -> list[Outcome]:
    """Their limits and what they asked for go; events say `pseudonym`; jobs and ledger keep the
    number of the person."""
    PendingOrder.objects.filter(owner=person).delete()
    Budget.objects.filter(member=person).delete()
    ReadyNotice.objects.filter(user=person).delete()
    SavedView.objects.filter(owner=person, whole_team=False).delete()
    ShareLink.objects.filter(made_by=person).update(made_by=None)  # the link is the team's
    _rename_in_events(person, names, pseudonym)
    open_jobs = Job.objects.filter(owner=person).exclude(state__in=TERMINAL).count()
    entries = LedgerEntry.objects.filter(member=person).count()
    report = []
    if open_jobs:
        said = plural_phrase(
            "%(n)s job that is not over goes on for its team.",
            "%(n)s jobs that are not over go on for their teams.",
            open_jobs,
        )
        report.append(Outcome(said, stays=True))
    if entries:
        said = plural_phrase(
            "%(n)s entry of the ledger stays, because what was paid must add up; it names a "
            "number, no person.",
            "%(n)s entries of the ledger stay, because what was paid must add up; they name a "
            "number, no person.",
            entries,
        )
        report.append(Outcome(said, stays=True))
    notes = LedgerEntry.objects.filter(note__contains=person.email).count()
    if notes:
        said = plural_phrase(
            "%(n)s correction of the ledger names the address of who made it, and cannot be "
            "changed.",
            "%(n)s corrections of the ledger name the address of who made them, and cannot be "
            "changed.",
            notes,
        )
        report.append(Outcome(said, stays=True))
    return report


def _rename_in_events(person: User, names: list[str], pseudonym: str) -> None:
    """What people read of jobs says who moved them, by the name of that time."""
    if not names:
        return
    holds = Q()
    for name in names:
        holds |= Q(text__contains=name)
    teams = Team.objects.filter(
        Q(memberships__user=person) | Q(pk__in=Job.objects.filter(owner=person).values("team"))
    )
    rows = JobEvent.objects.filter(holds, team__in=teams.values("pk")).order_by("pk")
    last = 0
    while some := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        last = some[-1].pk
        for event in some:
            event.text = _renamed(event.text, names, pseudonym)
        JobEvent.objects.bulk_update(some, ["text"])


def _renamed(text: Sentence, names: list[str], pseudonym: str) -> Sentence:
    """`text` with `pseudonym` where a value of it is one of `names`."""
    values = {
        key: _renamed(value, names, pseudonym)
        if isinstance(value, Sentence)
        else (pseudonym if value in names else value)
        for key, value in text.values.items()
    }
    return Sentence(text.message, values, text.plural, text.number)


def close(team: Team) -> list[Outcome]:
    """Nobody is left in `team`: its keys go, as soon as no job needs them."""
    waiting = team.jobs.exclude(state__in=TERMINAL).exists()
    if waiting:
        said = phrase(
            "The keys of %(team)s stay until its jobs are over. Retire them at the service.",
            team=team,
        )
        return [Outcome(said, stays=True)]
    keys = ApiKey.objects.filter(account__in=Account.objects.filter(team=team))
    number = keys.count()
    if number:
        record(Event.KEY_RETIRED, team=team, about=team.name, before={"keys_n": number})
        keys.delete()
    said = phrase(
        "%(team)s had nobody else, so nobody can open it any more. Its keys are erased; its jobs "
        "and ledger stay, because what was paid must add up.",
        team=team,
    )
    return [Outcome(said, stays=True)]


class OfJobs:
    """The three functions under one name, for settings.PERSONAL_DATA."""

    sections = staticmethod(sections)
    erase = staticmethod(erase)
    close = staticmethod(close)


KNOWS = OfJobs()
