"""Times, numbers and amounts as the reader writes them: their zone, their region."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from studio.common import formats, reader
from studio.common.reader import Reader, reading
from studio.common.translatable import moment, packed, phrase, translated, unpacked
from studio.templatetags.ui import when

AT = datetime(2026, 11, 30, 17, 5, 9, tzinfo=UTC)
TOKYO = Reader("Asia/Tokyo", "de_DE")


def test_a_time_is_on_the_readers_clock() -> None:
    assert reader.written(AT) == "30 Nov 2026 17:05"
    with reading(TOKYO):
        assert reader.written(AT) == "1. Dez. 2026 02:05"
        assert reader.written(AT, "second") == "02:05:09"
        assert reader.written(AT, "day time") == "1. Dez. 02:05"
        assert str(reader.today()) >= "2026"
    with reading(Reader("America/New_York", "en_US")):
        assert reader.written(AT).replace("\u202f", " ") == "Nov 30, 2026 12:05 PM"
    with reading(Reader("Asia/Tokyo", "ja_JP")):
        assert reader.written(AT) == "2026年12月1日 2:05"
    assert reader.written(AT) == "30 Nov 2026 17:05", "nobody else reads so"


@pytest.mark.parametrize("shape", reader.SHAPES)
@pytest.mark.parametrize("region", ["en_GB", "de_DE", "ja_JP", "en_US", "ar_EG", "zh_Hans_CN"])
def test_every_shape_is_written_everywhere(shape: str, region: str) -> None:
    with reading(Reader("Europe/Berlin", region)):
        assert reader.written(AT, shape)


def test_a_date_has_no_zone() -> None:
    with reading(Reader("Pacific/Kiritimati", "de_DE")):
        assert reader.written(date(2026, 12, 1), "day year") == "1. Dez. 2026"
        assert reader.written(date(2026, 12, 1), "month name") == "Dezember"


def test_amounts_and_numbers() -> None:
    assert formats.money(472_523) == "$0.4725"
    with reading(TOKYO):
        assert formats.money(472_523) == "0,4725\u00a0$"
        assert formats.money_short(-1_234_567_890) == "\u22121.234,57\u00a0$"
        assert formats.money(1_000_000, "CNY") == "1,0000\u00a0¥"
        assert formats.ledger_signed(472_523) == "+0,472523"
        assert formats.seconds(13.9) == "13,9\u00a0s"
        assert formats.filesize_mb(18_200_000) == "17,4\u00a0MB"
        assert formats.figure("23.976", "-2") == "23,98"
        assert formats.figure(24.0, "-2") == "24"
    assert formats.figure(24, 1) == "24.0"
    assert formats.figure(None) == formats.DASH


def test_what_a_browser_says() -> None:
    assert reader.region_wanted("de-DE,de;q=0.9,en;q=0.5") == "de_DE"
    assert reader.region_wanted("en;q=0.5, ja-JP;q=0.8, xx;q=0.9") == "ja_JP"
    assert reader.region_wanted("en-US,en;q=0.5") == "en_US"
    assert [reader.region_of(tag) for tag in ("zh-Hans-CN", "pt-BR")] == ["zh_Hans_CN", "pt_BR"]
    nonsense = ("", "*", "en", "x" * 99, "de-DE; drop", "../etc/passwd", "\x00", "q=q=q", "1,2,3")
    assert {reader.region_wanted(said) for said in nonsense} == {""}
    assert reader.zone_of("Asia/Tokyo") == "Asia/Tokyo"
    assert {reader.zone_of(said) for said in ("", "../x", "Etc/GMT+3", "asia")} == {""}


def test_a_template_has_utc_beside_it() -> None:
    with reading(TOKYO):
        assert when(AT) == (
            '<time datetime="2026-11-30T17:05:09+00:00" title="2026-11-30 17:05:09 UTC">'
            "1. Dez. 2026 02:05</time>"
        )
        assert when(date(2026, 12, 1), "day year") == (
            '<time datetime="2026-12-01">1. Dez. 2026</time>'
        )
    assert when(None) == ""


def test_a_time_in_a_stored_sentence_is_written_for_who_reads_it() -> None:
    said = phrase("Until %(time)s.", time=moment(AT, "day time"))
    assert said == "Until 30 Nov, 17:05 UTC."
    stored = unpacked(packed(said))
    assert (stored, translated(stored)) == (said, said)
    with reading(TOKYO):
        assert translated(stored) == "Until 1. Dez. 02:05."


def test_readers_differ_in_what_is_cached() -> None:
    assert len({Reader().key, TOKYO.key, Reader("Asia/Tokyo").key}) == 3
