"""Entries of the queue are data that anybody who reaches Redis can write: they are read as JSON and
never unpickled, and of all functions that they may name only our own steps are run, with ids.

RQ would import and call whatever an entry names, also as a callback, and post to its webhooks.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from redis import Redis
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer

MODULE = "jobs.tasks"
# The functions of jobs/tasks.py that may stand in a queue; the last two are names of an older
# version.
STEPS = frozenset(
    (
        "dispatcher_run",
        "check_step",
        "archive_run",
        "edit_step",
        "mail_step",
        "trash_run",
        "shift",
        "archive_shift",
    )
)


class RefusedEntry(Exception):
    """The entry names something that is no step of ours, or gives it something else than ids."""


class StepEntry(Job):
    """An RQ job that can be nothing but a step of ours. One that is refused fails in the worker;
    what it stood for is enqueued again from its row."""

    def __init__(
        self, id: str | None = None, connection: Redis | None = None, serializer: object = None
    ) -> None:
        super().__init__(id=id, connection=connection, serializer=JSONSerializer)

    @property
    def func(self) -> Callable[..., object]:
        """The step. RefusedEntry, or RQ's DeserializationError when it cannot be read."""
        module, _, name = str(self.func_name).rpartition(".")
        if module != MODULE or name not in STEPS or self.instance is not None:
            raise RefusedEntry("The entry names no step of jobs/tasks.py.")
        if (
            not isinstance(self.args, list | tuple)
            or self.kwargs
            or not all(map(_is_id, self.args))
        ):
            raise RefusedEntry("The entry gives its step something else than ids.")
        step: Callable[..., object] = getattr(import_module(MODULE), name)
        return step

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def restore(self, raw_data: object) -> None:
        super().restore(raw_data)
        self.webhooks = []


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def forbid_pickles() -> None:
    """Whatever in RQ and django-rq names no serializer reads and writes JSON in this process too:
    their registries, commands and pages fetch entries on their own."""
    DefaultSerializer.dumps = staticmethod(JSONSerializer.dumps)
    DefaultSerializer.loads = staticmethod(JSONSerializer.loads)
