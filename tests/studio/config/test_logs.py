"""Log lines: what they are about, and what they never say."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from studio.config import logs
from studio.models import Team

KEY = "sk-3f9a1c5be2d84e07a6b1f0c9d2e37a58"
TEMPORARY = "st-q8Zk2LmNp4RsTuVwXy"
SIGNED = "https://bucket.oss-cn-beijing.aliyuncs.com/out/video.mp4?Expires=1795171200&OSSAccessKeyId=LTAI5tQkExample&Signature=hT9%2Fk2abcDEF%3D"
AMAZON = (
    "https://b.s3.amazonaws.com/a.mp4?X-Amz-Signature=deadbeefcafe0123&X-Amz-Credential=AKIAEXAMPLE"
)
SECRETS = (
    KEY[3:],
    TEMPORARY[3:],
    "hT9",
    "LTAI5tQkExample",
    "1795171200",
    "deadbeefcafe",
    "AKIAEXAMPLE",
)


@pytest.fixture(params=logs.FORMATS)
def written(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, Callable[[], str]]]:
    """A logger with our formatter, and what was written through it."""
    out = io.StringIO()
    handler = logs.Handler(out)
    handler.setFormatter(logs.formatter(request.param))
    logger = logging.getLogger(f"footlight.test.{request.param}")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, out.getvalue
    logger.removeHandler(handler)


@pytest.fixture
def lines() -> Iterator[tuple[logging.Logger, Callable[[], list[dict[str, Any]]]]]:
    out = io.StringIO()
    handler = logs.Handler(out)
    handler.setFormatter(logs.formatter("json"))
    logger = logging.getLogger("footlight.test.lines")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logger.removeHandler(handler)


def _fail(what: str) -> None:
    try:
        raise ConnectionError(f"GET {what} with {KEY}")
    except ConnectionError as error:
        raise RuntimeError(f"gave up on {what}") from error


Written = tuple[logging.Logger, Callable[[], str]]


def test_no_secret_gets_through_any_door(written: Written) -> None:
    logger, said = written
    logger.info(f"message {KEY} {SIGNED}")
    logger.info(
        "args %s %r %s",
        TEMPORARY,
        {"url": AMAZON, "headers": {"Authorization": f"Bearer {KEY}"}},
        SIGNED,
    )
    logger.info(
        "extra",
        extra={
            "url": SIGNED,
            "deep": {"list": [AMAZON, (KEY,)], KEY: 1},
            "error": ValueError(SIGNED),
            "thing": object(),
            "api_key": "LTAI5tQkExample",
        },
    )
    with logs.about(job="j1", url=SIGNED):
        logger.warning("bound")
    try:
        _fail(SIGNED)
    except RuntimeError:
        logger.exception("traceback")
        logger.warning("stack", stack_info=True, exc_info=True)
    text = said()
    for secret in SECRETS:
        assert secret not in text
    # what is not secret stays, or the log is of no use
    for kept in (
        "bucket.oss-cn-beijing.aliyuncs.com/out/video.mp4",
        "traceback",
        "RuntimeError: gave up on",
        "ConnectionError: GET",
        "_fail",
        "j1",
    ):
        assert kept in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Internal Server Error: /m/abc123-6650f0.Sig-nature_x/video.mp4",
            "Internal Server Error: /m/",
        ),
        ("/accounts/password/reset/key/1-abcdef-0123456789/", "/accounts/password/reset/key/"),
        ("redis://user:hunter22@cache:6379/0 does not answer", "does not answer"),
        ("GET /file?token=hunter22&page=2", "&page=2"),
        ('{"signature": "hunter22", "dir": "a"}', '"dir": "a"'),
        ("{'password': 'hunter22', 'name': 'x'}", "'name': 'x'"),
        ("Authorization: Basic dXNlcjpodW50ZXIyMg==", "Authorization:"),
        ("Cookie: sessionid=hunter22; csrftoken=hunter22", "Cookie:"),
    ],
)
def test_other_secrets(text: str, kept: str) -> None:
    clean = logs.cleaned(text)
    assert kept in clean
    for secret in (
        "Sig-nature_x",
        "abc123-6650f0",
        "abcdef-0123456789",
        "hunter22",
        "dXNlcjpodW50ZXIyMg",
    ):
        assert secret not in clean


@pytest.mark.parametrize(
    "text",
    [
        "task-000001 of job 8d9f2k3m4n5p: RUNNING → ARCHIVING",
        "token expired, see https://help.aliyun.com/model-studio/emo",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "POST https://dashscope.aliyuncs.com/api/v1/tasks: HTTP 429, 120 bytes, 35 ms",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert logs.cleaned(text) == text


def test_a_line_that_cannot_be_formatted_tells_its_place_and_not_its_arguments(
    written: Written, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        logging, "raiseExceptions", False
    )  # pytest's own handler would fail the test
    logger, said = written
    logger.info("%d tasks", KEY)
    errors = capsys.readouterr().err
    assert KEY not in said() + errors
    assert "could not be written (TypeError)" in errors
    assert "test_logs.py" in errors


def test_ids_are_bound_nested_and_let_go(
    lines: tuple[logging.Logger, Callable[[], list[dict[str, Any]]]],
) -> None:
    logger, said = lines

    class Row:
        public_id = "abcdefgh2345"

    with logs.about(lane="acc/emo-v1", account=Row(), nobody=None):
        logger.info("visit")
        with logs.about(job="j1"):
            logger.info("step")
        logger.info("visit again")
    logger.info("outside")
    assert [(line.get("lane"), line.get("account"), line.get("job")) for line in said()] == [
        ("acc/emo-v1", "abcdefgh2345", None),
        ("acc/emo-v1", "abcdefgh2345", "j1"),
        ("acc/emo-v1", "abcdefgh2345", None),
        (None, None, None),
    ]
    first = said()[0]
    assert "nobody" not in first
    assert (first["event"], first["level"], first["logger"]) == (
        "visit",
        "info",
        "footlight.test.lines",
    )
    assert first["timestamp"].endswith("Z")


def test_threads_do_not_share_what_they_are_about(
    lines: tuple[logging.Logger, Callable[[], list[dict[str, Any]]]],
) -> None:
    logger, said = lines
    both = threading.Barrier(2)

    def visit(name: str) -> None:
        with logs.about(lane=name):
            both.wait(5)
            logger.info(name)

    threads = [threading.Thread(target=visit, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted((line["event"], line["lane"]) for line in said()) == [
        ("one", "one"),
        ("two", "two"),
    ]


def test_json_is_one_line_each_whatever_is_in_it(
    lines: tuple[logging.Logger, Callable[[], list[dict[str, Any]]]],
) -> None:
    logger, said = lines
    logger.info("two\nlines\x1b[31m \x00", extra={"number": 3, "list": [1, None, True]})
    assert said() == [said()[0]]
    assert said()[0]["event"] == "two\nlines[31m "
    assert (said()[0]["number"], said()[0]["list"]) == (3, [1, None, True])


def test_a_text_from_outside_does_not_look_like_a_line_of_its_own() -> None:
    record = logging.LogRecord(
        "footlight.x",
        logging.INFO,
        __file__,
        1,
        "said\n13:00:00 error    footlight.money  forged",
        (),
        None,
    )
    text = logs.formatter("console").format(record)
    assert "\n    13:00:00 error" in text


def test_the_configuration_stands_and_takes_over_other_handlers() -> None:
    names = ("", "footlight", "django", "django.server", "uvicorn", "uvicorn.error")
    kept = {
        name: (
            logging.getLogger(name).handlers[:],
            logging.getLogger(name).level,
            logging.getLogger(name).propagate,
        )
        for name in names
    }
    try:
        logging.getLogger("uvicorn").addHandler(logging.StreamHandler())
        logging.config.dictConfig(logs.config("json"))
        assert [
            type(handler)
            for handler in logging.getLogger().handlers
            if isinstance(handler, logs.Handler)
        ] == [logs.Handler]
        assert logging.getLogger("uvicorn").handlers == []
        assert logging.getLogger("django").handlers == []
    finally:
        for name, (handlers, level, propagate) in kept.items():
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)


# ── requests ──────────────────────────────────────────────────────────────────────────────────────
def test_a_request_has_an_id() -> None:
    one, two = (Client().get("/healthz")["X-Request-ID"] for _ in range(2))
    assert one != two
    assert len(one) == 32


def test_a_proxy_may_give_it() -> None:
    assert (
        Client().get("/healthz", headers={"X-Request-ID": "edge-7.f3_A"})["X-Request-ID"]
        == "edge-7.f3_A"
    )


@pytest.mark.parametrize(
    "bad", ["", " ", "a b", "x" * 65, "a\nb", "é", "-x", '"><script>', KEY + "?"]
)
def test_nonsense_is_replaced(bad: str) -> None:
    given = Client().get("/healthz", headers={"X-Request-ID": bad})["X-Request-ID"]
    assert len(given) == 32
    assert given.isalnum()


@pytest.mark.django_db
def test_lines_of_a_request_carry_its_id(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    handler = logs.Handler(out)
    handler.setFormatter(logs.formatter("json"))
    logger = logging.getLogger("footlight.health")
    logger.addHandler(handler)
    try:
        answer = Client().get(
            "/readyz", headers={"X-Request-ID": "edge-1"}
        )  # no Redis here, so it is logged
    finally:
        logger.removeHandler(handler)
    assert answer.status_code == 503
    assert {json.loads(line)["request_id"] for line in out.getvalue().splitlines()} == {"edge-1"}
