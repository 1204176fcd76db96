"""Template tags of the look: icons, money, times and the parts whose geometry must be computed.

Widths and positions are SVG attributes, never style attributes, so the content security policy
needs no exception. Nothing here knows about jobs or accounts: plain numbers and words come in,
markup goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from studio.common import formats, reader, translatable

register = template.Library()
for _format in (
    formats.money,
    formats.money_short,
    formats.money_left,
    formats.ledger,
    formats.ledger_signed,
    formats.seconds,
    formats.clock_time,
    formats.filesize_mb,
    formats.person,
    formats.initials,
    formats.tone,
    formats.written,
    formats.figure,
    reader.in_utc,
):
    register.filter(_format)

DAY = 24 * 3600
# Of a circle of radius 20, which stroke-dasharray counts in.
CIRCUMFERENCE = 125.7
LATE_UNDER = 4 * 3600

# ── sentences ─────────────────────────────────────────────────────────────────────────────────────


@register.filter
def translated(text: str) -> str:
    """A stored sentence in the language of the page."""
    return translatable.translated(text)


# ── times ──


@register.simple_tag
def when(
    at: datetime | date | None, shape: str = "day year time", zone: str = ""
) -> SafeString | str:
    """A moment on the reader's clock (`studio.common.reader.SHAPES`), its UTC beside it for who
    points at it; a day, which has no clock, as it is. `zone`: another clock than the reader's."""
    if not at:
        return ""
    if not isinstance(at, datetime):
        words = reader.written(at, shape)
        return format_html('<time datetime="{}">{}</time>', at.isoformat(), words)
    by = reader.reader()
    with reader.reading(replace(by, zone=zone or by.zone)):
        words = reader.written(at, shape)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        reader.in_utc(at),
        words,
    )


# ── marks ─────────────────────────────────────────────────────────────────────────────────────────


def _sprite(name: str) -> str:
    return f"{static('img/icons.svg')}#{name}"


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One icon of the sprite. It is hidden from assistive technology: a word stands beside it, or a
    `.vh` word."""
    css = f"icon {extra}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}"></use></svg>', css, _sprite(name)
    )


@register.simple_tag
def state_mark(state_word: str) -> SafeString:
    """The mark of a state; its shape differs in each, so colour is never alone."""
    return format_html(
        '<svg class="mark" aria-hidden="true"><use href="{}"></use></svg>',
        _sprite(f"s-{state_word}"),
    )


# ── drawings ──────────────────────────────────────────────────────────────────────────────────────


def _share(part: float | int | Decimal, whole: float | int | Decimal) -> float:
    """`part` of `whole` in percent, held between 0 and 100, with one decimal."""
    if not whole or whole <= 0:
        return 0.0
    return round(min(max(float(part) / float(whole), 0.0), 1.0) * 100, 1)


def _number(value: float) -> str:
    # A localised template would write 19,7 here, which is no number in SVG.
    return f"{value:g}"


@register.inclusion_tag("parts/gauge.html")
def gauge(elapsed: float = 0, low: float = 0, high: float = 0, label: str = "") -> dict[str, str]:
    """Elapsed seconds against the usual range of our own past; past `high` the bar turns red."""
    elapsed, low, high = (
        max(float(elapsed or 0), 0),
        max(float(low or 0), 0),
        max(float(high or 0), 0),
    )
    whole = max(high / 0.84, elapsed / 0.92) or 1
    now = _share(min(elapsed, high) if high else elapsed, whole)
    end = _share(elapsed, whole)
    return {
        "label": label,
        "usual_x": _number(_share(low, whole)),
        "usual_width": _number(round(_share(high, whole) - _share(low, whole), 1)),
        "now": _number(now),
        "late_width": _number(round(end - now, 1)) if high and elapsed > high else "",
        "end": _number(end) if elapsed else "",
        "got": "",
    }


@register.inclusion_tag("parts/gauge.html")
def gauge_got(got: float, whole: float, label: str = "") -> dict[str, str]:
    """A share that is really known (bytes fetched or sent), in blue."""
    return {
        "label": label,
        "usual_x": "0",
        "usual_width": "0",
        "now": "",
        "late_width": "",
        "end": "",
        "got": _number(_share(got or 0, whole or 0)),
    }


@register.inclusion_tag("parts/money_meter.html")
def money_meter(
    limit: int | None, settled: int = 0, held: int = 0, this: int = 0, label: str = ""
) -> dict[str, str]:
    """The money meter: settled, held and this job against `limit`, all in millionths. Without a
    limit it shows shares."""
    settled, held, this = int(settled or 0), int(held or 0), int(this or 0)
    whole = int(limit or 0) or settled + held + this
    first, second, third = (
        _share(part, whole) for part in (settled, settled + held, settled + held + this)
    )
    return {
        "label": label,
        "settled": _number(first),
        "held_x": _number(first),
        "held": _number(round(second - first, 1)),
        "this_x": _number(second),
        "this": _number(round(third - second, 1)),
    }


@register.inclusion_tag("parts/queue_dots.html")
def queue_dots(
    total: int,
    on: int = 0,
    next: int = 0,
    you: int | str | Iterable[int] = (),
    label: str = "",
    most: int = 9,
) -> dict[str, Any]:
    """A queue of `total` dots: the first `on` lit (with the service), then `next` ringed (waiting
    there), the rest ours.

    `you` is the 1-based place, or places ("3,4" in a template), of the reader's own jobs. More than
    `most` are counted.
    """
    if isinstance(you, str):
        places = {int(part) for part in you.split(",") if part.strip().isdigit()}
    else:
        places = {you} if isinstance(you, int) else set(you or ())
    total, on, next = int(total or 0), int(on or 0), int(next or 0)
    drawn = []
    for place in range(1, min(max(total, 1), most) + 1):
        word = "on" if place <= on else "next" if place <= on + next else ""
        drawn.append(f"{word} you".strip() if place in places else word)
    return {"dots": drawn, "more": max(total - most, 0), "label": label}


@register.inclusion_tag("parts/clock.html")
def clock(
    left: float | timedelta, title: str, note: str = "", ours: bool = False, whole: float = DAY
) -> dict[str, str]:
    """One of the two lifetimes at the service: seconds `left` of `whole`. `ours` means the video is
    home, so it is green."""
    remaining = left.total_seconds() if isinstance(left, timedelta) else float(left or 0)
    arc = round(_share(remaining, whole) / 100 * CIRCUMFERENCE, 1)
    return {
        "arc": _number(arc),
        "circumference": _number(CIRCUMFERENCE),
        "kind": "off" if ours else "low" if remaining < LATE_UNDER else "",
        "title": title,
        "note": note,
    }


def _box(corners: Sequence[int] | None) -> dict[str, int] | None:
    """[x1, y1, x2, y2] as the service answers it -> x, y, width, height; None for anything that is
    not a box."""
    if not corners or len(corners) != 4:
        return None
    left, top, right, bottom = (int(corner) for corner in corners)
    if right <= left or bottom <= top:
        return None
    return {
        "x": left,
        "y": top,
        "w": right - left,
        "h": bottom - top,
        "right": right,
        "bottom": bottom,
    }


@register.inclusion_tag("parts/boxed.html")
def boxed(
    url: str,
    width: int,
    height: int,
    frame: Sequence[int] | None = None,
    face: Sequence[int] | None = None,
    label: str = "",
) -> dict[str, Any]:
    """A picture with its boxes in its own pixels: dashed blue is the face, lamp is the frame that
    becomes the video.

    `frame` and `face` are [x1, y1, x2, y2] (`ext_bbox` and `face_bbox` of CONTRACT §2); what lies
    outside the frame is dimmed.
    """
    return {
        "url": url,
        "width": int(width),
        "height": int(height),
        "frame": _box(frame),
        "face": _box(face),
        "label": label,
    }


@register.inclusion_tag("parts/framed.html")
def framed(
    url: str,
    width: int,
    height: int,
    frame: Sequence[int] | None = None,
    out_width: int = 512,
    out_height: int = 512,
    label: str = "",
) -> dict[str, Any]:
    """What the video will show: only the inside of `frame`, at the video's own size in pixels."""
    box = _box(frame) or _box((0, 0, int(width), int(height)))
    return {
        "url": url,
        "width": int(width),
        "height": int(height),
        "box": box,
        "out_width": out_width,
        "out_height": out_height,
        "label": label,
    }


