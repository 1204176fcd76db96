"""What we can do about a file that misses a limit: the recipe that makes it fit, in words of its
button. Pure: nothing is made here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from jobs.catalogue.limits import MIB, Facts, Limits
from studio import media
from studio.files.edit_queue import Recipe
from studio.media.edits import BEHIND, frame_for, held_seconds

NAMES = {"jpeg": "JPG", "png": "PNG", "wav": "WAV"}
LAST_FRAME = 50  # milliseconds: the last frame of a cut video must not stand over the limit


@dataclass(frozen=True, slots=True)
class Fix:
    """`recipe` for studio.files.edit_queue; `label` says what it does; `slow`: a worker makes it,
    since it takes longer than a page may wait."""

    recipe: Recipe
    label: str
    slow: bool = False


def fix_for(limits: Limits, facts: Facts, behind: str = BEHIND[0]) -> Fix | None:
    """The one edit after which a file with `facts` fits `limits`; None when it fits already or no
    edit can help. `behind` (of BEHIND) is put behind a transparent picture.

    A picture is never scaled up, and nothing is made longer.
    """
    missed = {problem.kind for problem in limits.problems(facts)}
    if not missed or "kind" in missed:
        return None
    if limits.kind == "image":
        return _picture(limits, facts, missed, behind)
    return (_sound if limits.kind == "audio" else _video)(limits, facts, missed)


def fixes_behind(limits: Limits, facts: Facts) -> list[tuple[str, Fix]]:
    """What may be behind a transparent picture, and the fix that puts it there; none for others."""
    if facts.kind != "image" or facts.codec != "transparent":
        return []
    found = [(behind, fix_for(limits, facts, behind)) for behind in BEHIND]
    return [(behind, fix) for behind, fix in found if fix is not None]


def crop_for(
    limits: Limits, facts: Facts, box: tuple[int, int, int, int], angle: float = 0.0
) -> Recipe:
    """The recipe of a crop that a person chose, which also meets what `limits` say of format, sides
    and size."""
    recipe: Recipe = {"do": "picture", "box": list(box)}
    if angle:
        recipe["angle"] = round(angle, 2)
    if limits.formats and facts.format not in limits.formats:
        recipe["format"] = "jpeg" if "jpeg" in limits.formats else "png"
    bounds: Recipe = {
        "max_side": limits.max_side,
        "min_side": limits.min_side,
        "max_bytes": limits.max_bytes,
    }
    return recipe | {name: value for name, value in bounds.items() if value is not None}


def cut_for(limits: Limits, facts: Facts, start: int, stop: int) -> Recipe:
    """The recipe of a part of a video that a person chose (milliseconds), which also meets what
    else `limits` say.

    A part that is longer than they allow ends where they do.
    """
    fix = fix_for(limits, facts)
    recipe: Recipe = dict(fix.recipe) if fix is not None else {"do": "film"}
    if limits.max_bytes is not None:
        recipe["max_bytes"] = limits.max_bytes
    if limits.max_seconds is not None:
        stop = min(stop, start + round(limits.max_seconds * 1000) - LAST_FRAME)
    return recipe | {"start": start, "stop": stop}


def hold_for(limits: Limits, facts: media.Facts) -> tuple[Fix, float] | None:
    """The fix that holds the last picture of a video until its sound ends, and how many seconds it
    then lasts; None where the pictures last as long, or the longer video fits no better."""
    longer = replace(facts, seconds=held_seconds(facts))
    if not longer.seconds:
        return None
    besides = fix_for(limits, longer)
    if limits.problems(longer) and (besides is None or "stop" in besides.recipe):
        return None
    recipe: Recipe = dict(besides.recipe) if besides is not None else {"do": "film"}
    if limits.max_bytes is not None:
        recipe["max_bytes"] = limits.max_bytes
    seconds = held_seconds(facts, recipe.get("fps"))
    label = _("Hold the last picture until the sound ends")
    return Fix(recipe | {"hold": True}, label, slow=True), seconds


def frames_for(
    limits: Limits, facts: Facts, aspect: tuple[int, int], face: tuple[int, int, int, int] | None
) -> list[tuple[int, int, int, int]]:
    """Frames of the shape `aspect` in a picture, (left, top, right, bottom) in px: the largest,
    then closer and closer to `face`.

    None is closer than `limits` allow; without a face there is one.
    """
    found: list[tuple[int, int, int, int]] = []
    for closeness in (0.0, 1 / 3, 2 / 3, 1.0) if face is not None else (0.0,):
        frame = frame_for(facts.width, facts.height, aspect, face, closeness)
        short = min(frame[2] - frame[0], frame[3] - frame[1])
        if not found or (frame != found[-1] and short >= (limits.min_side or 1)):
            found.append(frame)
    return found


def _picture(limits: Limits, facts: Facts, missed: set[str], behind: str) -> Fix | None:
    recipe: Recipe = {"do": "picture"}
    words = []
    if "transparency" in missed:
        recipe["behind"] = behind
        words.append(behind_words(behind))
    width, height = facts.width, facts.height
    smaller = "size" in missed or (
        limits.max_side is not None and max(width, height) > limits.max_side
    )
    if limits.max_aspect is not None and (
        "aspect" in missed
        or (smaller and max(width, height) > (limits.max_aspect - 0.01) * min(width, height))
    ):
        wide = width > height
        # Whole pixels round the box, and whatever is scaled afterwards, so it stays a little inside
        # of the limit.
        long = int(limits.max_aspect * 100) - 1
        recipe["box"] = list(frame_for(width, height, (long, 100) if wide else (100, long)))
        width, height = recipe["box"][2] - recipe["box"][0], recipe["box"][3] - recipe["box"][1]
        words.append(_("crop it"))
    scale = min(1.0, limits.max_side / max(width, height)) if limits.max_side else 1.0
    if limits.min_side is not None and int(min(width, height) * scale) < limits.min_side:
        return None
    if scale < 1:
        recipe["max_side"] = limits.max_side
        words.append(_("scale it to %(n)s px") % {"n": limits.max_side})
    if "format" in missed:
        recipe["format"] = "jpeg" if "jpeg" in limits.formats else "png"
        words.append(_("convert it to %(format)s") % {"format": NAMES[recipe["format"]]})
    if limits.max_bytes is not None:
        recipe["max_bytes"] = limits.max_bytes
        if "size" in missed:
            words.append(_("make it smaller than %(n)s MB") % {"n": f"{limits.max_bytes / MIB:g}"})
    if limits.min_side is not None:
        recipe["min_side"] = limits.min_side
    return Fix(recipe, _joined(words))


def behind_words(behind: str) -> str:
    """What putting `behind` behind a picture is called."""
    if behind == "blur":
        return _("blur its own colours behind it")
    names = {"white": _("white"), "grey": _("grey"), "black": _("black")}
    return _("put %(colour)s behind it") % {"colour": names[behind]}


def _sound(limits: Limits, facts: Facts, missed: set[str]) -> Fix | None:
    if limits.min_seconds is not None and facts.seconds < limits.min_seconds:
        return None
    stop = round(facts.seconds * 1000)
    words = []
    if limits.max_seconds is not None and "duration" in missed:
        stop = round(limits.max_seconds * 1000) - (1 if limits.open_seconds else 0)
        words.append(_("keep the first %(n)s s") % {"n": f"{limits.max_seconds:g}"})
    if missed & {"format", "size"}:
        words.append(_("convert it to %(format)s") % {"format": NAMES["wav"]})
    return Fix({"do": "cut", "start": 0, "stop": stop}, _joined(words))


def _video(limits: Limits, facts: Facts, missed: set[str]) -> Fix | None:
    scale = min(1.0, limits.max_side / max(facts.width, facts.height)) if limits.max_side else 1.0
    too_small = (
        limits.min_side is not None
        and int(min(facts.width, facts.height) * scale) < limits.min_side
    )
    too_short = limits.min_seconds is not None and facts.seconds < limits.min_seconds
    if "aspect" in missed or too_small or too_short:
        return None
    recipe: Recipe = {"do": "film"}
    words = []
    if limits.max_seconds is not None and "duration" in missed:
        recipe["stop"] = round(limits.max_seconds * 1000) - LAST_FRAME
        words.append(_("keep the first %(n)s s") % {"n": f"{limits.max_seconds:g}"})
    if scale < 1:
        recipe["max_side"] = limits.max_side
        words.append(_("scale it to %(n)s px") % {"n": limits.max_side})
    if "fps" in missed:
        recipe["fps"] = (
            limits.min_fps
            if limits.min_fps is not None and facts.fps < limits.min_fps
            else limits.max_fps
        )
        words.append(_("make it %(n)s frames per second") % {"n": f"{recipe['fps']:g}"})
    if missed & {"format", "codec"}:
        words.append(_("convert it to MP4 (H.264)"))
    if limits.max_bytes is not None:
        recipe["max_bytes"] = limits.max_bytes
        if "size" in missed:
            words.append(_("make it smaller than %(n)s MB") % {"n": f"{limits.max_bytes / MIB:g}"})
    return Fix(recipe, _joined(words), slow=True)


def _joined(words: list[str]) -> str:
    """“Crop it and convert it to JPG”."""
    text = (
        words[0]
        if len(words) == 1
        else _("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}
    )
    return text[:1].upper() + text[1:]
