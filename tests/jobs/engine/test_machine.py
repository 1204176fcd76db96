"""The engine against a service that answers anything, with processes that die anywhere: whatever
happens, in whatever order, nothing is lost, nothing is paid twice, and in the end every job has
ended or waits for a person with a reason.

MACHINE_EXAMPLES and MACHINE_STEPS make it longer (the usual run takes seconds).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs.accounts import choice, pauses
from jobs.common.errors import Moved, Refused
from jobs.common.states import MOVES, OUT, TERMINAL, Code, State
from jobs.engine import (
    invariants,
    lane_lease,
    lane_round,
    lane_visit,
    poll,
    speed,
    task_list,
    transitions,
    uncertain,
)
from jobs.models import Account, Job, JobEvent, Lane, LedgerEntry
from jobs.models.account import PauseState
from jobs.modelstudio import NoAnswer
from jobs.orders import create
from jobs.orders.order_request import OrderRequest
from studio.models import Membership, Role, Team, User
from tests import makers
from tests.jobs.engine.memory_service import Killed, MemoryService

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "5"))
STEPS = int(os.environ.get("MACHINE_STEPS", "16"))
MODEL = "emo-v1"
# What the service says: well, or something else. Good words stand several times, or nothing would
# ever be done.
LOST = ("accept-cut", "accept-500", "accept-garbled", "cut-before", "500", "html")
TROUBLE = (
    "429",
    "429-after",
    "not-sent",
    "unreachable",
    "key",
    "arrears",
    "quota",
    "gone",
    "rejected",
)
SUBMITS = ("accept",) * 12 + LOST * 2 + TROUBLE + ("die-before", "die-after")
GETS = ("well",) * 10 + (
    "429",
    "429-after",
    "500",
    "html",
    "not-sent",
    "key",
    "strange",
    "unknown",
    "no-result",
)
LISTS = ("well",) * 4 + ("500", "429", "incomplete")
FAILS = (
    ("",) * 6
    + ("InternalError.Algo",) * 2
    + ("InternalError.Upload", "InvalidFile.FullFace", "DataInspectionFailed", "SomethingNew")
)
Weather = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
Turn = tuple[int, int, str, bool]
weather = st.tuples(
    *(st.tuples(*(st.sampled_from(words) for _ in range(4))) for words in (SUBMITS, GETS, LISTS))
)
# One round of the dispatcher: how long after the last one, how far the service came meanwhile and
# how it failed, and which way it is made.
waits = st.sampled_from((1, 4, 10, 30, 100, 400, 4000))
turns = st.lists(
    st.tuples(waits, st.integers(0, 2), st.sampled_from(FAILS), st.booleans()),
    min_size=2,
    max_size=5,
)


class Machine(RuleBasedStateMachine):
    """Two people, two Alibaba accounts, three rows: the second row is the first account again, so
    they share its lanes."""

    def __init__(self) -> None:
        super().__init__()
        self.service = MemoryService(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
        self.stale: list[Job] = []
        self.patched = pytest.MonkeyPatch()
        self.service.install(self.patched)
        self.block = transaction.atomic()
        self.block.__enter__()
        self.service.depth = len(connection.atomic_blocks)
        self.watch = connection.execute_wrapper(self.service.statement)
        self.watch.__enter__()

    def teardown(self) -> None:
        try:
            if hasattr(self, "team"):
                self.quiet_down()
        finally:
            self.service.dead = False
            self.watch.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)
            self.patched.undo()
            forget()

    @initialize(skew=st.integers(-40, 40), lag=st.integers(0, 20))
    def begin(self, skew: int, lag: int) -> None:
        forget()
        self.service.skew, self.service.lag = timedelta(seconds=skew), timedelta(seconds=lag)
        self.team = Team.objects.create(name="Studio North", slug="north")
        self.people = [
            User.objects.create_user(f"{name}@example.com", first_name=name.capitalize())
            for name in ("aiko", "ben")
        ]
        for user in self.people:
            Membership.objects.create(team=self.team, user=user, role=Role.OWNER)
        first, second, other = (
            makers.account(self.team, key=f"sk-test-{number}") for number in range(3)
        )
        Account.objects.filter(pk=second.pk).update(same_as=first)
        self.accounts = list(Account.objects.order_by("pk"))
        assert [one.root_id for one in self.accounts] == [first.pk, first.pk, other.pk]
        self.files = {
            "image_url": makers.asset(self.team),
            "audio_url": makers.asset(self.team, "audio"),
        }
        makers.check(self.files["image_url"], first)
        self.video = makers.asset(self.team, "video")
        self.clicks = 0
        for account in range(3):
            self.wish(account, account % 2, False)

    # ── people ────────────────────────────────────────────────────────────────────────────────────

    @rule(account=st.integers(0, 2), person=st.integers(0, 1), twice=st.booleans())
    def wish(self, account: int, person: int, twice: bool) -> None:
        self.clicks += 1
        wish = OrderRequest(
            self.team,
            self.people[person],
            MODEL,
            self.files,
            {"ratio": "1:1"},
            account=self.accounts[account],
            key=f"click-{self.clicks}",
        )
        before = Job.objects.count()
        try:
            job = create.create(wish)
        except Refused:
            assert not (
                self.accounts[account].takes
                and Lane.objects.filter(pause_state=PauseState.DRAINING).count() == 0
            )
            return
        if twice:
            assert create.create(wish).pk == job.pk
        assert Job.objects.count() == before + 1

    def some_job(self, number: int, **where: Any) -> Job | None:
        found = list(
            Job.objects.filter(**where)
            .select_related("lane", "account", "account__team", "team", "template", "check_used")
            .order_by("pk")
        )
        return found[number % len(found)] if found else None

    @rule(
        what=st.sampled_from(("cancel", "cancel-too-late", "front", "front")),
        number=st.integers(0, 30),
        person=st.integers(0, 1),
    )
    def meddle(self, what: str, number: int, person: int) -> None:
        job = (
            self.some_job(number) if what != "front" else self.some_job(number, state=State.QUEUED)
        )
        if job is None:
            return
        self.service.cancels = ["too-late" if what == "cancel-too-late" else "well"]
        said = (
            transitions.to_front(job, self.people[person])
            if what == "front"
            else transitions.cancel(job, self.people[person])
        )
        assert said
        self.service.cancels = []

    @rule(
        state=st.sampled_from(list(PauseState)), which=st.integers(0, 5), person=st.integers(0, 1)
    )
    def pause(self, state: PauseState, which: int, person: int) -> None:
        pausable: list[Account | Lane] = [
            *Account.objects.order_by("pk"),
            *Lane.objects.order_by("pk"),
        ]
        pauses.set_pause(pausable[which % len(pausable)], state, self.people[person])
        self.accounts = list(Account.objects.order_by("pk"))

    @precondition(
        lambda self: hasattr(self, "team") and Job.objects.filter(state=State.UNCERTAIN).exists()
    )
    @rule(number=st.integers(0, 9))
    def decide(self, number: int) -> None:
        """A person who looked into the console, so who knows."""
        job = self.some_job(number, state=State.UNCERTAIN)
        if job is not None:
            uncertain.decide_uncertain(job, self.service.truth(job), self.people[0])

    # ── the service and the engine ────────────────────────────────────────────────────────────────

    @rule(weather=weather, plan=turns)
    def visits(self, weather: Weather, plan: list[Turn]) -> None:
        self.turns(weather, plan, None)

    @rule(weather=weather, plan=turns, dies=st.integers(5, 120), noticed=st.booleans())
    def visits_until_death(
        self, weather: Weather, plan: list[Turn], dies: int, noticed: bool
    ) -> None:
        """The process that visits dies at some statement, wherever that is."""
        self.turns(weather, plan, dies)
        assert broken() == []
        if noticed:
            self.another_machine_notices_the_dead()

    def turns(self, weather: Weather, plan: list[Turn], dies: int | None) -> None:
        """Rounds of the dispatcher at every lane that is due. The weather is that of all of it;
        when it is over it is good."""
        self.service.submits, self.service.gets, self.service.lists = (
            list(words) for words in weather
        )
        try:
            for seconds, works, fails, rounds in plan:
                self.service.now += timedelta(seconds=seconds)
                for _ in range(works):
                    self.service.work(fails)
                self.service.statements_left = dies
                self.dispatch(rounds)
                dies = self.service.statements_left
        except Killed:
            pass
        finally:
            self.service.stop_faults()

    @rule(kind=st.sampled_from(("cancels", "makes")))
    def somebody_at_the_console(self, kind: str) -> None:
        if kind == "cancels":
            self.service.cancel_any()
        elif not self.service.lag:
            # With a list that lags nobody could tell a stranger's task from ours.
            self.service.strange_task(self.accounts[0].root_id, MODEL)

    def dispatch(self, rounds: bool) -> None:
        claimed = lane_lease.claim()
        if not rounds:
            for one in claimed:
                lane_visit.visit(one)
            return
        seen = lane_round.survey(claimed)
        whole = [one for one in seen if one.needs_visit]
        others = [lane_round.ask(one, False) for one in seen if not one.needs_visit]
        for one in [*whole, *lane_round.take_in(others)]:
            lane_visit.visit(one.claimed, one.answers)

    @rule()
    def another_machine_notices_the_dead(self) -> None:
        """Every lease of a dead process has run out."""
        Lane.objects.exclude(lease_until=None).update(
            lease_until=self.service.now - timedelta(seconds=1)
        )

    @rule(number=st.integers(0, 30), video=st.booleans())
    def archive(self, number: int, video: bool) -> None:
        job = self.some_job(number, state=State.ARCHIVING)
        if job is None:
            return
        if video:
            stale = self.some_job(number, state=State.ARCHIVING)
            assert stale is not None
            transitions.archived(job, self.video)
            with pytest.raises(Moved):
                transitions.archived(stale, self.video)
        else:
            transitions.fail(
                job,
                Code.BAD_RESULT,
                NoAnswer("ResultNotAVideo", "It is a page."),
                text="It is a page",
                lease_until=None,
            )

    # ── late answers ──────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: hasattr(self, "team"))
    @rule(number=st.integers(0, 30))
    def remember(self, number: int) -> None:
        """Some process has read this row and is slow."""
        job = self.some_job(number, state__in=OUT)
        if job is not None:
            self.stale.append(job)

    @precondition(lambda self: bool(self.stale))
    @rule(
        number=st.integers(0, 9),
        how=st.sampled_from(("look", "trouble", "accepted", "uncertain", "queue")),
    )
    def late(self, number: int, how: str) -> None:
        """The slow process goes on now, with an answer to what it asked then."""
        stale = self.stale.pop(number % len(self.stale))
        before = Job.objects.get(pk=stale.pk)
        same = (before.state, before.attempt) == (stale.state, stale.attempt)
        if same:
            return  # not late
        acts: dict[str, Callable[[], Any]] = {
            "look": lambda: poll.take_in(stale, self.service.answer(stale.task_id)),
            "trouble": lambda: poll.take_in(stale, NoAnswer("InternalError", "", status=500)),
            "accepted": lambda: (
                transitions.move(stale, State.RUNNING, "late", task_id="task-late")
                if stale.state != State.RUNNING
                else None
            ),
            "uncertain": lambda: (
                uncertain.orphan(stale) if stale.state == State.SUBMITTING else None
            ),
            "queue": lambda: transitions.move(stale, State.QUEUED, "late"),
        }
        with suppress(Moved):
            acts[how]()
        after = Job.objects.get(pk=stale.pk)
        kept = (
            "state",
            "attempt",
            "task_id",
            "code",
            "settled_micros",
            "next_look_at",
            "tries",
            "not_before",
        )
        assert {name: getattr(after, name) for name in kept} == {
            name: getattr(before, name) for name in kept
        }, f"{how} of an old attempt"

    # ── what must always hold ─────────────────────────────────────────────────────────────────────

    @invariant()
    def books_are_straight(self) -> None:
        if hasattr(self, "team"):
            check_books(self.service)

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def quiet_down(self) -> None:
        """Good weather, nothing paused: whatever was begun must come to its end."""
        self.service.stop_faults()
        pausable: list[Account | Lane] = [*Account.objects.all(), *Lane.objects.all()]
        for one in pausable:
            if one.pause_state != PauseState.OPEN:
                pauses.set_pause(one, PauseState.OPEN, self.people[0])
        for _ in range(120):
            if not Job.objects.exclude(state__in=TERMINAL).exists():
                break
            Lane.objects.filter(lease_until__gt=self.service.now + lane_lease.LEASE).update(
                lease_until=self.service.now + lane_lease.LEASE
            )
            self.dispatch(False)
            self.service.work("")
            for job in Job.objects.filter(state=State.ARCHIVING):
                transitions.archived(job, self.video)
            for job in Job.objects.filter(
                state=State.UNCERTAIN, code=Code.SEVERAL_TASKS
            ).select_related("account", "lane", "team"):
                assert JobEvent.objects.filter(job=job, code=Code.SEVERAL_TASKS).exists()
                uncertain.decide_uncertain(job, self.service.truth(job), self.people[0])
            self.service.now = max(self.service.now + timedelta(seconds=1), self.next_due())
        left = [
            f"{job.pk} {job.state} {job.code} {job.sentence} until {job.not_before}"
            for job in Job.objects.exclude(state__in=TERMINAL)
        ]
        assert not left, left
        check_books(self.service)
        check_end(self.service)
        assert invariants.broken() == []

    def next_due(self) -> datetime:
        """When the engine says itself that there is something to do; forgotten lanes would make us
        wait for ever."""
        times = [
            max(at, lease or at)
            for at, lease in Lane.objects.values_list("next_visit_at", "lease_until")
            if at is not None
        ]
        return min(times, default=self.service.now)


# ── the books ─────────────────────────────────────────────────────────────────────────────────────


def check_books(service: MemoryService) -> None:
    """Ledger, tasks, states and their events agree with each other and with the service, after
    every step."""
    ledger: dict[int, list[LedgerEntry]] = {}
    for entry in LedgerEntry.objects.filter(job__isnull=False):
        ledger.setdefault(entry.job_id or 0, []).append(entry)
    events: dict[int, list[JobEvent]] = {}
    for event in JobEvent.objects.order_by("id"):
        events.setdefault(event.job_id, []).append(event)
    for job in Job.objects.all():
        held = sum(entry.held for entry in ledger[job.pk])
        settled = sum(entry.settled for entry in ledger[job.pk])
        if job.state in TERMINAL or job.state == State.ARCHIVING:
            assert held == 0, f"job {job.pk} is {job.state} and holds {held}"
            assert settled == service.bill_of(job), (
                f"job {job.pk} is {job.state} {job.code}: {settled} settled, billed "
                f"{service.bill_of(job)}"
            )
        else:
            assert (held, settled) == (job.quote_micros, 0), (
                f"job {job.pk} is {job.state} and holds {held} of {job.quote_micros}"
            )
        check_chain(job, events[job.pk])
        posts = [post for post in service.posts if post.job == job.pk]
        attempts = [post.attempt for post in posts]
        assert len(attempts) == len(set(attempts)), (
            f"job {job.pk} was posted twice in one attempt: {posts}"
        )
        paid = [
            post.task_id
            for post in posts
            if post.task_id and service.tasks[post.task_id].could_be_paid
        ]
        assert len(paid) <= 1, f"job {job.pk} made {len(paid)} tasks that may be paid: {paid}"
        if job.state in (State.RUNNING, State.ARCHIVING, State.SUCCEEDED):
            assert job.task_id in {post.task_id for post in posts} | service.strangers, (
                f"job {job.pk} follows {job.task_id}, which is another's"
            )
    owners = [job.task_id for job in Job.objects.exclude(task_id="")]
    assert len(owners) == len(set(owners))


def broken() -> list[str]:
    """What `manage.py verify` would say, but for what only time shows: here hours pass without a
    visit."""
    return [
        said
        for name, invariant in invariants.INVARIANTS.items()
        if name != "open jobs"
        for said in invariant(invariants.Tally())
    ]


def check_chain(job: Job, events: list[JobEvent]) -> None:
    """The timeline goes from state to state as the machine allows, and ends where the job is."""
    assert (events[0].old, events[0].new) == ("", State.QUEUED)
    at = State.QUEUED
    for event in events[1:]:
        if event.old:
            assert event.old == at, f"job {job.pk}: {event.old} → {event.new} after {at}"
            assert event.new in MOVES[at], f"job {job.pk}: {at} → {event.new}"
        else:
            assert event.new == at
        at = State(event.new)
    assert at == job.state


def check_end(service: MemoryService) -> None:
    """Every task that the service billed is a job's that says so."""
    billed = {
        task.task_id for task in service.tasks.values() if task.status == "SUCCEEDED"
    } - service.strangers
    known = set(Job.objects.exclude(task_id="").values_list("task_id", flat=True))
    assert billed <= known, f"paid and followed by nobody: {billed - known}"
    for job in Job.objects.filter(state=State.FAILED):
        assert job.sentence, f"job {job.pk} failed without a word"
        assert job.fault
        assert job.code in (
            Code.REJECTED,
            Code.TASK_FAILED,
            Code.BAD_RESULT,
            Code.OUR_FAULT,
            Code.TASK_LOST,
        ), job.code


def forget() -> None:
    """Nothing of an example stays in this process."""
    choice._refused.clear()
    task_list.forget()
    speed.forget()


@pytest.mark.django_db
def test_whatever_happens_nothing_is_lost_and_nothing_paid_twice() -> None:
    deep = "MACHINE_EXAMPLES" in os.environ
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not deep,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
