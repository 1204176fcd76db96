"""One client, with its session and its kept-alive connections, per account and process."""

from __future__ import annotations

import threading
from typing import Any

from jobs.models import Account
from jobs.modelstudio import Client

_clients: dict[tuple[Any, ...], Client] = {}
_lock = threading.Lock()


class NoKey(Exception):
    """The account has no key in use."""


def client_for(account: Account) -> Client:
    """The client of `account` with its newest key in use. NoKey when it has none."""
    key = account.key
    if key is None:
        raise NoKey(f"The account {account} has no key in use. Add one under Accounts.")
    name = (account.pk, key.pk, key.fingerprint, account.url, account.workspace)
    with _lock:
        if name not in _clients:
            for old in [old for old in _clients if old[0] == account.pk]:
                del _clients[old]
            _clients[name] = Client(account.url, key.secret, workspace=account.workspace)
        return _clients[name]
