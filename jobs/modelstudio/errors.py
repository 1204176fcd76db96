"""What can go wrong on the wire, named by what happens next (CONTRACT §11). Which error an answer
is: classification.py."""

from __future__ import annotations

from jobs.modelstudio.answers import tidy
from jobs.modelstudio.explanations import Explanation, explain


class WireError(Exception):
    """`code` and `message` are the service's own words (ours when it said none), `status` the HTTP
    status if one came.

    str() is for logs. Neither it nor `message` ever holds a key or the query string of an address.
    """

    def __init__(
        self, code: str = "", message: str = "", request_id: str = "", status: int | None = None
    ) -> None:
        self.code = tidy(code)
        self.message = tidy(message)
        self.request_id = tidy(request_id)
        self.status = status
        super().__init__(self.code, self.message, self.request_id, status)

    def __str__(self) -> str:
        parts = [
            f"HTTP {self.status}" if self.status else "",
            self.code,
            self.message,
            f"request {self.request_id}" if self.request_id else "",
        ]
        return " · ".join(part for part in parts if part) or type(self).__name__

    def explain(self) -> Explanation:
        """The same for people."""
        return explain(self.code, self.message, self.status)


class Rejected(WireError):
    """The service refused the input: tell the person, never repeat."""


class MediaUnreachable(WireError):
    """The service could not fetch our file: a limited retry, perhaps by another address."""


class AccountTrouble(WireError):
    """Pause what is affected and tell its owners. `reason`: key, arrears, quota (free quota),
    budget (of the console) or access."""

    def __init__(
        self,
        code: str = "",
        message: str = "",
        request_id: str = "",
        status: int | None = None,
        *,
        reason: str = "access",
    ) -> None:
        super().__init__(code, message, request_id, status)
        self.reason = reason
        self.key_id: int | None = None  # which key it was, where the caller has several


class ModelGone(WireError):
    """This model does not answer here: retired, of another region, or never there."""


class RetryLater(WireError):
    """Nothing was created and nothing is wrong: later it may work. `retry_after` is in seconds,
    None when not said.

    As the class of a FAILED task it means that a new task may succeed; the failed one costs
    nothing.
    """

    def __init__(
        self,
        code: str = "",
        message: str = "",
        request_id: str = "",
        status: int | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, request_id, status)
        self.retry_after = retry_after


class NotSent(WireError):
    """No byte of the request left this machine: refused, unknown name, no connection in time,
    failed TLS handshake."""


class NoAnswer(WireError):
    """The request went out and no answer came that can be trusted. On a submit it is not known
    whether a task exists."""


class OurFault(WireError):
    """A request that we built wrongly, or sent to a wrong address. Repeating it changes nothing."""
