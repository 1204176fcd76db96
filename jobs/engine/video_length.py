"""Whether a video plays as long as the service billed. A whole video of another length is kept;
people see what differs, since the difference can be claimed from the vendor."""

from __future__ import annotations

from decimal import Decimal


def differs(seconds: float, billed: Decimal | None) -> bool:
    """Whether a video of `seconds` is shorter or longer than the `billed` seconds by more than half
    a second and a twentieth, which the service's own rounding explains. Without a bill nothing
    differs."""
    length = float(billed or 0)
    return length > 0 and abs(seconds - length) > max(0.5, 0.05 * length)
