from __future__ import annotations

import dataclasses

import pytest

from jobs.catalogue import entries
from jobs.catalogue.limits import MIB
from studio.media import Facts

PORTRAIT = Facts("image", "png", "image/png", "png", 1000, 960, 1200, 0.0, 0.0, "", "", False)
SPEECH = Facts("audio", "mp3", "audio/mpeg", "mp3", 1000, 0, 0, 60.0, 0.0, "mp3", "mp3", True)
DANCE = Facts("video", "mp4", "video/mp4", "mp4", 1000, 540, 960, 10.0, 24.0, "h264", "", False)


@pytest.mark.parametrize(
    ("model", "name", "facts", "kinds"),
    [
        ("emo-v1", "image_url", PORTRAIT, []),
        ("emo-v1", "image_url", dataclasses.replace(PORTRAIT, width=300, height=300), ["side"]),
        ("emo-v1", "image_url", dataclasses.replace(PORTRAIT, width=400, height=7000), []),
        ("emo-v1", "image_url", dataclasses.replace(PORTRAIT, width=400, height=7001), ["side"]),
        ("emo-v1", "audio_url", SPEECH, []),
        ("emo-v1", "audio_url", dataclasses.replace(SPEECH, seconds=61.0), ["duration"]),
        ("emo-v1", "audio_url", dataclasses.replace(SPEECH, size=15 * MIB + 1), ["size"]),
        ("emo-v1", "audio_url", dataclasses.replace(SPEECH, format="m4a"), ["format"]),
        ("emo-v1", "audio_url", PORTRAIT, ["kind"]),
        ("animate-anyone-gen2", "image_url", dataclasses.replace(PORTRAIT, size=5 * MIB), ["size"]),
        (
            "animate-anyone-gen2",
            "image_url",
            dataclasses.replace(PORTRAIT, format="webp"),
            ["format"],
        ),
        (
            "animate-anyone-gen2",
            "image_url",
            dataclasses.replace(PORTRAIT, width=500, height=1001),
            ["aspect"],
        ),
        ("animate-anyone-template-gen2", "video_url", DANCE, []),
        (
            "animate-anyone-template-gen2",
            "video_url",
            dataclasses.replace(DANCE, fps=20.0),
            ["fps"],
        ),
        ("animate-anyone-template-gen2", "video_url", dataclasses.replace(DANCE, fps=23.976), []),
        (
            "animate-anyone-template-gen2",
            "video_url",
            dataclasses.replace(DANCE, codec="mpeg4", seconds=1.0),
            ["duration", "codec"],
        ),
        ("wan2.2-s2v", "audio_url", dataclasses.replace(SPEECH, seconds=20.0), ["duration"]),
    ],
)
def test_limits(model: str, name: str, facts: Facts, kinds: list[str]) -> None:
    limits = entries.get(model).input(name).limits
    assert limits is not None
    problems = limits.problems(facts)
    assert [problem.kind for problem in problems] == kinds
    for problem in problems:
        assert problem.sentence.endswith(".")
