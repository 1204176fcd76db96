"""The kept part of a speech and its price."""

from __future__ import annotations

import pytest

from jobs.models import Job, Price
from studio.models import Asset, Team, User
from tests import makers
from tests.html import parse
from tests.html import text as plain
from tests.jobs.pages.create.speech_panel.speeches import ClientOf, hidden, quoted

HX = {"headers": {"HX-Request": "true"}}


def test_all_of_it_is_kept_at_first_with_handles_fields_and_price(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = client_of(creator).get(page, ready).content.decode()
    assert hidden(html, "keep_audio_url") == "0-40000"
    assert hidden(html, "of_audio_url") == ready["audio_url"]
    handles = parse(html).all("input.scripted[type=range]")
    assert [(one["max"], one["value"]) for one in handles] == [("40.0", "0.0"), ("40.0", "40.0")]
    for name, value in (("from_audio_url", "0.0"), ("to_audio_url", "40.0")):
        field = parse(html).one(f"input[name={name}]")
        assert parse(html).one(f"label[for='{field['id']}']").text, f"{name} has no label"
        assert field["value"] == value
    assert 'data-whole="40000"' in html
    assert "<span data-part-price>$0.4588</span>" in html
    assert '<rect class="kept" x="0.0" width="600.0" height="100">' in html
    assert '<rect class="off"' not in html
    assert quoted(html) == "$0.4588"


def test_kept_parts_are_lit_and_the_rest_is_dim(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    html = (
        client_of(creator)
        .get(page, ready | {"keep_audio_url": "2000-10000.20000-36000"})
        .content.decode()
    )
    rects = parse(html).all("rect.off[height='100'], rect.kept[height='100']")
    assert [(one["class"], one["x"], one["width"]) for one in rects] == [
        ("off", "0.0", "30.0"),
        ("off", "150.0", "150.0"),
        ("off", "540.0", "60.0"),
        ("kept", "30.0", "120.0"),
        ("kept", "300.0", "240.0"),
    ]
    assert "24.0 s of 40.0 s" in plain(html)
    assert quoted(html) == "$0.2753", "24 s × $0.011469"


def test_numbers_in_drawings_are_numbers_in_every_language(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    answer = client_of(creator).get(
        page, ready | {"keep_audio_url": "2050-36000"}, headers={"Accept-Language": "de"}
    )
    html = answer.content.decode()
    assert '<rect class="kept" x="30.8" width="509.2"' in html
    assert 'value="2.1"' in html


def test_typed_times_count_without_a_script(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    fields = ready | {
        "keep_audio_url": "0-40000",
        "of_audio_url": ready["audio_url"],
        "from_audio_url": "2.1",
        "to_audio_url": "12",
        "do": "use",
    }
    answer = client_of(creator).post(page, fields)
    assert answer.status_code == 302
    assert "keep_audio_url=2100-12000" in answer["Location"]
    without_keep = {name: value for name, value in fields.items() if name != "keep_audio_url"}
    assert "keep_audio_url=2100-12000" in client_of(creator).post(page, without_keep)["Location"]


def test_fields_that_nobody_touched_move_nothing(
    client_of: ClientOf, creator: User, price_url: str, ready: dict[str, str]
) -> None:
    fields = ready | {
        "keep_audio_url": "2050-12250.13000-39950",
        "from_audio_url": "2.1",
        "to_audio_url": "40.0",
    }
    html = client_of(creator).get(price_url, fields, **HX).content.decode()
    assert hidden(html, "keep_audio_url") == "2050-12250.13000-39950"
    # One end typed anew, the other and the pause between stay where they were, to the millisecond.
    html = (
        client_of(creator).get(price_url, fields | {"from_audio_url": "3.5"}, **HX).content.decode()
    )
    assert hidden(html, "keep_audio_url") == "3500-12250.13000-39950"


def test_a_click_does_not_pay_for_times_whose_price_was_not_shown(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str]
) -> None:
    fields = ready | {
        "keep_audio_url": "0-12000",
        "from_audio_url": "0.0",
        "to_audio_url": "30",
        "do": "make",
        "key": "k",
    }
    answer = client_of(creator).post(page, fields)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "From and To were changed after the price was shown" in html
    assert hidden(html, "keep_audio_url") == "0-30000"
    assert not Job.objects.exists()


@pytest.mark.parametrize(("start", "stop"), [("30", "12"), ("12", "12.5"), ("39.5", "90")])
def test_too_little_is_said_and_what_was_kept_stays(
    client_of: ClientOf, creator: User, price_url: str, ready: dict[str, str], start: str, stop: str
) -> None:
    fields = ready | {"keep_audio_url": "2000-12000", "from_audio_url": start, "to_audio_url": stop}
    html = client_of(creator).get(price_url, fields, **HX).content.decode()
    assert "is too short; a video has at least 1.0 s" in plain(html)
    assert hidden(html, "keep_audio_url") == "2000-12000"


@pytest.mark.parametrize("typed", ["nan", "inf", "-1", "1e99", "soon", "0x10", "١٢", ""])
def test_what_is_no_time_moves_nothing_and_says_why(
    client_of: ClientOf, creator: User, page: str, ready: dict[str, str], typed: str
) -> None:
    answer = client_of(creator).get(
        page,
        ready | {"keep_audio_url": "2000-12000", "from_audio_url": typed, "to_audio_url": "12.0"},
    )
    html = answer.content.decode()
    assert answer.status_code == 200
    assert hidden(html, "keep_audio_url") in ("2000-12000", "12000-13000")
    if typed not in ("", "١٢"):
        assert 'id="trim-error"' in html


def test_times_of_another_file_do_not_count(
    client_of: ClientOf,
    creator: User,
    team: Team,
    price_url: str,
    ready: dict[str, str],
    speech: Asset,
) -> None:
    other = makers.asset(team, "audio", milliseconds=20_000)
    said = {
        "keep_audio_url": "2000-5000",
        "of_audio_url": speech.public_id,
        "from_audio_url": "2.0",
        "to_audio_url": "5.0",
    }
    for chosen in ({"audio_url": other.public_id}, {"pick_audio_url": other.public_id}):
        html = client_of(creator).get(price_url, ready | said | chosen, **HX).content.decode()
        assert hidden(html, "keep_audio_url") == "0-20000"
        assert hidden(html, "of_audio_url") == other.public_id


def test_the_prices_that_run_along_with_a_handle_are_the_servers(
    client_of: ClientOf, creator: User, price_url: str, ready: dict[str, str]
) -> None:
    """A script asks for them while a handle moves, and takes the amounts and what goes along with
    the click out of the answer."""
    Price.objects.filter(model="emo-v1", variant="1:1", currency="USD").update(micros=12_345)
    for word, micros, shown in (
        ("0-40000", 493_800, "$0.4938"),
        ("2100-18333", 200_396, "$0.2004"),
        ("0-1000.2000-3001", 24_702, "$0.0247"),
    ):
        chosen = ready | {"keep_audio_url": word}
        html = client_of(creator).get(price_url, chosen, **HX).content.decode()
        assert set(parse(html).texts("[data-price]")) == {shown}
        assert parse(html).texts("[data-part-price]") == [shown]
        assert f"make={micros}" in parse(html).one("input[data-confirmed-prices]")["value"].split()
