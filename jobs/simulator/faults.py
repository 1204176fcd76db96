"""Faults that a test may arm: how the service breaks, where, and how often; or at random, the same
way for the same seed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

ENDPOINTS = ("submit", "detect", "get", "list", "cancel", "policy", "upload", "result")
# What is wrong with the answer: before the service did its work, after it, or in the work itself.
BEFORE = ("cut-before", "429", "429-burst", "500", "503", "html", "slow", "result-404")
AFTER = ("cut-after", "garbled", "500-after", "reset")
SPECIAL = ("truncated-result", "unknown-status", "task-fails", "wrong-result-url", "bad-result")
WRONG_ADDRESSES = ("page", "missing", "private", "redirect")
# Where a fault strikes when nobody says where.
FIXED_ENDPOINTS = {
    "truncated-result": "result",
    "result-404": "result",
    "unknown-status": "get",
    "wrong-result-url": "get",
    "bad-result": "get",
    "task-fails": "submit",
}
BURST = 5
SLOW_SECONDS = 2.0


@dataclass(slots=True)
class Fault:
    """One fault. `code` belongs to task-fails, unknown-status, wrong-result-url and
    bad-result.

    `seconds` is how long slow waits, and the Retry-After of 429 (None: no such header). `length`
    belongs to truncated-result: "right" announces the whole length and hangs up half way, "wrong"
    announces only the half it sends.
    """

    name: str
    where: str
    model: str | None = None
    times: int = 1
    code: str = ""
    seconds: float | None = None
    length: str = "right"


def fault_of(
    fault: str,
    *,
    times: int = 1,
    where: str = "",
    model: str | None = None,
    seconds: float | None = None,
    length: str = "right",
) -> Fault:
    """The fault in the words of `arm`: `name` or `name:code`. Raises ValueError for a fault,
    endpoint or mode that does not exist."""
    name, _, code = fault.partition(":")
    where = where or FIXED_ENDPOINTS.get(name, "submit")
    if name not in BEFORE + AFTER + SPECIAL:
        raise ValueError(f"no fault {fault!r}; known: {', '.join(BEFORE + AFTER + SPECIAL)}")
    if where not in ENDPOINTS:
        raise ValueError(f"no endpoint {where!r}; known: {', '.join(ENDPOINTS)}")
    if name in FIXED_ENDPOINTS and where != FIXED_ENDPOINTS[name]:
        raise ValueError(f"{name} happens at {FIXED_ENDPOINTS[name]}, not at {where}")
    if name in ("wrong-result-url", "bad-result"):
        code = code or WRONG_ADDRESSES[0]
        if code not in WRONG_ADDRESSES:
            raise ValueError(f"no wrong address {code!r}; known: {', '.join(WRONG_ADDRESSES)}")
    if name == "429-burst" and code and not (code.isdigit() and int(code)):
        raise ValueError(f"{fault!r}: a burst has a number of calls")
    return Fault(name, where, model, times, code, seconds, length)


@dataclass(frozen=True, slots=True)
class RandomFaults:
    """Random faults: at each endpoint the named ones, each with its share of the calls (0 … 1).

    What call number n at an endpoint draws depends on the seed, the endpoint and n alone.
    """

    seed: int
    faults: Mapping[str, Sequence[tuple[float, Fault]]]

    @classmethod
    def of(cls, seed: int, rate: float, faults: Sequence[str | Mapping[str, Any]]) -> RandomFaults:
        """`faults` are words (`429`, `500@get`, `task-fails:InternalError.Algo`) or the arguments
        of `arm`, with a `rate` of their own if they like; the others at an endpoint share `rate`.
        Raises ValueError."""
        read = [_rate_and_fault(one) for one in faults]
        sharing = Counter(fault.where for own, fault in read if own is None)
        by_endpoint: dict[str, list[tuple[float, Fault]]] = {}
        for own, fault in read:
            share = rate / sharing[fault.where] if own is None else own
            if not 0 <= share <= 1:
                raise ValueError(f"the rate of {fault.name} is {share}; it is a share from 0 to 1")
            by_endpoint.setdefault(fault.where, []).append((share, fault))
        return cls(seed, by_endpoint)

    def draw(self, where: str, number: int) -> Fault | None:
        """What strikes call `number` (from 0) at `where`."""
        dice = Random(f"{self.seed}/{where}/{number}").random()  # noqa: S311  (the same dice every time)
        for share, fault in self.faults.get(where, ()):
            if dice < share:
                return replace(fault)
            dice -= share
        return None


def _rate_and_fault(one: str | Mapping[str, Any]) -> tuple[float | None, Fault]:
    if isinstance(one, str):
        name, _, where = one.partition("@")
        return None, fault_of(name, where=where)
    more = {str(name): value for name, value in one.items() if name not in ("rate", "fault")}
    rate = one.get("rate")
    return None if rate is None else float(rate), fault_of(str(one.get("fault", "")), **more)


class Draw:
    """What strikes one call: the random fault drawn for it, and what was armed. Each fault is used
    up by `take`."""

    def __init__(self, faults: Faults, where: str, model: str | None, drawn: Fault | None) -> None:
        self._faults, self._where, self._model, self._drawn = faults, where, model, drawn

    def take(self, *names: str) -> Fault | None:
        """The next fault of `names` for this call, None when all goes well."""
        drawn = self._drawn
        if (
            drawn is not None
            and drawn.name in names
            and (drawn.model is None or drawn.model == self._model)
        ):
            self._drawn = None
            return self._faults.struck(drawn)
        return self._faults.take(self._where, self._model, names)


class Faults:
    """The armed faults, taken in the order in which they were armed, and the random ones;
    thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._random: RandomFaults | None = None
        self._calls: Counter[str] = Counter()
        self._struck: Counter[str] = Counter()

    def arm(self, fault: str, **more: Any) -> None:
        """Order `fault` for the next `times` calls at `where` (of `model`): see `fault_of`, which
        raises ValueError."""
        armed = fault_of(fault, **more)
        if armed.name == "429-burst":
            armed = replace(
                armed, name="429", code="", times=armed.times * int(armed.code or BURST)
            )
        with self._lock:
            self._armed.append(armed)

    def random_faults(
        self, seed: int, rate: float, faults: Sequence[str | Mapping[str, Any]]
    ) -> None:
        """From now on every call draws; a rate of 0 or no faults end it. Raises ValueError."""
        drawn = RandomFaults.of(seed, rate, faults)
        with self._lock:
            self._random = drawn
            self._calls.clear()

    def draw(self, where: str, model: str | None) -> Draw:
        """What strikes this call at `where`; count one more there."""
        with self._lock:
            number = self._calls[where]
            self._calls[where] += 1
            drawn = self._random.draw(where, number) if self._random and where else None
        return Draw(self, where, model, drawn)

    def take(self, where: str, model: str | None, names: tuple[str, ...]) -> Fault | None:
        """The next armed fault of `names` that is due at this call; it is used up by it."""
        with self._lock:
            for fault in self._armed:
                if (
                    fault.where == where
                    and fault.name in names
                    and (fault.model is None or fault.model == model)
                ):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._armed.remove(fault)
                    self._struck[f"{fault.name}@{fault.where}"] += 1
                    return fault
        return None

    def struck(self, fault: Fault) -> Fault:
        """Note that a drawn fault strikes, and as what; a burst strikes the next calls there
        too."""
        with self._lock:
            self._struck[f"{fault.name}@{fault.where}"] += 1
            if fault.name == "429-burst":
                more = int(fault.code or BURST) - 1
                fault = replace(fault, name="429", code="")
                if more:
                    self._armed.append(replace(fault, times=more))
        return fault

    def injected(self) -> dict[str, int]:
        """How often each fault struck since the start: {"500@get": 3, …}."""
        with self._lock:
            return dict(self._struck)

    def disarm(self) -> None:
        """Nothing breaks any more."""
        with self._lock:
            self._armed.clear()
            self._random = None
