"""One client per key in use and process. Which key is in `choice`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from jobs.accounts import choice, endpoints
from jobs.common import call_metrics
from jobs.models import Account, ApiKey, Attempt
from jobs.modelstudio import AccountTrouble, Client, clean_base
from studio.common import clock
from studio.common.encryption import Unreadable
from studio.common.sentence_error import SentenceError
from studio.common.translatable import phrase

log = logging.getLogger("footlight.clients")
_clients: dict[tuple[Any, ...], KeyedClient] = {}
_lock = threading.Lock()


class NoKey(SentenceError):
    """The account has no key in use."""


class KeyedClient(Client):
    """A client whose refusals say with which key it called: they may be judged in another thread,
    after the key has changed."""

    key_id: int


def _telling(name: str) -> Callable[..., Any]:
    """The client's method `name`, which writes the key into AccountTrouble."""
    method = getattr(Client, name)

    @wraps(method)
    def call(self: KeyedClient, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except AccountTrouble as trouble:
            trouble.key_id = self.key_id
            raise

    return call


for _name in ("detect", "submit", "cancel", "get", "page", "policy"):
    setattr(KeyedClient, _name, _telling(_name))


def client_for(account: Account) -> KeyedClient:
    """The client of `account` with its newest key in use that was not refused lately, else the
    newest. NoKey when it has none."""
    keys = choice.keys_to_try(account)
    if not keys:
        raise NoKey(
            phrase(
                "The connection %(account)s has no key in use. Add one under Connections.",
                account=account,
            )
        )
    for key in keys:
        try:
            return client_with(account, key)
        except Unreadable:
            log.error("key %s of account %s cannot be read with FIELD_KEYS", key, account.public_id)
    raise NoKey(
        phrase(
            "No stored key of %(account)s can be read with this site’s FIELD_KEYS. Type the key "
            "again under Connections.",
            account=account,
        )
    )


def client_with(account: Account, key: ApiKey) -> KeyedClient:
    """The client of `account` with this very key. Unreadable when the stored secret cannot be
    decrypted; NoKey when it is the simulator's and the real service would get it."""
    return _client(account, key, account.url, account.workspace)


def sent_with(attempt: Attempt) -> KeyedClient:
    """The client with key, address and workspace that `attempt` was sent with, whatever its account
    has now. NoKey when that key is gone or cannot be read."""
    account = attempt.job.account
    if not attempt.base_url:  # of a version that did not note it
        return client_for(account)
    if attempt.key is None:
        raise NoKey(
            phrase(
                "The key that it was sent with is no longer stored, so its task cannot be looked "
                "for."
            )
        )
    try:
        return _client(account, attempt.key, attempt.base_url, attempt.workspace)
    except Unreadable:
        raise NoKey(
            phrase(
                "The key that it was sent with cannot be read with this site’s FIELD_KEYS, so its "
                "task cannot be looked for."
            )
        ) from None


def _client(account: Account, key: ApiKey, url: str, workspace: str) -> KeyedClient:
    url = clean_base(url)  # as attempts have it
    # Where the account was before is no word of staff.
    private_ok = account.private_network or (account.private_ok and url == clean_base(account.url))
    name = (account.pk, key.pk, key.fingerprint, url, workspace, private_ok)
    with _lock:
        if name in _clients:
            return _clients[name]
    secret = key.secret
    if secret.startswith(endpoints.SIMULATOR_KEYS) and endpoints.is_official(url):
        raise NoKey(
            phrase(
                "%(account)s has the key of the simulator, which does not run now, so nothing is "
                "sent. Start the site with the simulator, or add a key of Model Studio under "
                "Connections.",
                account=account,
            )
        )
    client = KeyedClient(
        url,
        secret,
        workspace=workspace,
        private_ok=private_ok,
        watch=call_metrics.record,
        dates=clock.heard,
    )
    client.key_id = key.pk
    with _lock:
        # An older one of the same key was for another address.
        for old in [old for old in _clients if old[:2] == name[:2] and old != name]:
            del _clients[old]
        return _clients.setdefault(name, client)


def every(account: Account) -> Iterator[tuple[ApiKey, KeyedClient]]:
    """The keys of `account` that are in use and can be read, newest first, each with its client."""
    for key in choice.keys_in_use(account):
        try:
            yield key, client_with(account, key)
        except Unreadable:
            log.error("key %s of account %s cannot be read with FIELD_KEYS", key, account.public_id)
        except NoKey as error:
            log.warning("%s", error)
