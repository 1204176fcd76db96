"""A site with a mail server, where addresses are confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.studio.teams import oidc_service
from tests.studio.teams.oidc_service import Service


@pytest.fixture(autouse=True)
def no_tries_before() -> Iterator[None]:
    """Limits of tries are counted for each test by itself."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def mailing(settings: Any) -> Any:
    """A strict site with a mail server that everybody may join."""
    settings.MAIL_SERVER = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.SIGNUP = "open"
    settings.PUBLIC_URL = "https://videos.example.com"
    settings.ALLOWED_HOSTS = ["*"]
    return settings


@pytest.fixture(scope="module")
def company() -> Iterator[Service]:
    with oidc_service.running() as service:
        yield service


@pytest.fixture
def configure(company: Service, settings: Any) -> Callable[..., None]:
    def make(**words: Any) -> None:
        settings.OIDC = oidc_service.configured(company, **words)

    make()
    cache.clear()
    return make


@pytest.fixture
def mia(company: Service, configure: object) -> str:
    """Somebody of the company who has no account here."""
    return company.person("mia", email="mia@example.com", email_verified=True, given_name="Mia")
