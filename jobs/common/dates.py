"""Days as parts of sentences, whose month is translated with the rest."""

from __future__ import annotations

from datetime import date

from studio.common.translatable import Sentence, phrase

_MONTHS = (
    phrase("January"),
    phrase("February"),
    phrase("March"),
    phrase("April"),
    phrase("May"),
    phrase("June"),
    phrase("July"),
    phrase("August"),
    phrase("September"),
    phrase("October"),
    phrase("November"),
    phrase("December"),
)
_SHORT = (
    phrase("Jan"),
    phrase("Feb"),
    phrase("Mar"),
    phrase("Apr"),
    phrase("May"),
    phrase("Jun"),
    phrase("Jul"),
    phrase("Aug"),
    phrase("Sep"),
    phrase("Oct"),
    phrase("Nov"),
    phrase("Dec"),
)


def month_name(day: date) -> Sentence:
    """“November”"""
    return _MONTHS[day.month - 1]


def short_day(day: date) -> Sentence:
    """“1 Dec”"""
    return phrase("%(day)s %(month)s", day=day.day, month=_SHORT[day.month - 1])


def long_day(day: date) -> Sentence:
    """“10 October 2026”"""
    return phrase("%(day)s %(month)s %(year)s", day=day.day, month=month_name(day), year=day.year)
