"""What was kept is what plays and what is paid."""

from __future__ import annotations

import io
import wave
from array import array
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.billing import prices
from jobs.catalogue import entries
from jobs.catalogue.limits import Limits
from jobs.models import Account, Price
from jobs.orders import order_request, plan, trim
from jobs.orders.trim import LEAST, Trim
from studio.files import file_store
from studio.models import Asset, Team, User
from tests import files, makers
from tests.jobs.orders.trim.recordings import MANY, OPEN, SPEECH, heard, recording, selections

FEW = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def beyond() -> bytes:
    """A WAV that ends in the middle of a millisecond."""
    return files.wav(2.0005, 22050)


RECORDINGS = {
    "wav": lambda: files.wav(1.9, 44100),
    "wav-odd": beyond,
    # Headers of these state more, or less, than there is to hear.
    "mp3": lambda: files.mp3(5.01, 16000),
    "webm": lambda: files.sound(2.0, "webm", "libopus", 48000),
    "m4a": lambda: files.m4a(2.0),
}


@pytest.mark.parametrize("name", RECORDINGS)
@FEW
@given(data=st.data())
def test_the_quote_of_a_draft_is_the_quote_of_the_file_that_is_cut(
    name: str, data: st.DataObject, team: Team, creator: User, account: Account, folder: Path
) -> None:
    asset, _new = file_store.keep(
        files.write(folder, name, RECORDINGS[name]()), team=team, owner=creator, name=name
    )
    spec = entries.get("emo-v1")
    limits = spec.input("audio_url").limits
    assert limits is not None
    chosen = data.draw(selections(asset.milliseconds))
    parts = trim.read(chosen.form_value, asset, limits)
    given = {"image_url": _picture(team), "audio_url": asset}
    wish = order_request.OrderRequest(
        team=team,
        owner=creator,
        model=spec.name,
        files=given,
        account=account,
        trims={"audio_url": parts},
    )
    promised = plan.estimate(wish)
    cut = wish.trimmed()
    assert cut.files["audio_url"].milliseconds == parts.milliseconds
    assert plan.estimate(cut).micros == promised.micros
    quote = prices.quote(
        spec,
        "1:1",
        Decimal(cut.files["audio_url"].milliseconds) / 1000,
        currency=team.currency,
        region=account.region,
    )
    assert quote.micros == promised.micros


def _picture(team: Team) -> Asset:
    return team.assets.filter(kind="image").first() or makers.asset(team)


def test_a_kept_whole_of_a_good_file_is_the_file_itself(
    team: Team, creator: User, tmp_path: Path
) -> None:
    asset, _new = file_store.keep(
        files.write(tmp_path, "a", files.mp3(2.0)), team=team, owner=creator, name="a.mp3"
    )
    parts = trim.read("", asset, SPEECH)
    assert parts.everything
    assert trim.trimmed_file(asset, parts, SPEECH, creator) == asset


