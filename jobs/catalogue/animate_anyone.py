"""AnimateAnyone: a character dances a template (CONTRACT §4 to §6)."""

from __future__ import annotations

from jobs.catalogue.limits import MIB, Limits
from jobs.catalogue.list_prices import (
    CHECK_PRICE,
    PATH,
    PER_SECOND,
    RETIRES,
)
from jobs.catalogue.schema import Advice, Input, Kind, Model, Output, Parameter
from studio.common.translatable import phrase, quoted

_NO_WEBP = ("jpeg", "png", "bmp")
_AA_PICTURE = Limits(
    "image", _NO_WEBP, max_bytes=5 * MIB, open_size=True, min_side=225, max_side=4096, max_aspect=2
)

AA_DETECT = Model(
    name="animate-anyone-detect-gen2",
    label=phrase("AnimateAnyone character check"),
    kind=Kind.CHECK,
    path=PATH + "aa-detect",
    inputs=(Input("image_url", "image", phrase("Character"), _AA_PICTURE),),
    verdict="check_pass",
    reasons=("reason", "message", "code"),
    facts=("bodystyle",),
    unit="image",
    usage="image_count",
    prices=CHECK_PRICE,
    concurrency=None,
    retires_at=RETIRES,
    successors=("wan2.2-animate-move",),
)

AA_TEMPLATE = Model(
    name="animate-anyone-template-gen2",
    label=phrase("Dance template"),
    kind=Kind.TEMPLATE,
    path=PATH + "aa-template-generation",
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
    prices=PER_SECOND,
    retires_at=RETIRES,
)

AA = Model(
    name="animate-anyone-gen2",
    label=phrase("AnimateAnyone"),
    kind=Kind.VIDEO,
    path=PATH + "video-synthesis",
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
    prices=PER_SECOND,
    output=Output(fps=15, note=phrase("The video has no sound.")),
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
    retires_at=RETIRES,
    successors=("wan2.2-animate-move", "wan2.2-animate-mix"),
)
