"""The decoders of this process: started when first needed, as many at once as there are seats."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar

from studio.common.translatable import Sentence, unpacked
from studio.media.decoders.decoder import Decoder, Lost
from studio.media.decoders.ended import ended
from studio.media.decoders.limits import MEGABYTE, MEMORY_MB, Limits, Message
from studio.media.decoders.line import Line, Ticket
from studio.media.edits.refusal import EDIT_CODES, EditError
from studio.media.facts import CODES, MediaError

SEATS = 2
PAGE_TURNS = 2  # of the threads that make pages: the others go on serving
PAGE_WAIT = 5.0  # seconds that a page waits for its turn
TRIES = 2  # of what somebody else's kill ended
_turn: ContextVar[Ticket | None] = ContextVar("decoder_turn", default=None)
# What a thread that makes a page calls when it begins to wait for a decoder: another page may take
# its place.
give_place: ContextVar[Callable[[], object] | None] = ContextVar("give_place", default=None)


class Pool:
    """`seats` decoders of `memory_mb` megabytes each. `page_turns`: how many calls may wait or
    work here without a turn that was taken before, and then only PAGE_WAIT seconds (None: any
    number, for as long as it takes)."""

    def __init__(self, seats: int, memory_mb: int, page_turns: int | None = None) -> None:
        self.line = Line(seats)
        self.memory_mb, self.page_turns = memory_mb, page_turns
        self.lock = threading.Lock()
        self.idle: list[Decoder] = []
        self.on_pages = 0

    def run(self, call: str, args: Message, limits: Limits) -> Message:
        """What `call` ("module:function") returns for `args`, as JSON. MediaError, EditError,
        DecoderEnded, OSError (a full disk)."""
        megabytes = limits.memory // MEGABYTE or self.memory_mb
        request = {
            "call": call,
            "args": args,
            "processor": limits.processor,
            "clock": limits.clock,
            "memory": megabytes * MEGABYTE,
        }
        answer: Message = {}
        for _ in range(TRIES):
            answer = self._asked(request)
            if answer.get("ended") != "killed":
                break
        if "ended" in answer:
            raise ended(answer["ended"], megabytes)
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        if "code" in answer:
            raise _refusal(answer["code"], unpacked(answer["sentence"]))
        value: Message = answer["value"]
        return value

    def _asked(self, request: Message) -> Message:
        with self.lock:
            decoder = self.idle.pop() if self.idle else Decoder()
        try:
            answer = decoder.ask(request)
        except Lost:
            decoder.close()
            return {"ended": "killed"}
        except BaseException:
            # The time of an RQ job is over, or Ctrl-C: its answer must not be taken for the next.
            decoder.close()
            raise
        with self.lock:
            self.idle.append(decoder)
        return answer

    @contextmanager
    def page_turn(self) -> Iterator[float | None]:
        """One of the few calls that may come without a turn; the seconds that it may wait for one.
        DecoderEnded (busy)."""
        with self.lock:
            if self.page_turns is not None and self.on_pages >= self.page_turns:
                raise ended("busy")
            self.on_pages += 1
        try:
            yield PAGE_WAIT if self.page_turns is not None else None
        finally:
            with self.lock:
                self.on_pages -= 1

    def close(self) -> None:
        with self.lock:
            idle, self.idle = self.idle, []
        for decoder in idle:
            decoder.close()


def _refusal(code: str, sentence: Sentence) -> MediaError:
    if code in EDIT_CODES:
        return EditError(code, sentence)
    return MediaError(code if code in CODES else "broken", sentence)


_pool = Pool(SEATS, MEMORY_MB)


def configure(seats: int, memory_mb: int, page_turns: int | None = None) -> None:
    """How many decoders this process has, of how many megabytes each, and how many calls may come
    without a turn of their own. What is at work ends as it began."""
    global _pool
    old, _pool = _pool, Pool(seats, memory_mb, page_turns)
    old.close()


def serve_pages(page_turns: int = PAGE_TURNS) -> None:
    """For the process that serves pages: at most so many of its threads decode or wait for it."""
    _pool.page_turns = page_turns


def run(call: str, args: Message, limits: Limits, person: str = "") -> Message:
    """Run "module:function" in a decoder: its JSON. Uses up the turn of this context, so that what
    follows (storing) holds nobody up, or waits for one in the name of `person`."""
    pool, held = _pool, _turn.get()
    if held is not None and held in pool.line.seated:
        try:
            return pool.run(call, args, limits)
        finally:
            held.leave()
    with pool.page_turn() as patience:
        if (give := give_place.get()) is not None:
            give()
        with turn(person, patience=patience):
            return pool.run(call, args, limits)


@contextmanager
def turn(person: str, label: str = "", patience: float | None = None) -> Iterator[None]:
    """Wait for a turn, and have it until the end or until something was decoded. DecoderEnded
    (busy) when it does not come within `patience` seconds."""
    ticket = _pool.line.enter(person, label)
    token = _turn.set(ticket)
    try:
        try:
            ticket.admitted.result(patience)
        except TimeoutError:
            raise ended("busy") from None
        yield
    finally:
        _turn.reset(token)
        ticket.leave()


@asynccontextmanager
async def turn_async(person: str, label: str = "") -> AsyncIterator[None]:
    """The same without a thread that waits; threads that are given the context have the turn."""
    ticket = _pool.line.enter(person, label)
    token = _turn.set(ticket)
    try:
        await asyncio.wrap_future(ticket.admitted)
        yield
    finally:
        with suppress(ValueError):  # closed from another task
            _turn.reset(token)
        ticket.leave()


def places(person: str) -> list[tuple[str, int]]:
    """(label, how many go first) of what `person` waits for in this process."""
    return _pool.line.places(person)


def _after_fork() -> None:
    """A forked process asks no decoder of its parent: both would read each other's answers."""
    global _pool
    _pool = Pool(_pool.line.seats, _pool.memory_mb)
    _turn.set(None)


os.register_at_fork(after_in_child=_after_fork)
