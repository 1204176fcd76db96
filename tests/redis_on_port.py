"""A Redis on a TCP port without a password, for tests that put something before it."""

from __future__ import annotations

from studio.local.redis_server import Listening


def on_port(port: int) -> Listening:
    return Listening(f"redis://127.0.0.1:{port}/0", {"port": str(port), "bind": "127.0.0.1"})
