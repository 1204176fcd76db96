"""Whether the keys of two rows see the tasks of one Alibaba account, as far as the service can be
made to prove it.

Only rows at the same place (`endpoints.place_of`) are compared, so the one who answers for one row
answers for the other. Still nothing is taken on one side's word: a row may hold the id of a task
that it did not make (it was at another place then), and whatever answers may say yes to everything.
"""

from __future__ import annotations

import logging
import time
import uuid

from jobs import modelstudio
from jobs.accounts import rate_limit
from jobs.models import Account
from jobs.modelstudio import WireError
from studio.common.encryption import Unreadable

log = logging.getLogger("footlight.shared_accounts")
CONNECT_SECONDS, READ_SECONDS = 1.5, 2.0


class QueryLimit:
    """How often, and until when, the service may be asked."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._end = calls, time.monotonic() + seconds

    @property
    def reached(self) -> bool:
        return self._calls <= 0 or time.monotonic() >= self._end

    def take(self) -> bool:
        if self.reached:
            return False
        self._calls -= 1
        return True


class KeyQueries:
    """One row's key, in a hurry. `task_id`: one that the row made lately, "" when there is none."""

    def __init__(self, account: Account, task_id: str, limit: QueryLimit) -> None:
        self.account, self.task_id, self._limit = account, task_id, limit
        self.broken = False
        self._client: modelstudio.Client | None = None
        self._known: dict[str, bool] = {}

    def knows(self, task_id: str) -> bool | None:
        """Whether the key sees the task; None when the service does not say, or the limit
        is reached."""
        if task_id in self._known:
            return self._known[task_id]
        if self.broken or not self._limit.take():
            return None
        if not rate_limit.take(self.account.root_id, "query", patience=0.5):
            return None
        try:
            client = self._client = self._client or self._connected()
            if client is None:
                self.broken = True
                return None
            self._known[task_id] = not client.get(task_id).unknown
            return self._known[task_id]
        except (WireError, Unreadable, ValueError) as error:
            log.info(
                "account %s could not be asked for a task: %s",
                self.account.public_id,
                type(error).__name__,
            )
            self.broken = True
            return None

    def listed(self) -> KeyQueries:
        """Its key has just listed `task_id`, so it is not asked for it."""
        self._known[self.task_id] = True
        return self

    def denies_what_nobody_made(self) -> bool:
        """Whoever answers does not say yes to everything."""
        return self.knows(str(uuid.uuid4())) is False

    def _connected(self) -> modelstudio.Client | None:
        key = self.account.key
        if key is None:
            return None
        return modelstudio.Client(
            self.account.url,
            key.secret,
            workspace=self.account.workspace,
            private_ok=self.account.private_ok,
            connect=CONNECT_SECONDS,
            read=READ_SECONDS,
        )


def same_account(one: KeyQueries, two: KeyQueries) -> bool | None:
    """True when the keys of both see every task that either made lately and whose maker still sees
    it, at least one, and neither sees one that cannot exist. False when a key does not see a task
    that its maker sees. None when nothing is proven."""
    proven = False
    for maker, other in ((two, one), (one, two)):
        if not maker.task_id:
            continue
        known = other.knows(maker.task_id)
        # A task that its own row does not see was made elsewhere, or is forgotten.
        own = None if known is None else maker.knows(maker.task_id)
        if own is None:
            return None
        if own and not known:
            return None if proven else False  # who contradicts himself proves nothing
        proven = proven or own
    if proven and one.denies_what_nobody_made() and two.denies_what_nobody_made():
        return True
    return None
