"""Trying the studio without a key: a connection to the simulator, on a site that runs with one."""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import get_random_string

from jobs.accounts import account_setup
from jobs.accounts.endpoints import SIMULATOR_KEYS
from jobs.models import Account
from jobs.models.account import REGIONS
from studio.models.people import Team, User

LABEL = "Simulator"


def offered(team: Team) -> bool:
    """Whether `team` has no connection yet and the site's videos are simulated."""
    return bool(settings.SIMULATED) and not team.accounts(manager="present").exists()


def connect(team: Team, by: User) -> Account:
    """A connection of `team` to the simulator, with a key of its own, so that no other team's jobs
    stand in its queue. KeyRefused when the simulator does not answer as it should."""
    secret = f"{SIMULATOR_KEYS}{get_random_string(12).lower()}"
    return account_setup.add_account(team, LABEL, next(iter(REGIONS)), "", secret, by)
