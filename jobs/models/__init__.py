"""The tables of jobs, a module per noun: columns, constraints, small queries; nothing calls out.
May import catalogue and common."""

from jobs.models import delete_guard  # noqa: F401  (registers why rows must stay)
from jobs.models.account import Account, ApiKey, Lane, PauseState, TemporaryFile, WorkTime
from jobs.models.budget import Budget, LimitWarning
from jobs.models.check import Check
from jobs.models.job import Attempt, Job, JobInput
from jobs.models.job_event import JobEvent
from jobs.models.money import Balance, DayBalance, HoldDay, KeyUse, LedgerEntry
from jobs.models.notice import EventCursor, ReadyNotice
from jobs.models.pending_order import PendingOrder
from jobs.models.price import Price
from jobs.models.saved_view import SavedView
from jobs.models.set import JobSet, Preset
from jobs.models.share import SharedVideo, ShareLink
from jobs.models.template import Template

__all__ = [
    "Account",
    "ApiKey",
    "Attempt",
    "Balance",
    "Budget",
    "Check",
    "DayBalance",
    "EventCursor",
    "HoldDay",
    "Job",
    "JobEvent",
    "JobInput",
    "JobSet",
    "KeyUse",
    "Lane",
    "LedgerEntry",
    "LimitWarning",
    "PauseState",
    "PendingOrder",
    "Preset",
    "Price",
    "ReadyNotice",
    "SavedView",
    "ShareLink",
    "SharedVideo",
    "Template",
    "TemporaryFile",
    "WorkTime",
]
