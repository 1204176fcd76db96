"""Which address a request came from, whatever it says of itself."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.common.client_address import client_address, networks

NONE = networks([])
OWN = networks(["127.0.0.0/8", "::1", "10.1.0.0/16", "2001:db8:a::/48"])
STRANGER = "203.0.113.9"


@pytest.mark.parametrize("said", ["", "198.51.100.1", "127.0.0.1", "10.1.0.1, 198.51.100.1"])
def test_without_trusted_proxies_the_header_counts_nothing(said: str) -> None:
    assert client_address(STRANGER, said, NONE) == STRANGER
    assert client_address("127.0.0.1", said, NONE) == "127.0.0.1"


@pytest.mark.parametrize("said", ["", "198.51.100.1", "127.0.0.1", "10.1.0.1, 198.51.100.1"])
def test_a_stranger_who_brings_the_header_himself_is_not_believed(said: str) -> None:
    assert client_address(STRANGER, said, OWN) == STRANGER


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1, 10.1.2.3, 127.0.0.1", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("198.51.100.1, unknown", "127.0.0.1"),
        ("198.51.100.1, unknown, 10.1.2.3", "10.1.2.3"),
        ("198.51.100.1,", "127.0.0.1"),
    ],
)
def test_behind_a_proxy_the_last_address_that_is_no_proxy(said: str, then: str) -> None:
    assert client_address("127.0.0.1", said, OWN) == then
    assert client_address("::ffff:127.0.0.1", said, OWN) == then


def test_a_unix_socket_has_no_address() -> None:
    assert client_address("", "198.51.100.1", OWN) == "198.51.100.1"
    assert client_address("", "198.51.100.1", NONE) == ""
    assert client_address("", "", OWN) == ""


def test_a_long_header_is_read_from_its_end() -> None:
    said = ", ".join(["1.1.1.1"] * 5000 + ["198.51.100.1"])
    assert client_address("127.0.0.1", said, OWN) == "198.51.100.1"


@given(invented=st.text(max_size=80), client=st.ip_addresses())
def test_what_a_client_writes_never_moves_it(invented: str, client: object) -> None:
    """Whatever comes before what our own proxy adds, the answer is the same."""
    plain = client_address("127.0.0.1", str(client), OWN)
    if not any(ipaddress.ip_address(plain) in network for network in OWN):
        assert client_address("127.0.0.1", f"{invented}, {client}", OWN) == plain


@pytest.mark.parametrize("word", ["proxy", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_what_is_no_network_is_named(word: str) -> None:
    with pytest.raises(ValueError, match=f"^{word}$"):
        networks(["::1", word])
