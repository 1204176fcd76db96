"""What a job is made of, with all its columns, its hold and its first event."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from jobs.common.states import Rank
from jobs.models import Job
from studio.common.translatable import EMPTY
from tests.jobs.rows import columns

# Columns that a job has from its table, when nothing is said of them.
UNTOUCHED: dict[str, Any] = {
    "check_used_id": None,
    "template_id": None,
    "handed_to_id": None,
    "needs_id": None,
    "again_of_id": None,
    "set_id": None,
    "full": {},
    "idempotency_key": "",
    "made_from": "",
    "attempt": 0,
    "retries": 0,
    "adopted": False,
    "tries": 0,
    "not_before": None,
    "submitting_at": None,
    "lease_until": None,
    "cancel_asked_at": None,
    "task_id": "",
    "request_id": "",
    "provider_status": "",
    "submitted_at": None,
    "provider_started_at": None,
    "provider_ended_at": None,
    "looked_at": None,
    "next_look_at": None,
    "looks": 0,
    "result_url": "",
    "result_expires_at": None,
    "result_id": None,
    "length_differs": False,
    "deletion_id": None,
    "pinned": False,
    "goes_at": None,
    "erased_at": None,
    "alarmed": 0,
    "forecast_ready_at": None,
    "forecast_late_at": None,
    "forecast_at_submit": None,
    "settled_micros": None,
    "billed_units": None,
    "fault": "",
    "provider_code": "",
    "provider_message": "",
    "sentence": EMPTY,
    "advice": EMPTY,
    "finished_at": None,
    "rank": Rank.NORMAL,
    "code": "",
}


def row(job: Job) -> dict[str, Any]:
    found = columns(job)
    for name in ("id", "public_id", "created_at"):
        del found[name]
    return found


def entries_of(job: Job) -> list[tuple[str, int, int, Decimal | None]]:
    return [(one.kind, one.held, one.settled, one.units) for one in job.ledger.all()]
