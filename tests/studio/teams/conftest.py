"""A site with a mail server, where addresses are confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache


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
    settings.PUBLIC_URL = "https://films.example.com"
    settings.ALLOWED_HOSTS = ["*"]
    return settings
