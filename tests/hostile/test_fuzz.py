"""Nonsense is answered, never with an error of ours. The long form is tests/hostile/fuzz.py."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.hostile.addresses import every_address
from tests.hostile.conftest import SECRET
from tests.hostile.fuzz import Fuzz

INPUTS = int(os.environ.get("FUZZ_INPUTS", "0"))  # 0: as many as there are addresses
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.usefixtures("queued", "service")
def test_nonsense_is_no_error_of_ours(
    everybody: dict[str, Client], values: dict[str, Any], settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = False  # or sign-in would only say that it is too often
    cache.clear()
    addresses = every_address()
    report = Fuzz(everybody, addresses, values, SEED, (SECRET,)).run(INPUTS or len(addresses))
    print(json.dumps({"inputs": report.inputs, "statuses": dict(sorted(report.statuses.items()))}))
    print("\n".join(report.faults))
    assert report.faults == []
    if not 0 < INPUTS < len(addresses):
        assert report.tried == {address.path for address in addresses}
