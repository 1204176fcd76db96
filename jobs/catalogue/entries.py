"""Every model we know, one frozen declaration each. The form, the validation, the wire, the
simulator, the quote and the price table derive from these; a new model of the same contract is one
entry here and nothing else.

Facts: CONTRACT §2 to §7 and §13. Ground floor: no Django, no I/O.
"""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.catalogue.limits import MIB, Limits
from jobs.catalogue.schema import (
    MODELS,
    Advice,
    BadChoice,
    Input,
    Kind,
    ListPrice,
    Model,
    Output,
    Parameter,
    Variant,
    billed_units,
    body,
    clean_choices,
    get,
    own_choices,
    result_of,
)
from studio.common.translatable import EMPTY, Sentence, phrase, quoted

__all__ = [
    "MODELS",
    "Advice",
    "BadChoice",
    "Input",
    "Kind",
    "ListPrice",
    "Model",
    "Output",
    "Parameter",
    "Variant",
    "billed_units",
    "body",
    "clean_choices",
    "get",
    "own_choices",
    "result_of",
]

_IMAGES = ("jpeg", "png", "bmp", "webp")
_NO_WEBP = ("jpeg", "png", "bmp")
_EMO_PICTURE = Limits("image", _IMAGES, min_side=400, max_side=7000)
_AA_PICTURE = Limits(
    "image", _NO_WEBP, max_bytes=5 * MIB, open_size=True, min_side=225, max_side=4096, max_aspect=2
)
_ANIMATE_PICTURE = Limits(
    "image", _IMAGES, max_bytes=5 * MIB, min_side=200, max_side=4096, max_aspect=3
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
_SIDE = "/services/aigc/image2video/"
_EMO_PAGE = "EMO API reference, 27 Dec 2025"
_PAGE = "Model Studio price page, copy of 30 May 2026"
_USD_PAGE = _PAGE + ", USD at the ratio of EMO’s prices"
_RETIRES = datetime(2026, 10, 9, 16, 0, tzinfo=UTC)  # 2026-10-10 00:00:00 in UTC+8


def _prices(
    *rows: tuple[str, str, int, bool], unit: str = "second", source: str = ""
) -> tuple[ListPrice, ...]:
    return tuple(
        ListPrice(
            micros,
            currency,
            variant,
            unit=unit,
            inferred=inferred,
            source=source or (_USD_PAGE if inferred else _PAGE),
        )
        for variant, currency, micros, inferred in rows
    )


_CHECK_PRICE = _prices(("", "USD", 574, True), ("", "CNY", 4_000, False), unit="image")
_PER_SECOND = _prices(("", "USD", 11_469, True), ("", "CNY", 80_000, False))

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
    path=_SIDE + "face-detect",
    inputs=(Input("image_url", "image", phrase("Portrait"), _EMO_PICTURE),),
    parameters=(_RATIO,),
    verdict="check_pass",
    reasons=("message", "code"),
    facts=("face_bbox", "ext_bbox", "humanoid"),
    unit="image",
    usage="image_count",
    prices=_CHECK_PRICE,
    concurrency=None,
    retires_at=_RETIRES,
    successors=("wan2.2-s2v-detect",),
)

