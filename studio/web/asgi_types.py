"""Shapes of ASGI 3, as far as the plain applications here use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> str:
    """The value of the header `name` (lower case), several of them joined with commas; "" when
    there is none."""
    return b", ".join(value for key, value in scope["headers"] if key.lower() == name).decode(
        "latin-1"
    )
