"""Signing in through the operator's OpenID Connect service: what goes to it and what comes back.

Authorization code flow with PKCE, state and nonce. What the service signed is checked against its
keys, whatever way it came (OpenID Connect Core 1.0, §3.1.3.7). Calls go out to the issuer and to
the addresses that its discovery document names, with short times, and at most two page threads wait
for it at once: a service that does not answer must not hold the site.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt
import requests
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from studio.common.encryption import cipher
from studio.config.oidc import Oidc

# JSON of the service; what is read of it is checked where it is read.
Claims: TypeAlias = dict[str, object]
SIGN_IN, LINK, CONFIRM = "sign-in", "link", "confirm"
SIGNED_WITH = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
TIMES = (3.05, 5.0)  # seconds to connect to the service, and to wait for each part of its answer
KNOWN_FOR = 600  # seconds that the discovery document is good for
SKEW = 60  # seconds that the clocks of the service and of this site may differ
FRESH = 300  # seconds since which somebody must have shown there that it is them
AT_ONCE = threading.BoundedSemaphore(2)
SESSION_KEY = "oidc"
LEAVING = "oidc_leaving"  # the session's name for where signing out goes on, encrypted
# What may be wrong with an answer, whoever wrote it.
WRONG = (requests.RequestException, jwt.PyJWTError, ValueError, KeyError, TypeError)


class Busy(Exception):
    """As many as may wait for the service do so already."""


class Failed(Exception):
    """The service cannot be asked, or what it answered cannot be believed; why, for the log."""


def configured() -> Oidc:
    """The service; LookupError without one."""
    found = settings.OIDC
    if found is None:
        raise LookupError("No OIDC_ISSUER is set.")
    return found


@contextmanager
def turn() -> Iterator[None]:
    """One of the few page threads that may wait for the service. Failed for whatever goes wrong
    there."""
    if not AT_ONCE.acquire(blocking=False):
        raise Busy
    try:
        yield
    except WRONG as error:
        raise Failed(f"{type(error).__name__}: {error}") from error
    finally:
        AT_ONCE.release()


def _ask(
    method: str,
    url: object,
    data: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> Claims:
    """What the service answers: a JSON object. Nobody is followed elsewhere, nor asked in the clear
    when the issuer is not. ValueError and requests' own errors."""
    address = str(url)
    if configured().issuer.startswith("https://") and not address.startswith("https://"):
        raise ValueError(f"{urlsplit(address).netloc} speaks no TLS")
    answer = requests.request(
        method,
        address,
        data=data,
        headers=headers,
        auth=auth,
        timeout=TIMES,
        allow_redirects=False,
    )
    if answer.status_code != 200:
        raise ValueError(f"{urlsplit(address).path} answers {answer.status_code}")
    said = answer.json()
    if not isinstance(said, dict):
        raise ValueError(f"{urlsplit(address).path} answers no object")
    return said


def discovered() -> Claims:
    """The discovery document; it must be that of the issuer (Discovery 1.0, §4.3)."""
    oidc = configured()
    key = f"discovery:{oidc.provider}"
    found: Claims | None = cache.get(key)
    if found is None:
        found = _ask("GET", f"{oidc.issuer}/.well-known/openid-configuration")
        if str(found.get("issuer")).rstrip("/") != oidc.issuer:
            raise ValueError(f"the document is that of {found.get('issuer')}")
        cache.set(key, found, KNOWN_FOR)
    return found


def callback_url() -> str:
    return f"{settings.PUBLIC_URL}{reverse('oidc_callback')}"


def begin(request: HttpRequest, purpose: str, next_url: str) -> str:
    """The address at the service to which the browser goes. Busy, Failed."""
    oidc, nonce, pkce = configured(), secrets.token_urlsafe(24), generate_code_challenge()
    with turn():
        address = str(discovered()["authorization_endpoint"])
    state = {"purpose": purpose, "next": next_url, "nonce": nonce}
    words = {
        "response_type": "code",
        "scope": "openid profile email",
        "client_id": oidc.client_id,
        "redirect_uri": callback_url(),
        "nonce": nonce,
        "code_challenge": pkce["code_challenge"],
        "code_challenge_method": pkce["code_challenge_method"],
        "state": statekit.stash_state(
            request, provider_id=oidc.provider, state=state | {"verifier": pkce["code_verifier"]}
        ),
    }
    if purpose == CONFIRM:  # somebody must be there, not their browser alone
        words |= {"prompt": "login", "max_age": "0"}
    return with_words(address, words)


