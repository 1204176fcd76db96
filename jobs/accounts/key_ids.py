"""What the service's list calls our keys (`api_key_id`, CONTRACT §8.2), learned from tasks that a
key certainly made: it tells a task of ours from one that a script or another site made with a key
of its own."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.models import ApiKey, Attempt
from jobs.modelstudio import TaskLine


def learn(attempt: Attempt | None, lines: Iterable[TaskLine]) -> str:
    """Note the names of keys in `lines` whose tasks were answered to us, and return that of the key
    which `attempt` was sent with; "" while it is not known."""
    named = {line.task_id: line.api_key_id for line in lines if line.api_key_id}
    made = Attempt.objects.filter(
        task_id__in=list(named), found=False, key__isnull=False, key__service_id=""
    )
    learned = {key: named[task] for task, key in made.values_list("task_id", "key_id")}
    for key, name in learned.items():
        ApiKey.objects.filter(pk=key, service_id="").update(service_id=name[:80])
    if attempt is None or attempt.key is None:
        return ""
    return attempt.key.service_id or learned.get(attempt.key.pk, "")


def may_be(line: TaskLine, own: str) -> bool:
    """Whether a listed task may have been made with the key that the list calls `own`."""
    return not own or not line.api_key_id or line.api_key_id == own


def of_others(keys: Iterable[ApiKey], lines: Iterable[TaskLine]) -> set[str]:
    """The ids of those of `lines` that were certainly made with none of `keys`: all of them are
    known by name."""
    names = {key.service_id for key in keys}
    if not names or "" in names:
        return set()
    return {line.task_id for line in lines if line.api_key_id and line.api_key_id not in names}
