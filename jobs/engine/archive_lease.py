"""Which video is due to be brought home, and who may bring it: a lease on its job's row, the most
urgent first."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from jobs.common.errors import Moved
from jobs.common.states import State
from jobs.models import Job
from studio.common import clock
from studio.common.leases import LEASE


def ready(now: datetime) -> QuerySet[Job]:
    free = (Q(not_before=None) | Q(not_before__lte=now)) & (
        Q(lease_until=None) | Q(lease_until__lt=now)
    )
    return Job.objects.filter(free, state=State.ARCHIVING).order_by(
        F("result_expires_at").asc(nulls_first=True), "id"
    )


class Lease:
    """The right to bring one video home. Its end, as it stands in the job's row, is its name: only
    who wrote it can move it."""

    def __init__(self, pk: int, until: datetime) -> None:
        self.pk, self.until, self.lost = pk, until, False

    @classmethod
    def take(cls, pk: int) -> Lease | None:
        """None when the video is not due, or somebody else is at it."""
        now = clock.now()
        taken = ready(now).filter(pk=pk).order_by().update(lease_until=now + LEASE)
        return cls(pk, now + LEASE) if taken else None

    @classmethod
    def take_most_urgent(cls) -> Lease | None:
        """The due video that expires first; None when none is due."""
        waits = connection.features.has_select_for_update_skip_locked
        with transaction.atomic() if waits else nullcontext():
            rows = ready(clock.now()).values_list("pk", flat=True)
            for pk in (rows.select_for_update(skip_locked=True) if waits else rows)[
                : 1 if waits else 20
            ]:
                lease = cls.take(pk)
                if lease is not None:
                    return lease
        return None

    def renew(self) -> None:
        until = clock.now() + LEASE
        if Job.objects.filter(pk=self.pk, state=State.ARCHIVING, lease_until=self.until).update(
            lease_until=until
        ):
            self.until = until
        else:
            self.lost = True

    def give_back(self, **columns: Any) -> None:
        """End it, and write `columns` of the job with it. Moved, and nothing is written, when it is
        ours no longer."""
        if not Job.objects.filter(pk=self.pk, state=State.ARCHIVING, lease_until=self.until).update(
            lease_until=None, **columns
        ):
            raise Moved(f"the video of job {self.pk} is no longer ours to fetch")
