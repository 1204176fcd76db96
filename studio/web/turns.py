"""Who gets a page thread next: visitors' addresses in turns, each in the order that it asked."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Place:
    """A place that was taken; who does not need it to the end may give it before."""

    turns: Turns
    given: bool = False

    def give(self) -> None:
        """On the event loop; a second time nothing happens."""
        if not self.given:
            self.given = True
            self.turns.release()


class Turns:
    """`places` at once. One address that asks much waits behind itself, not before the others."""

    def __init__(self, places: int) -> None:
        self.free = places
        self.waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[Place]:
        """A place, held until the end of the block unless it is given back before."""
        await self._take(address)
        place = Place(self)
        try:
            yield place
        finally:
            place.give()

    async def _take(self, address: str) -> None:
        if self.free:  # then nobody waits
            self.free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(address, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the moment of the end
                self.release()
            raise

    def release(self) -> None:
        """To whoever is next, or to nobody."""
        while self.waiting:
            address, line = next(iter(self.waiting.items()))
            turn = line.popleft()
            if line:
                self.waiting.move_to_end(address)
            else:
                del self.waiting[address]
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
