"""A real OpenID Connect service on loopback (oidc-provider-mock, Authlib inside), and what a
browser does between it and the site. It also demands PKCE, which it would only take otherwise."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import oidc_provider_mock
import requests
from django.conf import settings
from django.test import Client
from django.urls import reverse
from oidc_provider_mock._server import _threaded_server

from studio.config.oidc import GroupRole, Oidc


@dataclass
class Service:
    """`asked` holds the words of each question at the authorization endpoint."""

    address: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    signed_out: list[dict[str, str]] = field(default_factory=list)
    challenges: set[str] = field(default_factory=set)

    def person(self, sub: str, **claims: object) -> str:
        put = requests.put(f"{self.address}/users/{sub}", json=claims, timeout=5)
        assert put.status_code == 204
        return sub

    def signs_in(self, sub: str, address: str) -> str:
        """The person `sub` signs in at `address` of the service; where the browser goes back to."""
        said = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=5)
        assert said.status_code == 302, said.text
        return str(said.headers["Location"])

    def _before(self) -> Any:
        request = flask.request
        if request.path == "/oauth2/authorize":
            self.asked.append(dict(request.args))
            self.challenges.add(request.args.get("code_challenge", ""))
            if request.args.get("code_challenge_method") != "S256":
                return "PKCE is missing", 400
        if request.path == "/oauth2/token":
            digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() not in self.challenges:
                return "PKCE does not fit", 400
        if request.path == "/oauth2/end_session":
            self.signed_out.append(dict(request.values))
        return None


@contextmanager
def running() -> Iterator[Service]:
    service = Service()
    app = oidc_provider_mock.app(require_nonce=True)
    app.before_request(service._before)
    with _threaded_server(app) as server:
        service.address = f"http://localhost:{server.server_port}"
        yield service


def configured(service: Service, **words: Any) -> Oidc:
    given: dict[str, Any] = {
        "issuer": service.address,
        "client_id": "footlight",
        "client_secret": "not a secret",
        "name": "Company",
        "trusts_email": True,
        "groups": (),
        "groups_claim": "groups",
    }
    return Oidc(**(given | words))


def groups(*entries: tuple[str, str, str]) -> tuple[GroupRole, ...]:
    return tuple(GroupRole(*entry) for entry in entries)


def leads_to(page: Any) -> str:
    """Where a page of the site leads on to by itself."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return unescape(found[1])


def begins(client: Client, **words: str) -> str:
    return leads_to(client.post(reverse("oidc_begin"), words))


def comes_back(client: Client, address: str, **more: Any) -> Any:
    """The browser follows the service back to the site."""
    parts = urlsplit(address)
    assert address.startswith(settings.PUBLIC_URL + reverse("oidc_callback"))
    query = {name: value[0] for name, value in parse_qs(parts.query).items()}
    return client.get(parts.path, query, **more)


def signs_in(client: Client, service: Service, sub: str, **words: str) -> Any:
    return comes_back(client, service.signs_in(sub, begins(client, **words)))
