"""What the create pages say beside the tick for consent."""

from __future__ import annotations

from django.utils.translation import gettext as _

from jobs.orders.consent import ConsentState
from studio.common import reader
from studio.common.formats import person


def what_to_do(state: ConsentState) -> str:
    """What to do while consent is missing."""
    words = {
        "image": _("Say first that the team may use this picture."),
        "audio": _("Say first that the team may use this speech."),
        "video": _("Say first that the team may use this video."),
    }
    return words[state.asset.kind]


def given_by(state: ConsentState) -> str:
    """“Mia said so on 14 Nov.”; "" while it is not given."""
    if state.consent is None:
        return ""
    values = {
        "who": person(state.consent.by),
        "day": reader.written(state.consent.at, "day"),
    }
    return _("%(who)s said so on %(day)s.") % values
