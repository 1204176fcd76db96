"""How a file was made from another one, in a word or two."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from studio.files.edit_queue import words

register = template.Library()


@register.filter
def done(recipe: dict[str, Any] | str | None) -> str:
    """“Cropped, converted” for a recipe of studio.files.edit_queue; "" for a file that was not made
    here."""
    if not isinstance(recipe, dict) or not recipe:
        return ""
    said = ", ".join(words(recipe)) or _("made to fit")
    return said[:1].upper() + said[1:]
