"""What is asked of decoders, each as the function of the same name would answer: with its errors,
and `DecoderEnded` besides. `person` is in whose name it takes its turn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from studio.media.decoders import pool
from studio.media.decoders.ended import DecoderEnded, ended
from studio.media.decoders.limits import EDIT, LOOK, PICTURE, VIDEO, Limits, Message
from studio.media.facts import Facts
from studio.media.kinds import KINDS, sniff
from studio.media.preparation import Prepared

Source = str | os.PathLike[str]


def prepare(path: Source, digest: str, folder: Path, *, clean: bool, person: str = "") -> Prepared:
    """`studio.media.preparation.prepare`. What was paid for (not `clean`) is kept without its small
    picture when that is what costs too much."""
    # From the first bytes, which are not decoded for that; what is nothing is refused right here.
    limits = PICTURE if sniff(path).kind == "image" else LOOK
    args: Message = {"path": _path(path), "digest": digest, "folder": _path(folder), "clean": clean}
    try:
        found = pool.run("studio.media.decoders.work:prepared", args, limits, person)
    except DecoderEnded as error:
        if clean or error.reason == "busy":
            raise
        args["preview"] = False
        found = pool.run("studio.media.decoders.work:prepared", args, limits, person)
    facts = Facts.from_dict(found["facts"])
    # Names that a decoder answers are not believed: it writes into the folder it was given.
    if facts.extension not in {kind.extension for kind in KINDS.values()}:
        raise ended("crashed")
    return Prepared(
        folder / f"file.{facts.extension}",
        facts,
        str(found["sha256"]),
        folder / "thumb.webp" if found["thumb"] else None,
        [int(peak) for peak in found["peaks"]],
        dict(found["sound"]),
    )


def verify_video(path: Source) -> Facts:
    """`studio.media.verify_video`."""
    return _facts("studio.media:verify_video", VIDEO, "", path=path)


def edit_picture(path: Source, target: Source, *, person: str = "", **wishes: object) -> Facts:
    return _facts("edit_picture", EDIT, person, path=path, target=target, **wishes)


def cut_sound(
    path: Source, target: Source, start: float, stop: float, *, person: str = ""
) -> Facts:
    return _facts("cut_sound", EDIT, person, path=path, target=target, start=start, stop=stop)


def without(
    path: Source, target: Source, cuts: Sequence[tuple[float, float]], *, person: str = ""
) -> Facts:
    return _facts("without", EDIT, person, path=path, target=target, cuts=list(cuts))


def remake_video(path: Source, target: Source, *, person: str = "", **wishes: object) -> Facts:
    return _facts("remake_video", VIDEO, person, path=path, target=target, **wishes)


def with_sound(path: Source, sound: Source, target: Source, *, person: str = "") -> Facts:
    return _facts("with_sound", VIDEO, person, path=path, sound=sound, target=target)


def _facts(call: str, limits: Limits, person: str, **args: object) -> Facts:
    """The facts that one of the functions of `studio.media.edits` answers, or of the module that
    `call` names."""
    call = call if ":" in call else f"studio.media.edits:{call}"
    paths = {name: _path(value) for name, value in args.items() if isinstance(value, os.PathLike)}
    return Facts.from_dict(pool.run(call, args | paths, limits, person))


def _path(path: Source) -> str:
    """Decoders work in the root folder."""
    return os.path.abspath(path)
