"""A person's word on what a site cannot know: which task a job in doubt has, and which tasks are of
jobs that a restore took away. A person sees the pictures; here the provider's own data says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.chaos.provider import MadeTask, Wish, made_tasks, wish_of

if TYPE_CHECKING:
    from jobs.models import Account, Job

OF_NO_USE = ("FAILED", "CANCELED", "UNKNOWN")


def decide(provider: Path) -> None:
    """Decide about every job that waits for a person; then adopt the tasks of jobs that are no
    more. Prints what was done as one JSON line."""
    from django.conf import settings

    from jobs.common.errors import Moved, Refused
    from jobs.common.states import Code, State
    from jobs.engine import uncertain
    from jobs.models import Account, Job
    from jobs.orders import adopt
    from studio.models import Team

    port = urlsplit(settings.PUBLIC_URL).port
    mine = [task for task in made_tasks(provider) if task.port == port]
    by = Team.objects.get().memberships.get(role="owner").user
    done: dict[str, list[str]] = {"chosen": [], "again": [], "adopted": [], "left": []}
    for job in Job.objects.filter(state=State.UNCERTAIN, code=Code.SEVERAL_TASKS):
        wish = wish_of_job(job)
        # The one that is paid, or will be, before one that broke and was made anew.
        found = sorted(
            (task for task in _in_no_row(mine) if task.wish == wish),
            key=lambda task: task.status in OF_NO_USE,
        )
        try:
            uncertain.decide_uncertain(job, found[0].task_id if found else "", by)
        except Moved:
            continue
        done["chosen" if found else "again"].append(job.public_id)
    # Read after the tasks: what was made before and is not of a job that is sending is lost.
    doubt = Job.objects.filter(state__in=(State.SUBMITTING, State.UNCERTAIN)).exists()
    if not doubt and not Account.objects.exclude(reconcile_from=None).exists():
        wished = {wish_of_job(job) for job in Job.objects.filter(adopted=False)}
        for task in _in_no_row(mine):
            if task.wish in wished or task.status in OF_NO_USE:
                continue
            try:
                adopt.adopt(_account_of(task), task.task_id, by, task.wish[0])
                done["adopted"].append(task.task_id)
            except Refused as refused:
                done["left"].append(f"{task.task_id}: {refused}")
    print(json.dumps(done))


def wish_of_job(job: Job) -> Wish:
    """What the task of `job` is made of, as `provider.wish_of` says it of a task."""
    from studio.files import links

    return wish_of(job.model, {row.name: links.public_url(row.asset) for row in job.inputs.all()})


def _in_no_row(tasks: list[MadeTask]) -> list[MadeTask]:
    from jobs.engine import uncertain

    known = uncertain.known_tasks(task.task_id for task in tasks)
    return [task for task in tasks if task.task_id not in known]


def _account_of(task: MadeTask) -> Account:
    """The account whose key made it."""
    from jobs.models import Account

    return next(
        account
        for account in Account.objects.order_by("pk")
        if account.keys.get().secret == task.key
    )
