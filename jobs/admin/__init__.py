"""The admin of everything about jobs, a module per noun.
May import every wing but management and the simulator."""

from jobs.admin import (
    account,
    check,
    engine,
    job,
    limits,
    money,
    notices,
    pending_orders,
    queues,
    sets,
    shares,
    template,
)

__all__ = [
    "account",
    "check",
    "engine",
    "job",
    "limits",
    "money",
    "notices",
    "pending_orders",
    "queues",
    "sets",
    "shares",
    "template",
]
