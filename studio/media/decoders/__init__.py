"""Everything that decodes media, in a few processes with limits: of processor time, of memory, of
time by the clock and of bytes written.

Bytes that a stranger sent never reach a decoder inside of a web or worker process. A call takes
its turn in the line of this process (`line`), a decoder (`pool`) starts a child for it that ends
with it (`child`), and what comes back is JSON, so that a decoder that was taken over can answer
nonsense and no more. Whatever happens to the child is a `MediaError` with a sentence:
`DecoderEnded` when it was ended by a limit, a crash or somebody's kill.

May import media and common.
"""

from __future__ import annotations

from studio.media.decoders.calls import (
    cut_sound,
    edit_picture,
    prepare,
    remake_video,
    verify_video,
    with_sound,
    without,
)
from studio.media.decoders.ended import DecoderEnded
from studio.media.decoders.limits import Limits
from studio.media.decoders.pool import (
    PAGE_TURNS,
    configure,
    give_place,
    places,
    run,
    serve_pages,
    turn,
    turn_async,
)

__all__ = [
    "PAGE_TURNS",
    "DecoderEnded",
    "Limits",
    "configure",
    "cut_sound",
    "edit_picture",
    "give_place",
    "places",
    "prepare",
    "remake_video",
    "run",
    "serve_pages",
    "turn",
    "turn_async",
    "verify_video",
    "with_sound",
    "without",
]
