"""One request to the service, and which endpoint it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `headers` by lower-case name, `host` is how the caller reached us
    (host:port)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    host: str

    def parameter(self, name: str, default: str = "") -> str:
        return parse_qs(self.query).get(name, [default])[0]


def endpoint_of(request: Request) -> str:
    """Which part of the service a request is for: a name of `faults.ENDPOINTS`, or "" for none."""
    path = request.path.removeprefix(BASE).rstrip("/")
    if request.path.startswith("/results/"):
        return "result"
    if request.path.startswith("/oss"):
        return "upload"
    if path == "/uploads":
        return "policy"
    if path == "/tasks":
        return "list"
    if path.startswith("/tasks/"):
        return "cancel" if request.method == "POST" else "get"
    if path.startswith("/services/"):
        return "detect" if "detect" in path.rsplit("/", 1)[-1] else "submit"
    return ""