@register.filter
def wave_path(peaks: Sequence[float] | None, width: int = 600) -> SafeString | str:
    """Loudness peaks (0 … 1) -> the `d` of a path of upright bars, for a viewBox of `width` ×
    100."""
    if not peaks:
        return ""
    step = width / len(peaks)
    bars = []
    for index, peak in enumerate(peaks):
        reach = max(min(float(peak), 1.0), 0.02) * 50
        x = f"{(index + 0.5) * step:.1f}".removesuffix(".0")
        bars.append(f"M{x} {50 - reach:.0f}V{50 + reach:.0f}")
    return "".join(bars)


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────


KINDS = {
    "checkbox": "check",
    "radioselect": "radios",
    "checkboxselectmultiple": "radios",
    "file": "file",
    "clearablefile": "file",
    "hidden": "hidden",
}


@register.simple_tag
def field_words(
    field: BoundField, label: str = "", help: str = "", nohelp: bool = False
) -> dict[str, Any]:
    """What the field part draws: the control's kind (check, radios, file, hidden or line), its
    label and its help."""
    return {
        "kind": KINDS.get(field.widget_type, "line"),
        "label": label or field.label,
        "help": "" if nohelp else help or field.help_text,
        "accept": field.field.widget.attrs.get("accept", ""),
        "multiple": bool(getattr(field.field.widget, "allow_multiple_selected", False)),
    }


@register.simple_tag
def widget(
    field: BoundField,
    help: str = "",
    autocomplete: str = "",
    inputmode: str = "",
    placeholder: str = "",
    focus: bool = False,
) -> SafeString:
    """The form field's control with the look's class and with its help and error tied to it for
    screen readers.

    A placeholder that only repeats the label is dropped: it vanishes as soon as one types, the
    label does not.
    """
    control = field.field.widget
    attrs: dict[str, Any] = {"placeholder": placeholder or False, "id": field.auto_id}
    if field.widget_type not in KINDS:
        attrs["class"] = f"{control.attrs.get('class', '')} input".strip()
    if field.errors:
        attrs["aria-invalid"] = "true"
    if autocomplete:
        attrs["autocomplete"] = autocomplete
    if inputmode:
        attrs["inputmode"] = inputmode
    if focus:
        attrs["autofocus"] = True
    attrs = field.build_widget_attrs(attrs, control)
    # Written over what Django set: it would name a help text that this part may not show.
    described = [f"{field.auto_id}_helptext"] * bool(help) + [f"{field.auto_id}_error"] * bool(
        field.errors
    )
    attrs["aria-describedby"] = " ".join(described) or False
    drawn: SafeString = control.render(
        name=field.html_name, value=field.value(), attrs=attrs, renderer=field.form.renderer
    )
    return drawn


@register.simple_tag
def site_problems() -> list[str]:
    """What keeps the site from sending, in sentences for whoever runs it; [] when all is well."""
    found = (import_string(name)() for name in settings.SITE_PROBLEMS)
    return [str(problem) for problem in found if problem]
