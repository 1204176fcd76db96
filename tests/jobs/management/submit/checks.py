"""Checks that passed."""

from __future__ import annotations

from typing import Any

from jobs.models import Check

KEYS = {"job", "state", "code", "message", "task_id", "video", "seconds", "cost_micros", "currency"}


def passed(**columns: Any) -> None:
    Check.objects.update(
        state="passed",
        facts={"face_bbox": [1, 2, 3, 4], "ext_bbox": [0, 0, 9, 9], "bodystyle": "full"},
        **columns,
    )