EMO = Model(
    name="emo-v1",
    label=phrase("EMO"),
    kind=Kind.VIDEO,
    path=_SIDE + "video-synthesis",
    check="emo-detect-v1",
    inputs=(
        Input("image_url", "image", phrase("Portrait"), _EMO_PICTURE),
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
    prices=_prices(("1:1", "USD", 11_469, False), ("3:4", "USD", 22_937, False), source=_EMO_PAGE)
    + _prices(("1:1", "CNY", 80_000, False), ("3:4", "CNY", 160_000, False)),
    output=Output(fps=15, sound=True, frames=(("1:1", 512, 512), ("3:4", 512, 704))),
    retires_at=_RETIRES,
    successors=("wan2.2-s2v",),
)

AA_DETECT = Model(
    name="animate-anyone-detect-gen2",
    label=phrase("AnimateAnyone character check"),
    kind=Kind.CHECK,
    path=_SIDE + "aa-detect",
    inputs=(Input("image_url", "image", phrase("Character"), _AA_PICTURE),),
    verdict="check_pass",
    reasons=("reason", "message", "code"),
    facts=("bodystyle",),
    unit="image",
    usage="image_count",
    prices=_CHECK_PRICE,
    concurrency=None,
    retires_at=_RETIRES,
    successors=("wan2.2-animate-move",),
)

AA_TEMPLATE = Model(
    name="animate-anyone-template-gen2",
    label=phrase("Dance template"),
    kind=Kind.TEMPLATE,
    path=_SIDE + "aa-template-generation",
    inputs=(
        Input(
            "video_url",
            "video",
            phrase("Dance video"),
            Limits(
                "video",
                ("mp4", "avi", "mov"),
                max_bytes=200 * MIB,
                min_side=200,
                max_side=2048,
                max_aspect=3,
                min_seconds=2,
                max_seconds=60,
                min_fps=24,
                max_fps=60,
                codecs=("h264", "hevc"),
            ),
        ),
    ),
    result=("template_id",),
    unit="second",
    usage="video_duration",
    length_of="video_url",
    prices=_PER_SECOND,
    retires_at=_RETIRES,
)

AA = Model(
    name="animate-anyone-gen2",
    label=phrase("AnimateAnyone"),
    kind=Kind.VIDEO,
    path=_SIDE + "video-synthesis",
    check="animate-anyone-detect-gen2",
    makes="animate-anyone-template-gen2",
    inputs=(
        Input("image_url", "image", phrase("Character"), _AA_PICTURE),
        Input("template_id", "template", phrase("Dance template")),
    ),
    parameters=(
        Parameter(
            "use_ref_img_bg",
            phrase("Background"),
            (
                (False, phrase("Video"), phrase("The place of the dance video")),
                (True, phrase("Picture"), phrase("The place of the character’s picture")),
            ),
            False,
            every=phrase("Both backgrounds"),
        ),
        Parameter(
            "video_ratio",
            phrase("Shape"),
            (
                ("9:16", quoted("9:16"), quoted("720 × 1280")),
                ("3:4", quoted("3:4"), quoted("720 × 960")),
            ),
            "9:16",
            only_when=("use_ref_img_bg", True),
            every=phrase("Both shapes"),
        ),
    ),
    result=("video_url",),
    unit="second",
    usage="video_duration",
    length_of="template_id",
    prices=_PER_SECOND,
    output=Output(fps=15, note=phrase("The film has no sound.")),
    extra_states=("PRE-PROCESSING", "POST-PROCESSING"),
    advice=(
        Advice(
            "bodystyle",
            "half",
            "use_ref_img_bg",
            False,
            phrase(
                "The picture shows half a body. With the video’s background the model has to "
                "invent the legs, and that often goes wrong. "
                "Use the picture’s background instead."
            ),
            phrase("Use the picture’s background"),
        ),
    ),
    retires_at=_RETIRES,
    successors=("wan2.2-animate-move", "wan2.2-animate-mix"),
)

S2V_DETECT = Model(
    name="wan2.2-s2v-detect",
    label=phrase("Wan speech portrait check"),
    kind=Kind.CHECK,
    path=_SIDE + "face-detect",
    inputs=(Input("image_url", "image", phrase("Portrait"), _EMO_PICTURE),),
    verdict="check_pass",
    reasons=("message", "code"),
    facts=("humanoid",),
    unit="image",
    usage="image_count",
    prices=_CHECK_PRICE,
    concurrency=None,
)

S2V = Model(
    name="wan2.2-s2v",
    label=phrase("Wan speech to video"),
    kind=Kind.VIDEO,
    path=_SIDE + "video-synthesis",
    check="wan2.2-s2v-detect",
    inputs=(
        Input("image_url", "image", phrase("Portrait"), _EMO_PICTURE),
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
    prices=_prices(
        ("480P", "USD", 71_684, True),
        ("720P", "USD", 129_031, True),
        ("480P", "CNY", 500_000, False),
        ("720P", "CNY", 900_000, False),
    ),
    output=Output(fps=16, sound=True),
)


def _animate(name: str, label: Sentence, std: int, pro: int, intl_std: int, intl_pro: int) -> Model:
    """animate-move and animate-mix share all but the price; `std` and `pro` in CNY fen per second,
    `intl_…` in US cents."""
    usd = [
        (word, (fen * 1_433_675 + 500) // 1_000)
        for word, fen in (("wan-std", std), ("wan-pro", pro))
    ]  # at 0.1433675 USD/CNY
    return Model(
        name=name,
        label=label,
        kind=Kind.VIDEO,
        path=_SIDE + "video-synthesis",
        inputs=(
            Input("image_url", "image", phrase("Character"), _ANIMATE_PICTURE),
            Input("video_url", "video", phrase("Video"), _ANIMATE_VIDEO),
        ),
        parameters=(
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
        ),
        result=("results", "video_url"),
        unit="second",
        usage="video_duration",
        variant=Variant("mode", "video_ratio", (("standard", "wan-std"), ("pro", "wan-pro"))),
        length_of="video_url",
        prices=_prices(*((word, "USD", micros, True) for word, micros in usd))
        + _prices(("wan-std", "CNY", std * 10_000, False), ("wan-pro", "CNY", pro * 10_000, False))
        + tuple(
            ListPrice(
                cents * 10_000,
                "USD",
                word,
                region="ap-southeast-1",
                source=_USD_PAGE,
                inferred=True,
            )
            for word, cents in (("wan-std", intl_std), ("wan-pro", intl_pro))
        ),
        output=Output(fps=15, sound=True),
        regions=("cn-beijing", "ap-southeast-1"),
    )


MOVE = _animate("wan2.2-animate-move", phrase("Wan animate: move"), 40, 60, 12, 18)
MIX = _animate("wan2.2-animate-mix", phrase("Wan animate: mix"), 60, 90, 18, 26)

MODELS.update(
    (model.name, model)
    for model in (EMO_DETECT, EMO, AA_DETECT, AA_TEMPLATE, AA, S2V_DETECT, S2V, MOVE, MIX)
)
