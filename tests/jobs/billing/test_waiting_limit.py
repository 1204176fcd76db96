"""How many jobs of a person may wait: exactly the limit, and not one more."""

from __future__ import annotations

import pytest

from jobs.common.errors import Refused
from jobs.models import Job, LedgerEntry
from jobs.orders import create, insert_job
from jobs.orders.order_request import OrderRequest
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("limit", [1, 2])
def test_as_many_wait_as_the_limit_says(team: Team, creator: User, limit: int) -> None:
    Team.objects.filter(pk=team.pk).update(waiting_limit=limit)
    team.refresh_from_db()
    account = makers.account(team)
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    insert_job.lane_for(account, "emo-v1")
    files = {"image_url": portrait, "audio_url": speech}
    wish = OrderRequest(team, creator, "emo-v1", files, {"ratio": "1:1"}, account=account)
    for _ in range(limit):
        create.create(wish)
    with pytest.raises(Refused, match=f"a person may have {limit}"):
        create.create(wish)
    assert Job.objects.count() == LedgerEntry.objects.count() == limit
