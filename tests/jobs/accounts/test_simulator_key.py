"""The key of the simulator is never sent to the real service: the demo's account waits and says
so."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from jobs.accounts import clients, endpoints
from jobs.accounts.clients import NoKey
from jobs.models import Account, ApiKey
from jobs.modelstudio import Client
from studio.models import User
from tests import html, makers
from tests.jobs.engine.tasks.visits import visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo_account(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """As `dev --no-simulator` finds it after a demo; a call out fails the test."""

    def call(*args: object, **kwargs: object) -> None:
        pytest.fail("the real service was called")

    for name in ("post", "get_json", "send_once"):
        monkeypatch.setattr(Client, name, call)
    account.keys.all().delete()
    ApiKey.make(account, endpoints.SIMULATOR_KEY).save()
    Account.objects.filter(pk=account.pk).update(base_url="", region="cn-beijing")
    account.refresh_from_db()
    return account


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope.aliyuncs.com/api/v1",
        "https://dashscope-intl.aliyuncs.com/api/v1",
        "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1",
    ],
)
def test_it_is_refused_at_the_real_service(demo_account: Account, url: str) -> None:
    Account.objects.filter(pk=demo_account.pk).update(base_url=url)
    demo_account.refresh_from_db()
    with pytest.raises(NoKey, match="key of the simulator, which does not run"):
        clients.client_for(demo_account)
    assert list(clients.every(demo_account)) == []


def test_it_is_used_where_the_simulator_is(demo_account: Account) -> None:
    Account.objects.filter(pk=demo_account.pk).update(base_url="http://127.0.0.1:9/api/v1")
    demo_account.refresh_from_db()
    assert clients.client_for(demo_account).key_id == demo_account.keys.get().pk


def test_a_real_key_beside_it_is_used(demo_account: Account) -> None:
    real = ApiKey.make(demo_account, "sk-real-0001")
    real.save()
    assert clients.client_for(demo_account).key_id == real.pk
    assert [key for key, _client in clients.every(demo_account)] == [real]


def test_its_jobs_wait_and_say_why(
    demo_account: Account, creator: User, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = property(lambda row: "https://dashscope.aliyuncs.com/api/v1")
    monkeypatch.setattr(Account, "url", real)
    team = demo_account.team
    files = {"image_url": makers.asset(team), "audio_url": makers.asset(team, "audio")}
    job = visit(makers.job(team, creator, account=demo_account, files=files))
    assert (job.state, job.code) == ("queued", "account-paused")
    assert job.attempts.count() == 0
    client.force_login(creator, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(job.get_absolute_url())
    assert "add a key of Model Studio under Connections" in html.text(page)
