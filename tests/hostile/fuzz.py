"""`python -m tests.hostile.fuzz [N] [SEED]`: N inputs (5,000) made of nonsense, over every address
of the URL list, every form that is found there and every raw door, as everybody from nobody to the
operator. Prints one line of JSON, and each answer that was an error of ours. The access matrix goes
with it, by every method.

The same in short is part of the suite (test_fuzz.py).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from tests.hostile import nonsense
from tests.hostile.addresses import Address

ROOT = Path(__file__).resolve().parents[2]
OPERATORS, MEMBERS = ("operator",), ("owner", "owner", "creator")
UNSENDABLE = ("\r", "\n", "\x00")  # no server hands these on in a header


@dataclass
class Report:
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)

    @property
    def inputs(self) -> int:
        return sum(self.statuses.values())


@dataclass
class Fuzz:
    """`clients` by the word for who they are; `values` what a name in an address truly stands for;
    `secrets` that no answer may hold."""

    clients: dict[str, Client]
    addresses: list[Address]
    values: dict[str, Any]
    seed: int = 1
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.report = Report()
        self.fields: dict[str, list[str]] = {}

    def run(self, inputs: int) -> Report:
        """At least one input for every address, then at random until there are `inputs`."""
        for client in self.clients.values():
            client.raise_request_exception = False
        for address in self._in_turn(inputs):
            self._one(address)
        return self.report

    def _in_turn(self, inputs: int) -> Iterator[Address]:
        first = list(self.addresses)
        self.dice.shuffle(first)
        yield from first[:inputs]
        for _ in range(inputs - len(first)):
            yield self.dice.choice(self.addresses)

    # ── one input ─────────────────────────────────────────────────────────────────────────────────
    def _one(self, address: Address) -> None:
        who = self._who(address)
        client = self.clients[who]
        path = self._path(address)
        method = self.dice.choice(nonsense.METHODS)
        query = self._query()
        more: dict[str, Any] = {"headers": self._headers()}
        if method not in ("GET", "HEAD"):
            more |= self._body(address, client)
        what = f"{who} {method} {path}{query} {more}"
        cookies = SimpleCookie(client.cookies)
        try:
            with transaction.atomic():
                answer = client.generic(method, path + query, **more)
                self._judge(address, what, answer)
                transaction.set_rollback(True)
        finally:
            client.cookies = cookies  # it may have signed out

    def _who(self, address: Address) -> str:
        """Mostly somebody who gets further than the door."""
        likely = OPERATORS if address.path.startswith("admin/") else MEMBERS
        everybody = list(self.clients)
        return self.dice.choice(likely if self.dice.random() < 0.7 else everybody)

    def _path(self, address: Address) -> str:
        def value(name: str) -> str:
            if name in self.values and self.dice.random() < 0.75:
                return quote(self._true(name), safe="")
            word = nonsense.text(self.dice)
            return word if self.dice.random() < 0.1 else quote(word, safe="")

        return address.at(**{name: value(name) for name in address.names})

    def _true(self, name: str) -> str:
        """A value of `name` that is there; one of several."""
        value = self.values.get(name, "1")
        return str(self.dice.choice(value) if isinstance(value, list) else value)

    def _query(self) -> str:
        if self.dice.random() < 0.4:
            return ""
        names = self.dice.sample(nonsense.QUERY_NAMES, self.dice.randrange(1, 4))
        pairs = [(name, nonsense.text(self.dice)) for name in names]
        joined = urlencode(pairs) if self.dice.random() < 0.9 else "&".join(map("=".join, pairs))
        return "?" + joined

    def _headers(self) -> dict[str, str]:
        names = self.dice.sample(nonsense.HEADERS, self.dice.randrange(0, 3))
        chosen = {name: self.dice.choice(nonsense.HEADER_VALUES) for name in names}
        return {
            name: value
            for name, value in chosen.items()
            if not any(sign in value for sign in UNSENDABLE)
        }

    def _body(self, address: Address, client: Client) -> dict[str, Any]:
        kind = self.dice.choice(nonsense.CONTENT_TYPES)
        if self.dice.random() < 0.2:
            return {"data": self.dice.choice(nonsense.BYTES), "content_type": kind}
        form = {name: self._field(name) for name in self._fields_of(address, client)}
        for name in self.dice.sample(nonsense.QUERY_NAMES, 2):
            form[name] = self._field(name)
        if self.dice.random() < 0.5:
            return {
                "data": urlencode(form, doseq=True).encode(),
                "content_type": "application/x-www-form-urlencoded",
            }
        files = {name: self._file() for name in form if self.dice.random() < 0.2}
        boundary = "fuzz"
        from django.test.client import encode_multipart

        return {
            "data": encode_multipart(boundary, form | files),
            "content_type": f"multipart/form-data; boundary={boundary}",
        }

    def _field(self, name: str) -> Any:
        if self.dice.random() < 0.3 and name in self.values:
            return self._true(name)
        many = self.dice.random() < 0.1
        return [nonsense.text(self.dice) for _ in range(3)] if many else nonsense.text(self.dice)

    def _file(self) -> SimpleUploadedFile:
        content = self.dice.choice(nonsense.BYTES)
        made = SimpleUploadedFile("x", content, self.dice.choice(nonsense.CONTENT_TYPES[4:]))
        made._name = self.dice.choice(nonsense.FILE_NAMES).replace("\r\n", "")  # type: ignore[attr-defined]
        return made

    def _fields_of(self, address: Address, client: Client) -> list[str]:
        """The names of the fields of every form on the page, asked once."""
        if address.path not in self.fields:
            with transaction.atomic():
                true = {name: self._true(name) for name in address.names}
                page = client.get(address.at(**true))
                transaction.set_rollback(True)
            body = b"" if page.streaming else page.content
            nodes = LexborHTMLParser(body).css("form [name]")
            names = sorted({node.attributes.get("name") or "" for node in nodes} - {""})
            if page.status_code != 200:
                return names  # somebody else may see more
            self.fields[address.path] = names
        names = self.fields[address.path]
        return self.dice.sample(names, self.dice.randrange(0, min(len(names), 12) + 1))

    # ── the answer ────────────────────────────────────────────────────────────────────────────────
    def _judge(self, address: Address, what: str, answer: Any) -> None:
        self.report.statuses[answer.status_code] += 1
        self.report.tried.add(address.path)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if answer.status_code >= 500 and answer.status_code != 503:
            why = traceback.format_exception(*answer.exc_info) if answer.exc_info else []
            self.report.faults.append(f"{answer.status_code} {what[:600]}\n{''.join(why[-4:])}")
        text = body.decode("latin-1") + str(answer.headers)
        self.report.faults += [
            f"the secret {secret} is in the answer to {what[:300]}"
            for secret in self.secrets
            if secret in text
        ]


def main(words: list[str]) -> int:
    """Run the part of the suite with another number: it brings database, cast and Redis."""
    inputs, seed = (words + ["5000", "1"][len(words) :])[:2]
    env = {**os.environ, "FUZZ_INPUTS": inputs, "FUZZ_SEED": seed}
    command = [sys.executable, "-m", "pytest", "-n0", "-s", "-m", "", "tests/hostile"]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
