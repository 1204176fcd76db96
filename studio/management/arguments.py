"""Numbers on the command line, refused at once with a sentence when they cannot be."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError

HIGHEST_PORT = 65535


def port_number(text: str) -> int:
    """A port that a program can be asked to listen on."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise ArgumentTypeError(
            f"“{text}” is no port. A port is a number from 1 to {HIGHEST_PORT}."
        )
    return int(text)


def port_or_any(text: str) -> int:
    """The same, or 0 for any that is free."""
    return 0 if text == "0" else port_number(text)


def speed_number(text: str) -> float:
    """How much faster than the service the simulator is."""
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise ArgumentTypeError(
            f"“{text}” is no speed. It is a number greater than 0; 1 takes as long as the service."
        )
    return speed