def with_words(address: str, words: dict[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(words)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Who came back from the service, and what for."""

    sub: str  # the service's id of the person
    purpose: str
    next_url: str
    claims: Claims
    sign_out: dict[str, str]  # what the session remembers of it, see `remember`


class NobodyAsked(Exception):
    """The answer belongs to no question of this browser: too late, twice, or another's."""


def finish(request: HttpRequest) -> Answer:
    """Read the answer that the browser brought. NobodyAsked, Busy, Failed."""
    oidc = configured()
    state = statekit.unstash_state(
        request, provider_id=oidc.provider, state_id=request.GET.get("state", "")
    )
    if state is None or not request.GET.get("code"):
        raise NobodyAsked
    with turn():
        config = discovered()
        token = _token(config, request.GET["code"], state["verifier"])
        claims = _checked(config, str(token["id_token"]), state["nonce"])
        if state["purpose"] == CONFIRM and not _just_now(claims):
            raise ValueError("nobody was asked there just now")
        claims = _with_userinfo(config, str(token["access_token"]), claims)
    sign_out = _sign_out(config, str(token["id_token"]))
    return Answer(str(claims["sub"]), state["purpose"], state["next"], claims, sign_out)


def _token(config: Claims, code: str, verifier: str) -> Claims:
    """What the service gives for the code. The secret goes as the service takes it: in the header
    (Basic), which is the rule, or with the form."""
    oidc = configured()
    ways = config.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    words = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback_url(),
        "code_verifier": verifier,
    }
    if isinstance(ways, list) and "client_secret_basic" not in ways:
        secret = {"client_id": oidc.client_id, "client_secret": oidc.client_secret}
        return _ask("POST", config["token_endpoint"], words | secret)
    # Each half is encoded before they are joined (RFC 6749, §2.3.1).
    basic = (quote_plus(oidc.client_id), quote_plus(oidc.client_secret))
    return _ask("POST", config["token_endpoint"], words, auth=basic)


def _checked(config: Claims, id_token: str, nonce: str) -> Claims:
    """The claims of `id_token`, which the service signed for this site and for this question."""
    oidc = configured()
    header = jwt.get_unverified_header(id_token)
    listed = _ask("GET", config["jwks_uri"])["keys"]
    keys = (
        [dict(key) for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    )
    keys = [key for key in keys if key.get("use", "sig") == "sig"]
    fitting = [key for key in keys if key.get("kid") == header.get("kid")] or (
        keys if "kid" not in header and len(keys) == 1 else []
    )
    if header["alg"] not in SIGNED_WITH or not fitting:
        raise ValueError(f"signed with an unknown key or with {header['alg']}")
    claims: Claims = jwt.decode(
        id_token,
        jwt.PyJWK(fitting[0], header["alg"]).key,
        algorithms=[header["alg"]],
        audience=oidc.client_id,
        issuer=str(config["issuer"]),
        leeway=SKEW,
        options={"require": ["iss", "aud", "exp", "iat", "sub"]},
    )
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ValueError("the nonce is another one")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if several and claims.get("azp") != oidc.client_id:
        raise ValueError("it was made for another site")
    return claims


def _just_now(claims: Claims) -> bool:
    """Whether the person showed at the service a moment ago that it is them. A service that does
    not say when was asked with `prompt=login`, and is believed."""
    at = claims.get("auth_time")
    return at is None or abs(time.time() - float(str(at))) < FRESH


def _with_userinfo(config: Claims, access_token: str, claims: Claims) -> Claims:
    """`claims` and what the service tells beside (groups, often the address); it must be about the
    same person (Core 1.0, §5.3.2)."""
    if "userinfo_endpoint" not in config:
        return claims
    bearer = {"Authorization": f"Bearer {access_token}"}
    told = dict(_ask("GET", config["userinfo_endpoint"], headers=bearer))
    if told.get("sub") != claims["sub"]:
        raise ValueError("the service told about somebody else")
    if "email" in claims and told.get("email") != claims["email"]:
        told.pop("email_verified", None)  # which would be said of another address
    return {**told, **claims}


# ── signing out there ─────────────────────────────────────────────────────────────────────────────


def _sign_out(config: Claims, id_token: str) -> dict[str, str]:
    """For signing out at the service: where, and whom (encrypted, since sessions are rows)."""
    address = str(config.get("end_session_endpoint", ""))
    hint = cipher().encrypt(id_token.encode()).decode()
    return {"end": address, "hint": hint} if address else {}


def sign_out_address(request: HttpRequest) -> str:
    """Where the browser goes to be signed out at the service too (RP-Initiated Logout 1.0); "" when
    the session did not begin there or the service offers none."""
    kept = request.session.get(SESSION_KEY)
    if settings.OIDC is None or not isinstance(kept, dict) or not kept.get("end"):
        return ""
    try:
        hint = cipher().decrypt(kept["hint"].encode()).decode()
    except InvalidToken:  # the site has other keys since
        return ""
    words = {
        "id_token_hint": hint,
        "client_id": configured().client_id,
        "post_logout_redirect_uri": settings.PUBLIC_URL + reverse("account_login"),
    }
    return with_words(kept["end"], words)
