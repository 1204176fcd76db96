"""Every model we know, one frozen declaration each. The form, the validation, the wire, the
simulator, the quote and the price table derive from these; a new model of the same contract is one
entry here (in the file of its family) and nothing else.

Facts: CONTRACT §2 to §7 and §13. Ground floor: no Django, no I/O.
"""

from __future__ import annotations

from jobs.catalogue.animate_anyone import AA, AA_DETECT, AA_TEMPLATE
from jobs.catalogue.emo import EMO, EMO_DETECT
from jobs.catalogue.schema import (
    MODELS,
    Advice,
    BadChoice,
    Input,
    Kind,
    ListPrice,
    Model,
    Output,
    Parameter,
    Variant,
    billed_units,
    body,
    clean_choices,
    get,
    own_choices,
    result_of,
)
from jobs.catalogue.wan import MIX, MOVE, S2V, S2V_DETECT

__all__ = [
    "AA",
    "AA_DETECT",
    "AA_TEMPLATE",
    "EMO",
    "EMO_DETECT",
    "MIX",
    "MODELS",
    "MOVE",
    "S2V",
    "S2V_DETECT",
    "Advice",
    "BadChoice",
    "Input",
    "Kind",
    "ListPrice",
    "Model",
    "Output",
    "Parameter",
    "Variant",
    "billed_units",
    "body",
    "clean_choices",
    "get",
    "own_choices",
    "result_of",
    "shapes",
]

MODELS.update(
    (model.name, model)
    for model in (EMO_DETECT, EMO, AA_DETECT, AA_TEMPLATE, AA, S2V_DETECT, S2V, MOVE, MIX)
)


def shapes() -> list[str]:
    """The shapes that some model offers, such as “3:4”, each once and in the order declared."""
    found = [
        str(value)
        for model in MODELS.values()
        for parameter in model.choices()
        if parameter.is_shape
        for value in parameter.values
    ]
    return list(dict.fromkeys(found))
