"""The successors: a portrait speaks (s2v), a character moves (animate) (CONTRACT §13)."""

from __future__ import annotations

from jobs.catalogue.emo import EMO_PICTURE, IMAGES
from jobs.catalogue.limits import MIB, Limits
from jobs.catalogue.list_prices import (
    CHECK_PRICE,
    PATH,
    USD_SOURCE,
    list_prices,
)
from jobs.catalogue.schema import Input, Kind, ListPrice, Model, Output, Parameter, Variant
from studio.common.translatable import EMPTY, Sentence, phrase, quoted

_ANIMATE_PICTURE = Limits(
    "image", IMAGES, max_bytes=5 * MIB, min_side=200, max_side=4096, max_aspect=3
)
_ANIMATE_VIDEO = Limits(
    "video",
    ("mp4", "avi", "mov"),
    max_bytes=200 * MIB,
    min_side=200,
    max_side=2048,
    max_aspect=3,
    min_seconds=2,
    max_seconds=30,
)

S2V_DETECT = Model(
    name="wan2.2-s2v-detect",
    label=phrase("Wan speech portrait check"),
    kind=Kind.CHECK,
    path=PATH + "face-detect",
    inputs=(Input("image_url", "image", phrase("Portrait"), EMO_PICTURE),),
    verdict="check_pass",
    reasons=("message", "code"),
    facts=("humanoid",),
    unit="image",
    usage="image_count",
    prices=CHECK_PRICE,
    concurrency=None,
)

S2V = Model(
    name="wan2.2-s2v",
    label=phrase("Wan speech to video"),
    kind=Kind.VIDEO,
    path=PATH + "video-synthesis",
    check="wan2.2-s2v-detect",
    inputs=(
        Input("image_url", "image", phrase("Portrait"), EMO_PICTURE),
        Input(
            "audio_url",
            "audio",
            phrase("Speech"),
            Limits(
                "audio", ("wav", "mp3"), 15 * MIB, open_size=True, max_seconds=20, open_seconds=True
            ),
        ),
    ),
    parameters=(
        Parameter(
            "resolution",
            phrase("Sharpness"),
            (
                ("480P", quoted("480P"), phrase("about 310 000 px")),
                ("720P", quoted("720P"), phrase("about 920 000 px")),
            ),
            "480P",
        ),
    ),
    result=("results", "video_url"),
    unit="second",
    usage="duration",
    variant=Variant(
        "resolution", "SR", ((480, "480P"), (720, "720P"), ("480", "480P"), ("720", "720P"))
    ),
    length_of="audio_url",
    prices=list_prices(
        ("480P", "USD", 71_684, True),
        ("720P", "USD", 129_031, True),
        ("480P", "CNY", 500_000, False),
        ("720P", "CNY", 900_000, False),
    ),
    output=Output(fps=16, sound=True),
)


_ANIMATE_PARAMETERS = (
    Parameter(
        "mode",
        phrase("Quality"),
        (
            ("wan-std", phrase("Standard"), phrase("Faster and cheaper")),
            ("wan-pro", phrase("Professional"), phrase("Smoother")),
        ),
        "wan-std",
        required=True,
    ),
    Parameter(
        "check_image",
        phrase("Check the picture first"),
        ((True, phrase("Yes"), EMPTY), (False, phrase("No"), EMPTY)),
        True,
    ),
    Parameter(
        "watermark",
        phrase("Watermark"),
        (
            (False, phrase("No"), EMPTY),
            (True, phrase("Yes"), phrase("“AI generated” in a corner")),
        ),
        False,
        place="input",
    ),
)


def _animate_prices(std: int, pro: int, intl_std: int, intl_pro: int) -> tuple[ListPrice, ...]:
    """`std` and `pro` in CNY fen per second, `intl_…` in US cents."""
    usd = [
        (word, (fen * 1_433_675 + 500) // 1_000)
        for word, fen in (("wan-std", std), ("wan-pro", pro))
    ]  # at 0.1433675 USD/CNY
    return (
        list_prices(*((word, "USD", micros, True) for word, micros in usd))
        + list_prices(
            ("wan-std", "CNY", std * 10_000, False), ("wan-pro", "CNY", pro * 10_000, False)
        )
        + tuple(
            ListPrice(
                cents * 10_000,
                "USD",
                word,
                region="ap-southeast-1",
                source=USD_SOURCE,
                inferred=True,
            )
            for word, cents in (("wan-std", intl_std), ("wan-pro", intl_pro))
        )
    )


def _animate(name: str, label: Sentence, std: int, pro: int, intl_std: int, intl_pro: int) -> Model:
    """animate-move and animate-mix share all but the price, for which see `_animate_prices`."""
    return Model(
        name=name,
        label=label,
        kind=Kind.VIDEO,
        path=PATH + "video-synthesis",
        inputs=(
            Input("image_url", "image", phrase("Character"), _ANIMATE_PICTURE),
            Input("video_url", "video", phrase("Video"), _ANIMATE_VIDEO),
        ),
        parameters=_ANIMATE_PARAMETERS,
        result=("results", "video_url"),
        unit="second",
        usage="video_duration",
        variant=Variant("mode", "video_ratio", (("standard", "wan-std"), ("pro", "wan-pro"))),
        length_of="video_url",
        prices=_animate_prices(std, pro, intl_std, intl_pro),
        output=Output(fps=15, sound=True),
        regions=("cn-beijing", "ap-southeast-1"),
    )


MOVE = _animate("wan2.2-animate-move", phrase("Wan animate: move"), 40, 60, 12, 18)
MIX = _animate("wan2.2-animate-mix", phrase("Wan animate: mix"), 60, 90, 18, 26)
