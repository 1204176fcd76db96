"""No secret comes into the trail: by its name, by its looks or by its type."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from studio.audit import values
from studio.models import Role, Team

NAMES = (
    "password",
    "password1",
    "new_password",
    "api_key",
    "apikey",
    "key",
    "secret",
    "client_secret",
    "secret_key",
    "token",
    "access_token",
    "session_key",
    "sessionid",
    "csrf_token",
    "cookie",
    "signature",
    "totp",
    "code",
    "recovery_codes",
    "fingerprint",
    "link",
    "url",
    "private_key",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert values.written(name, "canary-7f3a") == values.HIDDEN
    assert values.written(name, ["canary-7f3a"]) == values.HIDDEN
    assert values.written(name, {"a": "canary-7f3a"}) == values.HIDDEN
    assert values.written(name, 123456) == values.HIDDEN, "a code of one time"
    assert values.written("deep", {"er": {name: "canary-7f3a"}}) == {"er": {name: values.HIDDEN}}


def test_that_there_is_one_and_how_many_is_no_secret() -> None:
    assert values.written("password", "") == ""
    assert values.written("has_token", True) is True
    assert values.written("tokens", 3) == 3


@pytest.mark.parametrize(
    "name", ["turns", "role", "name", "last4", "monkey", "keyboard", "decoded"]
)
def test_other_names_are_shown(name: str) -> None:
    assert values.written(name, "plain") == "plain"


LOOKS = (
    "sk-canary7f3acanary7f3a",
    base64.urlsafe_b64encode(b"canary-" * 4 + b"7f3a").decode(),
    "Authorization: Bearer canary7f3acanary",
    "https://user:canary7f3a@example.com/",
    "https://example.com/x?Signature=canary7f3a",
    "/m/canary7f3a/x.jpg",
    "/password/reset/key/canary7f3a/",
)


@pytest.mark.parametrize("text", LOOKS)
def test_what_looks_like_a_secret_is_cut_out(text: str) -> None:
    for said in (
        values.text(f"a {text} b"),
        values.written("note", f"a {text} b"),
        str(values.written("note", [text])),
        str(values.written("note", {text: text})),
    ):
        assert "canary" not in said
        assert text not in said


@pytest.mark.parametrize("value", [b"canary", object(), Team(name="x"), open])
def test_what_is_no_plain_value_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        values.written("note", value)
    with pytest.raises(TypeError):
        values.written("note", [value])


def test_plain_values_are_json() -> None:
    assert values.written("a", Role.ADMIN) == "admin"
    assert values.written("a", Decimal("1.50")) == "1.50"
    assert values.written("a", date(2026, 12, 1)) == "2026-12-01"
    assert values.written("a", datetime(2026, 12, 1, tzinfo=UTC)).startswith("2026-12-01T")
    assert values.written("a", {2, 1}) == [1, 2]
    assert values.written("a", None) is None


def test_long_texts_are_cut_and_stay_on_a_line() -> None:
    said = values.text("a\n\tb\x00" + "x" * 1000)
    assert said.startswith("a bx")
    assert len(said) == values.LONGEST


def test_what_says_something_about_a_person_is_kept_apart() -> None:
    columns = values.columns(
        {"role": "viewer"}, {"email": "a@example.com", "role": "admin", "first_name": "A"}
    )
    assert columns == {
        "before": {"role": "viewer"},
        "after": {"role": "admin"},
        "personal": {"after": {"email": "a@example.com", "first_name": "A"}},
    }
