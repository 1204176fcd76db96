"""A dispatcher run: visits lanes as they fall due, for a while. Many runs on many machines share
the lanes, since each is claimed.

One thread claims, reads and writes for many lanes at once; looks go out side by side on `threads`
others; what needs more than a look is visited by a few threads with connections of their own. A
wake-up ends its wait, so a click is on its way at once.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError, close_old_connections, connection

from jobs.common import wakeup
from jobs.engine import lane_lease, lane_round, lane_visit, task_list
from jobs.engine.lane_lease import BATCH, ClaimedLane
from jobs.engine.lane_round import LaneSurvey
from jobs.modelstudio import Task, WireError
from studio.common import clock

log = logging.getLogger("footlight.dispatcher")
LOOKERS = 16
VISITORS = 8
BUSY = timedelta(seconds=1)
LONG = 3.0  # seconds after which a visit is one that hands files over, and may take minutes
OVERTIME = 600.0  # seconds that a run goes on at most for such visits
GATHER = 0.02  # seconds in which answers are gathered, to be written together
# seconds that looks may still take when the run is over; their lanes come back by their leases
TIDY = 10.0


def work(seconds: float, *, threads: int = LOOKERS, stop: Callable[[], bool] | None = None) -> int:
    """Visit lanes for `seconds`, or until `stop()`; returns how many visits were made.

    A lane that is being visited is finished first: files that are handed over may take minutes.
    """
    return _Run(threads, stop or (lambda: False)).run(seconds)


class _Run:
    def __init__(self, threads: int, stop: Callable[[], bool]) -> None:
        self.stop = stop
        self.room = 2 * BATCH
        self.looking = 0
        self.visiting: dict[Future[None], float] = {}  # when each was given to the threads
        self.done: queue.SimpleQueue[LaneSurvey | None] = (
            queue.SimpleQueue()
        )  # None: woken, or a visit is over
        self.lookers = ThreadPoolExecutor(threads, thread_name_prefix="look")
        self.visitors = ThreadPoolExecutor(
            VISITORS, thread_name_prefix="visit", initializer=close_old_connections
        )
        self.made = 0
        self.leaving = False

    def run(self, seconds: float) -> int:
        end = time.monotonic() + seconds
        listener = _WakeListener(self.done)
        try:
            while not self.stop() and (time.monotonic() < end or self.visiting or self.looking):
                self.visiting = {
                    future: began for future, began in self.visiting.items() if not future.done()
                }
                try:
                    if self._goes_on(end):
                        self._claim()
                    self._gather(end)
                except DatabaseError:
                    # The database went away and may be back: leases bring the lanes of this moment
                    # again.
                    log.exception("the dispatcher lost its database")
                    connection.close()
                    time.sleep(0.5)
        finally:
            listener.close()
            self._tidy()
        return self.made

    def _goes_on(self, end: float) -> bool:
        """Whether lanes are still claimed: a long visit at the end of a run must not keep all
        others waiting for the next one."""
        now = time.monotonic()
        return now < end or (
            now < end + OVERTIME and any(now - began > LONG for began in self.visiting.values())
        )

    def _claim(self) -> None:
        room = min(BATCH, self.room - self.looking)
        claimed = lane_lease.claim(room) if room > 0 else []
        if not claimed:
            return
        self.made += len(claimed)
        many = task_list.accounts_with_many_lanes()
        nothing = []
        for one in lane_round.survey(claimed):
            if one.needs_visit and len(self.visiting) >= VISITORS * 4:
                # Threads are busy with files: looks go on, and this lane comes again, perhaps to
                # another run.
                lane_visit.leave(one.lane, one.lane.wakeups, clock.now() + BUSY)
            elif one.needs_visit:
                self._visit(one)
            elif one.looks:
                self.looking += 1
                self.lookers.submit(self._look, one, one.lane.account_id in many)
            else:
                nothing.append(one)
        self._write(nothing)

    def _look(self, one: LaneSurvey, listed: bool) -> None:
        close_old_connections()  # a key is read when it is used for the first time
        try:
            lane_round.ask(one, listed)
        except Exception:
            # A bug in one look must not end the run; the whole visit says what is wrong.
            log.exception("looks at %s", one.lane)
            one.needs_visit = True
        finally:
            self.done.put(one)

    def _gather(self, end: float) -> None:
        """Wait for answers, a wake-up or the next lane, and write what came together."""
        idle = not (self.looking or self.visiting)
        wait = min(
            lane_lease.until_due() if idle else 0.05, max(0.0, end - time.monotonic()) or 0.05
        )
        first: LaneSurvey | None
        try:
            first = self.done.get(timeout=max(GATHER, wait))
        except queue.Empty:
            return
        came = [first]
        if first is not None:
            until = time.monotonic() + GATHER
            while (left := until - time.monotonic()) > 0 and len(came) < BATCH:
                try:
                    came.append(self.done.get(timeout=left))
                except queue.Empty:
                    break
                if came[-1] is None:
                    break
        looks = [one for one in came if one is not None]
        self.looking -= len(looks)
        self._write(looks)

    def _write(self, looks: list[LaneSurvey]) -> None:
        try:
            rest = lane_round.take_in(looks)
        except DatabaseError:
            # A connection that was cut takes no answer with it: they are written by the next one.
            connection.close()
            rest = lane_round.take_in(looks)
        for one in rest:
            self._visit(one)

    def _visit(self, one: LaneSurvey) -> None:
        future = self.visitors.submit(self._in_thread, one.claimed, one.answers)
        self.visiting[future] = time.monotonic()

    def _in_thread(self, claimed: ClaimedLane, answers: dict[int, Task | WireError]) -> None:
        lane = claimed.lane
        close_old_connections()
        try:
            if self.leaving:  # what was only waiting for a thread is left for others
                lane_visit.leave(lane, -1, None)
            else:
                lane_visit.visit(claimed, answers)
        except DatabaseError:
            log.exception("visit of %s", lane)
            connection.close()
            with suppress(DatabaseError):
                lane_visit.leave(lane, -1, None)  # due at once; else its lease brings it back
        except Exception:
            # A bug in one lane must not end the run of all the others; the lease brings the lane
            # back.
            log.exception("visit of %s", lane)
        finally:
            self.done.put(None)

    def _tidy(self) -> None:
        """Nothing is claimed any more: end the looks, write what they said, wait for visits, and
        give connections back."""
        self.leaving = True
        self.lookers.shutdown(wait=False)
        until = time.monotonic() + TIDY
        while self.looking > 0 and time.monotonic() < until:
            try:
                one = self.done.get(timeout=0.2)
            except queue.Empty:
                continue
            if one is not None:
                self.looking -= 1
                try:
                    for rest in lane_round.take_in([one]):
                        lane_visit.leave(rest.lane, -1, None)  # due at once, for the next run
                except DatabaseError as error:
                    log.warning("a look could not be written: %s", error)
                    connection.close()
        self.visitors.shutdown(wait=True)


class _WakeListener:
    """A thread that waits for wake-ups and puts None into the queue that the run waits at."""

    def __init__(self, to: queue.SimpleQueue[LaneSurvey | None]) -> None:
        self.to = to
        self.over = threading.Event()
        threading.Thread(target=self._listen, name="wakeup", daemon=True).start()

    def _listen(self) -> None:
        while not self.over.is_set():
            if wakeup.wait(1.0):
                self.to.put(None)

    def close(self) -> None:
        self.over.set()
