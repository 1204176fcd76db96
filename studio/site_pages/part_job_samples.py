"""Jobs, cards and times as the page of parts shows them."""

from __future__ import annotations

from typing import Any, TypeAlias

Sample: TypeAlias = dict[str, Any]  # what a template of a part takes
FACE, FRAME = (338, 268, 622, 672), (120, 80, 840, 1070)


HOUR = 3600
SAMPLE_PEAKS = [0.1, 0.35, 0.8, 0.55, 0.9, 0.4, 0.05, 0.03, 0.3, 0.7, 1.0, 0.65, 0.45, 0.2] * 6


_JOB = {"currency": "USD", "url": "#jobs", "owner_name": "Chidi"}


def sample_jobs(portrait: str, dance: str) -> list[Sample]:
    """A row in each way that parts/job_row.html can stand."""
    return [*_open_jobs(portrait, dance), *_ended_jobs()]


def _open_jobs(portrait: str, dance: str) -> list[Sample]:
    return [
        _JOB
        | {
            "title": "Ticket reminder",
            "model_label": "Talking portrait",
            "facts": "1:1",
            "poster_url": portrait,
            "state_word": "running",
        }
        | {
            "state_label": "Rendering",
            "sentence": "1 m 10 s · usually 1 m 40 s – 2 m 20 s",
            "amount_micros": 159_800,
            "amount_word": "reserved",
        }
        | {
            "gauge": {
                "elapsed": 70,
                "low": 100,
                "high": 140,
                "label": "1 m 10 s, usually 1 m 40 s to 2 m 20 s",
            }
        },
        _JOB
        | {
            "title": "Welcome line",
            "model_label": "Talking portrait",
            "facts": "3:4",
            "state_word": "queued",
            "state_label": "3rd in line",
        }
        | {"sentence": "starts ≈ 14:32", "amount_micros": 472_523, "amount_word": "reserved"}
        | {"place": {"total": 5, "on": 1, "next": 1, "you": 3, "label": "third of five"}},
        _JOB
        | {
            "title": "Spring steps",
            "model_label": "Dancing character",
            "icon": "dance",
            "poster_url": dance,
            "state_word": "archiving",
        }
        | {
            "state_label": "Saving",
            "sentence": "11.2 of 18.2 MB",
            "amount_micros": 114_690,
            "amount_word": "charged",
        }
        | {"gauge": {"got": 11.2, "whole": 18.2, "label": "11.2 of 18.2 MB fetched"}},
    ]


def _ended_jobs() -> list[Sample]:
    return [
        _JOB
        | {
            "title": "Two at the door",
            "model_label": "Talking portrait",
            "state_word": "failed",
            "state_label": "Failed",
        }
        | {
            "sentence": "two people in the picture",
            "amount_micros": 0,
            "amount_word": "released",
            "where": "Crop to one person",
        },
        _JOB
        | {
            "title": "Without an amount",
            "model_label": "Template",
            "icon": "template",
            "state_word": "canceled",
            "state_label": "Cancelled",
            "url": "",
        },
    ]


def sample_cards(portrait: str, dance: str) -> list[Sample]:
    return [
        {
            "title": "portrait.jpg",
            "url": "#cards",
            "picture_url": portrait,
            "facts": "960 × 1200 · Aiko",
            "tags": [{"fit": "yes", "label": "EMO 1:1"}],
        },
        {
            "title": "spring-steps.mp4",
            "url": "#cards",
            "picture_url": dance,
            "badge": "9.3 s",
            "video": True,
            "facts": "512 × 704",
        },
        {
            "title": "speech.mp3",
            "url": "#cards",
            "peaks": SAMPLE_PEAKS,
            "badge": "13.9 s",
            "facts": "220 kB · Ben",
            "tags": [{"state": "running", "label": "in use"}],
        },
        {"title": "no-picture-yet.mov", "icon": "template", "facts": "being read"},
    ]


def sample_picks(portrait: str) -> list[Sample]:
    base = {"picture_url": portrait, "pick_name": "sample_pick"}
    return [
        base | {"title": "Chosen", "pick_value": "1", "picked": True},
        base | {"title": "Can be chosen", "pick_value": "2"},
        base
        | {
            "title": "Does not fit",
            "pick_value": "3",
            "unfit": True,
            "tags": [{"fit": "no", "label": "person too small"}],
        },
        {
            "title": "Several",
            "peaks": SAMPLE_PEAKS,
            "pick_name": "sample_several",
            "pick_value": "1",
            "pick_type": "checkbox",
        },
    ]


def sample_steps() -> list[dict[str, str]]:
    return [
        {
            "title": "Sent",
            "when": "14:32:12",
            "tone": "good",
            "note": "request 8190395f-2b1c",
            "iso": "2026-11-20T14:32:12Z",
        },
        {
            "title": "Rendering",
            "when": "1 m 10 s",
            "tone": "lit",
            "note": "usually 1 m 40 s – 2 m 20 s",
        },
        {"title": "Download broke off", "when": "14:36:10", "tone": "bad", "note": "again in 4 s"},
        {"title": "Noted", "when": "14:36:20"},
        {"title": "Save", "when": "≈ 14:38", "tone": "todo"},
    ]


class Message:
    """A message as django.contrib.messages hands it over."""

    def __init__(self, level_tag: str, text: str) -> None:
        self.level_tag, self.text = level_tag, text

    def __str__(self) -> str:
        return self.text


def sample_messages() -> list[Message]:
    return [
        Message("success", "“portrait.jpg” is in the library."),
        Message("info", "“speech.mp3” is here already; it is kept once."),
        Message("warning", "The picture is small; the video will look soft."),
        Message("error", "“notes.txt” is neither a picture nor a speech nor a video."),
    ]


def sample_clocks() -> list[Sample]:
    return [
        {
            "left": 21 * HOUR + 41 * 60,
            "title": "Task, 21 h 41 m",
            "note": "then the service forgets it",
            "ours": False,
        },
        {
            "left": 3 * HOUR + 12 * 60,
            "title": "Link, 3 h 12 m",
            "note": "video not home yet",
            "ours": False,
        },
        {
            "left": 21 * HOUR + 46 * 60,
            "title": "Link, 21 h 46 m",
            "note": "saved, does not matter",
            "ours": True,
        },
        {"left": 0, "title": "Task, over", "note": "the service has forgotten it", "ours": False},
    ]
