"""Which Redis servers are spoken to: one server with all keys, by an address that says so. Anything
else is refused at the start with a sentence, instead of losing wake-ups later."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from redis.exceptions import RedisError

_ONE_SERVER = (
    "The queue needs one server that holds all keys. Give the address of the primary, or of a "
    "proxy in front that always leads to it: redis://host:6379/0, or rediss:// with TLS."
)


def checked(url: str) -> str:
    """`url` when it is an address of one server, or empty. ImproperlyConfigured with a sentence
    otherwise, which does not repeat the address: there may be a password in it."""
    if not url:
        return ""
    found = re.match(r"([A-Za-z][A-Za-z0-9+._-]*)://", url)
    scheme = found[1].lower() if found else ""
    if re.search(r"sentinel|cluster", scheme):
        raise ImproperlyConfigured(
            f"REDIS_URL begins with {scheme}://, and neither Sentinel nor Cluster is spoken here. "
            f"{_ONE_SERVER}"
        )
    if scheme not in ("redis", "rediss", "unix") or not url.startswith(f"{scheme}://"):
        begins = f"begins with {scheme}://" if scheme else "does not say how to connect"
        raise ImproperlyConfigured(
            f"REDIS_URL {begins}. Write redis:// before host and port, as in "
            "redis://localhost:6379/0, rediss:// with TLS, or unix:// before the path of a socket."
        )
    if "," in url.partition("://")[2].partition("/")[0].rpartition("@")[2]:
        raise ImproperlyConfigured(f"REDIS_URL names several hosts. {_ONE_SERVER}")
    _require_readable(url, scheme)
    return url


def _require_readable(url: str, scheme: str) -> None:
    try:
        parts = urlsplit(url)
        number = parts.path.strip("/")
        if scheme == "unix":
            good = bool(parts.path.strip("/"))
        else:
            good = bool(parts.hostname) and parts.port != 0 and (not number or number.isdecimal())
        Redis.from_url(url)  # connects to nothing
    except ValueError:
        good = False
    if not good:
        raise ImproperlyConfigured(
            "REDIS_URL cannot be read. It looks like redis://user:password@host:6379/0, with the "
            "number of a database at its end and special characters of the password "
            "percent-encoded, or like unix:///run/redis.sock."
        )


def refusal(client: Redis) -> str:
    """Why the server behind `client` cannot be used, as a sentence; "" when it can, or says
    nothing."""
    try:
        said = client.info("server")
        mode = str(said.get("redis_mode") or said.get("server_mode"))  # of Redis, of Valkey
    except (RedisError, OSError, ValueError, AttributeError):
        return ""
    if mode not in ("cluster", "sentinel"):
        return ""
    return f"REDIS_URL leads to a server in {mode} mode. {_ONE_SERVER}"
