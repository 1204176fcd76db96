from jobs.models.account import Account, ApiKey, Lane, TemporaryFile
from jobs.models.job import Job, JobEvent, JobInput
from jobs.models.money import Budget, LedgerEntry
from jobs.models.passport import Check, Template
from jobs.models.price import Price

__all__ = [
    "Account",
    "ApiKey",
    "Budget",
    "Check",
    "Job",
    "JobEvent",
    "JobInput",
    "Lane",
    "LedgerEntry",
    "Price",
    "Template",
    "TemporaryFile",
]