def test_what_plays_is_what_was_kept(team: Team, creator: User, tmp_path: Path) -> None:
    """Each tenth of a second of the recording has a loudness of its own, so that what is heard
    tells where it was."""
    steps = array("h", (step * 300 for step in range(1, 31) for _sample in range(1600)))
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(steps.tobytes())
    asset, _new = file_store.keep(
        files.write(tmp_path, "steps", out.getvalue()), team=team, owner=creator, name="steps.wav"
    )
    parts = trim.read("200-500.1000-1200.2900-3000", asset, SPEECH)
    made = trim.trimmed_file(asset, parts, SPEECH, creator)
    with file_store.local_copy(made) as path, wave.open(str(path)) as sound:
        samples = array("h", sound.readframes(sound.getnframes()))
    # The middle of each tenth, away from the fades at the joints.
    assert [samples[at] // 300 for at in range(800, len(samples), 1600)] == [3, 4, 5, 11, 12, 30]
    assert (made.parent, made.recipe["do"]) == (asset, "without")


@MANY
@given(st.integers(1, 466), st.integers(1, 200_000))
def test_trimming_takes_off_exactly_the_price_of_what_went(tenths: int, micros: int) -> None:
    asset, price = recording(47_700), Price(micros=micros, currency="USD")
    before = trim.read("", asset, SPEECH)
    after = trim.read(f"{tenths * 100}-47700", asset, SPEECH)
    assert before.milliseconds - after.milliseconds == tenths * 100
    gone = prices.amount(price, Decimal(before.milliseconds) / 1000) - prices.amount(
        price, Decimal(after.milliseconds) / 1000
    )
    # Both sides are whole micros, so the difference is the price of what went to within the one
    # that is rounded.
    assert abs(gone - Decimal(micros * tenths) / 10) < 1
    back = after.edged(0, 47_700)
    assert back == before, "dragged back, all of it and its price are there again"


@MANY
@given(selections(47_713, most=20))
def test_a_word_reads_back_as_the_same_parts(parts: Trim) -> None:
    asset = recording(47_713)
    read = trim.read(parts.form_value, asset, SPEECH)
    assert read == parts
    assert trim.read(read.form_value, asset, SPEECH) == read


@MANY
@given(st.text("0123456789-.x ", max_size=60), st.integers(1, 90_000))
def test_whatever_an_address_says_the_parts_lie_in_the_recording_in_order_and_apart(
    word: str, whole: int
) -> None:
    parts = trim.read(word, recording(whole), SPEECH)
    edges = [edge for part in parts.parts for edge in part]
    assert edges[0] >= 0
    assert edges[-1] <= whole
    assert all(a < b for a, b in pairwise(edges))
    assert parts.milliseconds > 0
    assert trim.read(parts.form_value, recording(whole), SPEECH).parts == parts.parts


@pytest.mark.parametrize(
    ("limits", "whole", "word"),
    [
        (SPEECH, 47_713, "0-47713"),
        (SPEECH, 95_200, "0-60000"),
        (OPEN, 20_000, "0-19999"),
        (OPEN, 19_999, "0-19999"),
    ],
)
def test_a_form_begins_with_as_much_as_the_model_takes(
    limits: Limits, whole: int, word: str
) -> None:
    for named in ("", "x", "5-9", "100000-100100"):
        assert trim.read(named, recording(whole), limits).form_value == word


def test_parts_that_touch_are_one() -> None:
    assert (
        trim.read("500-900.100-500.700-1200.5000-5050", recording(9000), SPEECH).form_value
        == "100-1200"
    )


def test_what_cannot_be_heard_cannot_be_cut_out() -> None:
    asset = recording(5112, heard(5.01))
    assert trim.read("", asset, SPEECH).form_value == "0-5112", (
        "the file itself is as long as it says"
    )
    assert trim.read("1000-5112", asset, SPEECH).form_value == "1000-5010"
    assert trim.read("0-5010", asset, SPEECH).everything


@MANY
@given(selections(30_000), st.integers(-500, 30_500), st.integers(-500, 30_500))
def test_moved_ends_are_where_they_were_put_and_pauses_stay_out(
    parts: Trim, start: int, stop: int
) -> None:
    moved = parts.edged(start, stop)
    first, last = max(0, start), min(stop, 30_000)
    if last - first < LEAST:
        assert moved == parts
        return
    assert (moved.start, moved.stop) == (first, last)
    assert all(b - a >= LEAST for a, b in moved.parts)
    # Between the old ends nothing is heard that was left out before, but for what lies beside a
    # moved end.
    for a, b in moved.parts[1:-1]:
        assert any(x <= a and b <= y for x, y in parts.parts)


@MANY
@given(selections(30_000), st.integers(0, 30_000), st.integers(0, 30_000))
def test_what_is_left_out_is_not_heard(parts: Trim, start: int, stop: int) -> None:
    rest = parts.without(start, stop)
    if rest != parts:
        assert all(b <= start or a >= stop for a, b in rest.parts)
        assert rest.milliseconds < parts.milliseconds
        assert all(any(x <= a and b <= y for x, y in parts.parts) for a, b in rest.parts)


@MANY
@given(selections(30_000), st.integers(LEAST, 30_000))
def test_a_span_of_the_video_is_as_long_as_asked(parts: Trim, milliseconds: int) -> None:
    first = parts.span(0, milliseconds)
    short = min(milliseconds, parts.milliseconds) - first.milliseconds
    assert 0 <= short < LEAST, "only a sliver that is not worth a cut is missing"
    assert first.start == parts.start
