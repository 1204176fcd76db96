"""Faults that a test may order: how the service breaks, where, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass

PLACES = ("submit", "detect", "get", "list", "cancel", "policy", "upload", "result")
# What is wrong with the answer: before the service did its work, after it, or in the work itself.
BEFORE = ("cut-before", "429", "500", "html", "slow")
AFTER = ("cut-after", "garbled", "500-after")
SPECIAL = ("truncated-result", "unknown-status", "task-fails")


@dataclass(slots=True)
class Fault:
    """One ordered fault. `code` belongs to task-fails, `seconds` to slow, `length` to truncated-result:

    "right" announces the whole length and hangs up half way, "wrong" announces only the half it sends.
    """

    name: str
    where: str
    model: str | None
    times: int
    code: str = ""
    seconds: float = 2.0
    length: str = "right"


class Faults:
    """The ordered faults, taken in the order they were armed; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []

    def arm(self, fault: str, *, times: int = 1, where: str = "", model: str | None = None, seconds: float = 2.0, length: str = "right") -> None:
        """Order `fault` for the next `times` calls at `where` (of `model`). Raises ValueError for a fault or place that does not exist."""
        name, _, code = fault.partition(":")
        fixed = {"truncated-result": "result", "unknown-status": "get", "task-fails": "submit"}
        where = where or fixed.get(name, "submit")
        if name not in BEFORE + AFTER + SPECIAL:
            raise ValueError(f"no fault {fault!r}; known: {', '.join(BEFORE + AFTER + SPECIAL)}")
        if where not in PLACES:
            raise ValueError(f"no place {where!r}; known: {', '.join(PLACES)}")
        with self._lock:
            self._armed.append(Fault(name, where, model, times, code, seconds, length))

    def take(self, where: str, model: str | None, names: tuple[str, ...]) -> Fault | None:
        """The next fault of `names` that is due at this call; it is used up by it."""
        with self._lock:
            for fault in self._armed:
                if fault.where == where and fault.name in names and (fault.model is None or fault.model == model):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._armed.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()
