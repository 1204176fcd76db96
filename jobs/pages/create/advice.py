"""What the contract advises against, for one draft: the sentence, and the one click that mends
it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.catalogue import entries
from jobs.pages.create.draft_fields import PICK, form_value
from studio.common.translatable import translated


@dataclass(frozen=True, slots=True)
class Advised:
    """A combination that goes wrong often. It stands beside the choice `parameter`; the button
    sends `pick_name`=`pick_value`."""

    parameter: str
    sentence: str
    label: str
    pick_name: str
    pick_value: str


def advised(
    spec: entries.Model, facts: Mapping[str, Any], chosen: Mapping[str, Any]
) -> list[Advised]:
    """Every advice of `spec` that `chosen` goes against, for a picture whose check found
    `facts`."""
    found = []
    for advice in spec.advice:
        if facts.get(advice.fact) != advice.is_ or chosen.get(advice.parameter) != advice.chosen:
            continue
        parameter = next(p for p in spec.choices() if p.name == advice.parameter)
        value = next(value for value in parameter.values if value != advice.chosen)
        found.append(
            Advised(
                advice.parameter,
                translated(advice.sentence),
                translated(advice.better),
                PICK + advice.parameter,
                form_value(value),
            )
        )
    return found
