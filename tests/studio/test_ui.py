"""The look's filters, drawings and parts: numbers that people decide by, and markup that a strict
page policy allows."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from studio.common import formats
from studio.templatetags import ui
from tests.conftest import one_line
from tests.html import parse

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MICROS = st.integers(min_value=-(10**15), max_value=10**15)


def draw(source: str, **context: Any) -> str:
    return one_line(Template("{% load ui %}" + source).render(Context(context)).encode()).decode()


def number(text: str) -> Decimal:
    return Decimal(text.replace(formats.MINUS, "-").translate(str.maketrans("", "", "$¥,+")))


# ── money ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("micros", "currency", "text"),
    [
        (472_523, "USD", "$0.4725"),
        (159_800, "USD", "$0.1598"),
        (0, "USD", "$0.0000"),
        (50, "USD", "$0.0001"),  # half up
        (49, "USD", "$0.0000"),
        (3_300_000, "CNY", "¥3.3000"),
        (-472_523, "USD", "−$0.4725"),
        (-10, "USD", "$0.0000"),  # rounds to nothing: no sign
        (1_234_567_890_000, "USD", "$1,234,567.8900"),
        (1_000_000, "EUR", "EUR\u00a01.0000"),
    ],
)
def test_money_has_four_decimals_rounded_half_up(micros: int, currency: str, text: str) -> None:
    assert formats.money(micros, currency) == text


def test_an_unknown_amount_is_never_shown_as_zero() -> None:
    for shown in (
        formats.money(None),
        formats.money_left(None),
        formats.ledger(None),
        formats.money_short(None),
        formats.ledger_signed(None),
    ):
        assert "0" not in shown
        assert shown


@given(MICROS)
def test_the_ledger_shows_every_millionth(micros: int) -> None:
    assert number(formats.ledger(micros)) * 1_000_000 == micros
    assert number(formats.ledger(micros, "CNY")) * 1_000_000 == micros
    assert number(formats.ledger_signed(micros)) * 1_000_000 == micros


@given(MICROS)
def test_money_never_shows_float_artefacts(micros: int) -> None:
    text = formats.money(micros)
    assert re.fullmatch(r"−?\$\d{1,3}(,\d{3})*\.\d{4}", text)
    assert abs(number(text) * 1_000_000 - micros) <= 50


@given(MICROS)
def test_what_is_left_is_never_promised_too_high(micros: int) -> None:
    left = number(formats.money_left(micros)) * 1_000_000
    assert left <= micros < left + 10_000


def test_ledger_signs() -> None:
    assert formats.ledger_signed(472_523) == "+0.472523"
    assert formats.ledger_signed(-472_523) == "−0.472523"
    assert formats.ledger_signed(0) == "0.000000"


# ── times, sizes, people ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (13.9, "13.9 s"),
        (8, "8 s"),
        (8.0, "8.0 s"),
        (0, "0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 0 s"),  # never "60.0 s"
        (60, "1 m 0 s"),
        (553, "9 m 13 s"),
        (119.6, "2 m 0 s"),
        (3599.7, "1 h 0 m"),
        (85_979, "23 h 52 m"),  # what is left of a day rounds down
        (timedelta(minutes=5, seconds=44), "5 m 44 s"),
        (Decimal("41.25"), "41.3 s"),
        (-3, "0 s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert formats.seconds(value) == text.replace(" ", "\u00a0")


def test_times_and_sizes_of_nothing_are_a_dash() -> None:
    assert {formats.seconds(None), formats.clock_time(None), formats.filesize_mb(None)} == {"—"}


def test_clock_time_rounds_down() -> None:
    assert [formats.clock_time(s) for s in (0, 4.9, 41.2, 61, 600)] == [
        "0:00",
        "0:04",
        "0:41",
        "1:01",
        "10:00",
    ]


def test_sizes_count_as_the_limits_do() -> None:
    assert formats.filesize_mb(15 * 1024 * 1024) == "15.0\u00a0MB"
    assert formats.filesize_mb(3_774_873) == "3.6\u00a0MB"
    assert formats.storage_size(3_774_873) == "3.6\u00a0MB"
    assert formats.storage_size(100 * 1024**3) == "100\u00a0GB"
    assert formats.storage_size(1_640 * 1024**3 + 1024**2 * 300) == "1,640.3\u00a0GB"
    assert formats.filesize_mb(1) == "1\u00a0kB"  # a file that exists is not 0
    assert formats.filesize_mb(102_400) == "0.1\u00a0MB"


def test_people() -> None:
    assert [
        formats.initials(n) for n in ("Aiko", "Ben Carter", "dora.lee@example.org", "", None)
    ] == [
        "AI",
        "BC",
        "DL",
        "?",
        "?",
    ]
    assert formats.person("dora@example.org") == "dora"
    assert formats.tone(7) == formats.tone(7)
    assert formats.tone("k2m") == formats.tone("k2m")
    assert {formats.tone(n) for n in range(8)} == {"tone-1", "tone-2", "tone-3", "tone-4"}


# ── drawings ──────────────────────────────────────────────────────────────────────────────────────


def attribute(markup: str, css: str, name: str) -> float:
    return float(parse(markup).one(f".{css}")[name])


def test_gauge_in_time_and_late() -> None:
    early = draw('{% gauge 70 100 140 "x" %}')
    assert (
        attribute(early, "usual", "x"),
        attribute(early, "usual", "width"),
        attribute(early, "now", "width"),
    ) == (60, 24, 42)
    assert "late" not in early
    late = draw('{% gauge 295 130 185 "x" %}')
    assert (
        attribute(late, "late", "x")
        == attribute(late, "now", "width")
        > attribute(late, "usual", "x")
    )
    assert attribute(late, "late", "x") + attribute(late, "late", "width") == pytest.approx(92)


def test_gauge_without_a_past_or_a_start_stays_inside() -> None:
    for markup in (
        draw('{% gauge 0 0 0 "x" %}'),
        draw('{% gauge 500 0 0 "x" %}'),
        draw('{% gauge_got 3 0 "x" %}'),
        draw('{% gauge_got 9 3 "x" %}'),
    ):
        drawn = parse(markup).one("svg")
        values = [value for name in ("width", "x", "x1") for value in drawn.values("*", name)]
        assert values
        assert all(0 <= float(value) <= 100 for value in values)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_money_meter_never_leaves_its_track(
    limit: int, settled: int, held: int, this: int
) -> None:
    drawn = {
        k: float(v) for k, v in ui.money_meter(limit, settled, held, this).items() if k != "label"
    }
    assert drawn["held_x"] == drawn["settled"]
    assert all(v >= 0 for v in drawn.values())
    assert drawn["this_x"] + drawn["this"] <= 100.01


def test_numbers_of_drawings_are_not_localised(settings: Any) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    markup = draw(
        '{% boxed "/a.png" 4096 7000 frame face "x" %}',
        frame=[1000, 10, 3000, 2010],
        face=[1200, 300, 1500, 700],
    )
    assert 'viewBox="0 0 4096 7000"' in markup
    assert 'width="2000"' in markup
    assert "M1000 10V2010H3000V10Z" in markup
    assert 'x="1200" y="300" width="300" height="400"' in markup


@pytest.mark.parametrize("frame", [None, [], [1, 2, 3], [5, 5, 5, 9], [9, 9, 1, 1]])
def test_a_box_that_is_none_is_left_out(frame: Any) -> None:
    assert "<rect" not in draw('{% boxed "/a.png" 100 100 frame None "x" %}', frame=frame)
    assert 'viewBox="0 0 100 100"' in draw('{% framed "/a.png" 100 100 frame %}', frame=frame)


def test_dots_are_the_queue() -> None:
    markup = draw('{% queue_dots 5 on=1 next=1 you="3,4" label="third and fourth of five" %}')
    dots = parse(markup).one("[aria-label='third and fourth of five']").all("i")
    assert [dot.get("class") for dot in dots] == ["on", "next", "you", "you", None]
    assert draw("{% queue_dots 21 on=1 you=1 %}").endswith('<i class="more">+12</i></span>')
    assert draw("{% queue_dots 0 %}").count("<i") == 1  # a free lane still has a dot


def test_clock_turns_red_before_the_end_and_green_when_the_video_is_ours() -> None:
    assert 'class="clock"' in draw('{% clock 78060 "Task" %}')
    assert 'class="clock low"' in draw('{% clock 11520 "Link" %}')
    assert 'class="clock off"' in draw('{% clock 11520 "Link" ours=True %}')
    assert 'stroke-dasharray="125.7 125.7"' in draw('{% clock 999999 "Task" %}')
    assert 'stroke-dasharray="0 125.7"' in draw('{% clock -5 "Task" %}')


def test_wave_path_stays_in_its_box() -> None:
    path = str(ui.wave_path([0, 0.5, 1, 7]))
    assert path == "M75 49V51M225 25V75M375 0V100M525 0V100"
    assert ui.wave_path([]) == ""


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = set(parse((ROOT / "static/img/icons.svg").read_text()).values("symbol", "id"))
    named = {
        name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())
    }
    assert named
    assert named - sprite == set()
    assert {
        f"s-{word}"
        for word in [
            "queued",
            "checking",
            "submitting",
            "running",
            "archiving",
            "succeeded",
            "failed",
            "uncertain",
            "held",
            "canceled",
        ]
    } <= sprite
