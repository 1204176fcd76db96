"""What a service signed is believed only when it is its own, for this site, for this question, now,
and about one person."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from studio.config.oidc import Oidc
from studio.teams import oidc

KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
CONFIG = {
    "issuer": "https://login.example.com",
    "jwks_uri": "https://login.example.com/keys",
    "userinfo_endpoint": "https://login.example.com/me",
}
NONCE = "n" * 24


@pytest.fixture(autouse=True)
def service(settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the service answers, by address."""
    settings.OIDC = Oidc(
        "https://login.example.com", "footlight", "not a secret", "Company", True, (), "groups"
    )
    public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    elliptic = jwt.algorithms.ECAlgorithm.to_jwk(ELLIPTIC.public_key(), as_dict=True)
    answers: dict[str, Any] = {
        CONFIG["jwks_uri"]: {"keys": [{**public, "kid": "a"}, {**elliptic, "kid": "e"}]}
    }

    monkeypatch.setattr(oidc, "_ask", lambda method, url, **_words: answers[url])
    return answers


def token(key: Any = KEY, algorithm: str = "RS256", kid: str | None = "a", **claims: Any) -> str:
    now = int(time.time())
    words = {
        "iss": CONFIG["issuer"],
        "aud": "footlight",
        "sub": "17",
        "iat": now,
        "exp": now + 300,
        "nonce": NONCE,
        **claims,
    }
    words = {name: value for name, value in words.items() if value is not None}
    return jwt.encode(words, key, algorithm, headers={"kid": kid} if kid else {})


def read(text: str) -> dict[str, Any]:
    with oidc.turn():
        return oidc._checked(CONFIG, text, NONCE)


def test_its_own_is_believed() -> None:
    assert read(token())["sub"] == "17"
    assert read(token(ELLIPTIC, "ES256", "e"))["sub"] == "17"
    assert read(token(aud=["footlight", "other"], azp="footlight"))["sub"] == "17"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "other"},
        {"aud": ["footlight", "other"], "azp": "other"},
        {"aud": ["footlight", "other"]},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"sub": None},
    ],
    ids=str,
)
def test_what_was_made_for_something_else_is_not(claims: dict[str, Any]) -> None:
    with pytest.raises(oidc.Failed):
        read(token(**claims))


def test_what_another_key_signed_is_not() -> None:
    for text in (
        token(OTHER),
        token(kid="b"),
        token(kid=None),
        token("", "none"),
        token("a secret that everybody may know, as long as this", "HS256"),
        token()[:-4] + "AAAA",
        "no token",
    ):
        with pytest.raises(oidc.Failed):
            read(text)


def test_a_public_key_is_no_secret_of_a_shared_one() -> None:
    """The public key taken as the password of HS256: the old trick."""
    from cryptography.hazmat.primitives import serialization as kinds

    pem = KEY.public_key().public_bytes(kinds.Encoding.PEM, kinds.PublicFormat.SubjectPublicKeyInfo)
    forged = jwt.PyJWS().encode(
        b'{"sub":"17"}', pem.replace(b"-----", b"====="), "HS256", headers={"kid": "a"}
    )
    with pytest.raises(oidc.Failed, match="HS256"):
        read(forged)


@pytest.mark.parametrize(
    ("ago", "believed"), [(None, True), (2, True), (299, True), (301, False), (-900, False)]
)
def test_who_was_asked_just_now(ago: int | None, believed: bool) -> None:
    claims = {} if ago is None else {"auth_time": int(time.time()) - ago}
    assert oidc._just_now(claims) is believed


def test_more_about_the_same_person_only(service: dict[str, Any]) -> None:
    claims = {"sub": "17", "email": "mia@example.com"}
    service[CONFIG["userinfo_endpoint"]] = {"sub": "17", "groups": ["a"], "email_verified": True}
    with oidc.turn():
        told = oidc._with_userinfo(CONFIG, "access", claims)
    assert told["groups"] == ["a"]
    assert "email_verified" not in told, "of an address that it did not name"
    service[CONFIG["userinfo_endpoint"]] |= {"email": claims["email"], "email_verified": True}
    with oidc.turn():
        assert oidc._with_userinfo(CONFIG, "access", claims)["email_verified"] is True
    service[CONFIG["userinfo_endpoint"]] = {"sub": "18"}
    with pytest.raises(oidc.Failed, match="somebody else"), oidc.turn():
        oidc._with_userinfo(CONFIG, "access", claims)


def test_an_address_without_tls_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(oidc.Failed), oidc.turn():
        oidc._ask("GET", "http://login.example.com/keys")
