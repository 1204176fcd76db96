"""EMO: a portrait speaks (CONTRACT §2, §3)."""

from __future__ import annotations

from jobs.catalogue.limits import MIB, Limits
from jobs.catalogue.list_prices import (
    CHECK_PRICE,
    PATH,
    RETIRES,
    list_prices,
)
from jobs.catalogue.schema import Input, Kind, Model, Output, Parameter, Variant
from studio.common.translatable import phrase, quoted

_EMO_SOURCE = "EMO API reference, 27 Dec 2025"
IMAGES = ("jpeg", "png", "bmp", "webp")
EMO_PICTURE = Limits("image", IMAGES, min_side=400, max_side=7000)

_RATIO = Parameter(
    "ratio",
    phrase("Shape"),
    (
        ("1:1", phrase("1:1 head"), quoted("512 × 512")),
        ("3:4", phrase("3:4 half body"), quoted("512 × 704")),
    ),
    "1:1",
    required=True,
)

EMO_DETECT = Model(
    name="emo-detect-v1",
    label=phrase("EMO portrait check"),
    kind=Kind.CHECK,
    path=PATH + "face-detect",
    inputs=(Input("image_url", "image", phrase("Portrait"), EMO_PICTURE),),
    parameters=(_RATIO,),
    verdict="check_pass",
    reasons=("message", "code"),
    facts=("face_bbox", "ext_bbox", "humanoid"),
    unit="image",
    usage="image_count",
    prices=CHECK_PRICE,
    concurrency=None,
    retires_at=RETIRES,
    successors=("wan2.2-s2v-detect",),
)

EMO = Model(
    name="emo-v1",
    label=phrase("EMO"),
    kind=Kind.VIDEO,
    path=PATH + "video-synthesis",
    check="emo-detect-v1",
    inputs=(
        Input("image_url", "image", phrase("Portrait"), EMO_PICTURE),
        Input(
            "audio_url",
            "audio",
            phrase("Speech"),
            Limits("audio", ("wav", "mp3"), max_bytes=15 * MIB, max_seconds=60),
        ),
        Input("face_bbox", "box", from_check="face_bbox"),
        Input("ext_bbox", "box", from_check="ext_bbox"),
    ),
    parameters=(
        Parameter(
            "style_level",
            phrase("Style"),
            (
                ("calm", phrase("Calm"), phrase("Small moves")),
                ("normal", phrase("Normal"), phrase("Like a speaker")),
                ("active", phrase("Active"), phrase("Head and shoulders")),
            ),
            "normal",
            every=phrase("All 3 styles"),
        ),
    ),
    result=("results", "video_url"),
    unit="second",
    usage="video_duration",
    variant=Variant("ratio", "video_ratio", (("1:1", "1:1"), ("3:4", "3:4"))),
    length_of="audio_url",
    prices=list_prices(
        ("1:1", "USD", 11_469, False), ("3:4", "USD", 22_937, False), source=_EMO_SOURCE
    )
    + list_prices(("1:1", "CNY", 80_000, False), ("3:4", "CNY", 160_000, False)),
    output=Output(fps=15, sound=True, frames=(("1:1", 512, 512), ("3:4", 512, 704))),
    retires_at=RETIRES,
    successors=("wan2.2-s2v",),
)
