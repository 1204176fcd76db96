"""Which account of a team a new job goes to."""

from __future__ import annotations

from jobs.catalogue import entries
from jobs.models import Account, Lane
from studio.models import Team


def accounts_with_key(team: Team) -> list[Account]:
    """The accounts of the team that have a key in use, in one query."""
    return list(team.accounts.filter(keys__active=True).distinct().order_by("id"))


def account_for(team: Team, model: str = "") -> Account | None:
    """The account of the team for `model` now: with a key, and rather one that takes, sends and is
    well; the first of equals."""
    usable = accounts_with_key(team)
    spec = entries.MODELS.get(model)
    if spec is not None:
        usable = [account for account in usable if account.serves(spec)]
    lanes = {
        lane.account_id: lane
        for lane in Lane.objects.filter(
            account_id__in=[account.root_id for account in usable], model=model
        )
    }

    def worth(account: Account) -> tuple[bool, bool, bool]:
        lane = lanes.get(account.root_id)
        closed = not account.takes or (lane is not None and not lane.takes)
        stopped = not account.sends or (lane is not None and not lane.sends)
        return closed, stopped, account.paused() or (lane is not None and lane.paused())

    return min(usable, key=worth, default=None)
